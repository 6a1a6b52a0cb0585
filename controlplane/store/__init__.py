"""SQL: the read model of tasks, and the truth about agents, keys, people, calls.

Two databases (two SQLite files, or two schemas in PostgreSQL), so that the recorder's stream of calls and people's
clicks do not wait for each other's write lock: **control** (`tables.py`) and **calls** (`call_tables.py`).
"""
