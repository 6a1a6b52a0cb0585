"""Plain SQLite for the two processes beside the hot path, which must stay light: gateway and recorder.

They read and write a few fixed statements; SQLAlchemy would cost each of them 40 MB and most of its CPU. Everybody else
goes through `controlplane.store`.
"""

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SQLITE_PREFIXES = ("sqlite+aiosqlite:///", "sqlite:///")

_SAY_ALIVE = """
INSERT INTO processes (name, pid, started_at_ms, alive_at_ms) VALUES (:name, :pid, :started_at_ms, :now_ms)
ON CONFLICT (name) DO UPDATE SET pid = :pid, started_at_ms = :started_at_ms, alive_at_ms = :now_ms
"""

_ANNOUNCE = "INSERT INTO outbox (workspace_id, topic, subject_id, at_ms) VALUES ('', 'process', :name, :now_ms)"

PRESENCE_SECONDS = 5.0

_log = logging.getLogger(__name__)


class DatabaseNotUsable(Exception):  # noqa: N818 - said to the operator as a sentence, not raised as an alarm
    """The database cannot be used by this process; the message says what to do."""


def sqlite_path(url: str) -> Path:
    """The file behind a SQLAlchemy URL. Raises DatabaseNotUsable for anything but SQLite."""
    for prefix in _SQLITE_PREFIXES:
        if url.startswith(prefix):
            return Path(url.removeprefix(prefix))
    dialect = url.partition(":")[0]
    raise DatabaseNotUsable(
        f"The gateway and the recorder speak SQLite only, not {dialect!r}: PostgreSQL is not there yet. "
        "Unset POINTSMAN_CONTROL_URL and POINTSMAN_CALLS_URL."
    )


def open_sqlite(
    path: Path, *, busy_ms: int = 5000, is_read_only: bool = False, is_shared: bool = False
) -> sqlite3.Connection:
    """A connection in autocommit mode: transactions are opened by `writing`. Raises DatabaseNotUsable when absent.

    A shared one may be used by several threads, one after the other.
    """
    if not path.exists():
        raise DatabaseNotUsable(f"There is no database at {path}: run 'pointsman migrate' (or 'pointsman up') first.")
    connection = sqlite3.connect(path, isolation_level=None, timeout=busy_ms / 1000, check_same_thread=not is_shared)
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise DatabaseNotUsable(f"{path} cannot be switched to WAL (it answers {mode!r}): is it on a network drive?")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA cache_size=-8192")
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute("PRAGMA journal_size_limit=67108864")
    if is_read_only:
        connection.execute("PRAGMA query_only=ON")
    return connection


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One transaction that takes the write lock at once, so that it cannot fail half-way for want of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


class Presence:
    """This process's row in `processes`, as `controlplane.store.presence` keeps it for the others."""

    def __init__(self, control: sqlite3.Connection, name: str, now_ms: int) -> None:
        self._control = control
        self._row = {"name": name, "pid": os.getpid(), "started_at_ms": now_ms}
        self._is_announced = False

    def say(self, now_ms: int) -> None:
        """Says that the process is alive; the first time also in the outbox. A busy database must not end it."""
        try:
            with writing(self._control):
                self._control.execute(_SAY_ALIVE, {**self._row, "now_ms": now_ms})
                if not self._is_announced:
                    self._control.execute(_ANNOUNCE, {**self._row, "now_ms": now_ms})
            self._is_announced = True
        except sqlite3.OperationalError as error:
            _log.warning("presence was not written", extra={"presence_of": self._row["name"], "reason": str(error)})
