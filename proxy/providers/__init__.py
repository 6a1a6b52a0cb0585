"""What is known of each destination of calls, one file a provider, facts only: address, key, dialect, paths, quirks.

`registry.py` finds the file that knows a provider; `known.py` says what such a file holds. A quirk changes a request in
one place because one provider wants it so, and says where that stands and since when. Adding a provider is
docs/how-to/add-a-provider.md.
"""
