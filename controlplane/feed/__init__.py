"""Tells those who wait that something changed, in the order of the outbox.

Words: a **change** is one row of the outbox, a **subscription** yields changes in batches, **resync** says that some
were missed and the subscriber must look at everything anew.
"""
