"""What the gateway proves itself with to a provider, where that is not one key for good.

Words: **credentials** give each request its headers; a **source** asks the cloud for fresh ones, in a thread; what is
**renewing** keeps the present ones, and asks for the next before they end. A provider with a static key has none of it.

Nothing here is written to disk. A process that is killed loses what it held, which ends by itself within hours; the
next one asks for its own.
"""
