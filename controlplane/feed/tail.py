"""Reads the outbox of a SQLite file as it grows.

`PRAGMA data_version` changes when another connection has committed; it looks at shared memory only (2.8 µs), and
readers of a write-ahead log never wait. So this small connection of its own is asked from the event loop itself.
"""

import sqlite3
from pathlib import Path

from controlplane.feed.changes import Change

_COLUMNS = "seq, workspace_id, topic, subject_id, at_ms"
READ_AT_ONCE = 1000  # rows, so that a burst does not hold up the loop


class OutboxTail:
    """A position in the outbox, and what has come since."""

    def __init__(self, path: Path, last_seq: int | None = None) -> None:
        # Not `mode=ro`: the first reader of a write-ahead log has to make its shared memory.
        self._connection = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, isolation_level=None)
        self._connection.execute("PRAGMA query_only=ON")
        self._version = -1
        newest = self._scalar("SELECT coalesce(max(seq), 0) FROM outbox")
        self.last_seq = newest if last_seq is None else min(last_seq, newest)

    def grown(self) -> list[Change]:
        """The next changes, at most `READ_AT_ONCE`; none when nothing was committed since all had been read."""
        version = self._scalar("PRAGMA data_version")
        if version == self._version:
            return []
        changes = self.after(self.last_seq)
        if len(changes) < READ_AT_ONCE:
            self._version = version
        if changes:
            self.last_seq = changes[-1].seq
        return changes

    def after(self, seq: int) -> list[Change]:
        """At most `READ_AT_ONCE` changes after that one, oldest first."""
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?",  # noqa: S608 - only our own constant
            (seq, READ_AT_ONCE),
        )
        return [Change(*row) for row in rows]

    def oldest(self) -> int:
        """The first change still kept; one past the last when none is."""
        return self._scalar("SELECT coalesce(min(seq), ? + 1) FROM outbox", self.last_seq)

    def close(self) -> None:
        self._connection.close()

    def _scalar(self, statement: str, *parameters: int) -> int:
        return int(self._connection.execute(statement, parameters).fetchone()[0])
