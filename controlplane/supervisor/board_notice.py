"""Tells the board, through the control database, what the supervisor sees of its children.

A death stands in the child's row of `processes`, and in the outbox (topic `process`, subject the child's name), which
every open board hears. The engine is not ours and cannot say so itself: it gets its row in `processes` from here;
`confirm_loss` compares that with a lease. Diagnostics beside the truth: a database that is busy or not there yet is
passed over.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from controlplane.plain_sqlite import DatabaseNotUsable, open_sqlite, writing

BUSY_MS = 1000

_ANNOUNCE = """
INSERT INTO outbox (workspace_id, topic, subject_id, at_ms)
SELECT workspace_id, 'process', :name, :at_ms FROM workspaces
"""
_DEATH = "UPDATE processes SET died_at_ms = :at_ms WHERE name = :name"
_NEW_START = "UPDATE processes SET died_at_ms = NULL"
_ENGINE_ALIVE = """
INSERT INTO processes (name, pid, started_at_ms, alive_at_ms) VALUES ('temporal', :pid, :started_at_ms, :now_ms)
ON CONFLICT (name) DO UPDATE SET pid = :pid, started_at_ms = :started_at_ms, alive_at_ms = :now_ms
"""


def tell_death(database: Path, name: str, at_ms: int) -> bool:
    """Announces that a child died; False when the database could not be told."""
    return _tell(database, (_DEATH, _ANNOUNCE), {"name": name, "at_ms": at_ms})


def tell_return(database: Path, name: str, at_ms: int) -> bool:
    """Announces that a child answers again; False when the database could not be told."""
    return _tell(database, (_ANNOUNCE,), {"name": name, "at_ms": at_ms})


def forget_deaths(database: Path) -> bool:
    """The whole product starts: what died in its last life is no news. False when the database could not be told."""
    return _tell(database, (_NEW_START,), {})


def tell_engine_alive(database: Path, pid: int, started_at_ms: int, now_ms: int) -> bool:
    """The engine's row in `processes`; False when the database could not be told."""
    row = {"pid": pid, "started_at_ms": started_at_ms, "now_ms": now_ms}
    return _tell(database, (_ENGINE_ALIVE,), row)


def _tell(database: Path, statements: Sequence[str], values: Mapping[str, str | int]) -> bool:
    try:
        with closing(open_sqlite(database, busy_ms=BUSY_MS)) as connection, writing(connection):
            for statement in statements:
                connection.execute(statement, values)
    except (sqlite3.Error, DatabaseNotUsable):
        return False
    return True
