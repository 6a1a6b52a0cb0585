"""Pages that stay true: the outbox says that something changed, the view is read again, and what differs is sent.

A **channel** serves everybody who sees the same fragments (a board with one filter, one task, one person's frame): it
reads and renders once, and hands the same bytes to all its **viewers**. Comparing whole views instead of interpreting
events makes one rule enough: *old page + live fragments == fresh page*, whatever happened in between.
"""
