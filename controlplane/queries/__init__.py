"""What pages ask of SQL. One module answers one question with frozen view values; nothing here writes.

A view holds moments (`since_ms`), never ages: two views of the same facts are equal whenever they were made, and that
equality is what the live board compares to find out which fragments changed.
"""
