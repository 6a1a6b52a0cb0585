"""Who is calling, and how they come to be let in: people by password or one-time link, scripts and agents by key.

Words: a **caller** holds a key, a **person** has signed in. Everything secret is stored as a digest only; whoever is
not known gets None, without a hint why. All functions work inside of the caller's session or transaction.
"""
