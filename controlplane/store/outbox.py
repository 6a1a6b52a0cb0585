"""Says, in the transaction that makes a change, that there is one. Whoever waits for it reads the feed."""

from typing import Literal

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.store.tables import Outbox
from controlplane.store.upsert import table_of

KEPT = 50_000  # rows: hours of a busy board. A reader that was away for longer looks at everything anew
TRIMMED_AT_ONCE = 10_000  # rows: some 20 ms under the write lock

Topic = Literal[
    "task", "usage", "signal", "comment", "notice", "agent", "key", "run", "process", "note", "freeze", "incident"
]


def announce(session: AsyncSession, workspace_id: str, topic: Topic, subject_id: str, at_ms: int) -> None:
    """Adds one row to the outbox; it becomes visible, in order, when the session commits."""
    session.add(Outbox(workspace_id=workspace_id, topic=topic, subject_id=subject_id, at_ms=at_ms))


def announce_in(connection: Connection, workspace_id: str, topic: Topic, subject_id: str, at_ms: int) -> None:
    """The same over a connection, at once."""
    row = {"workspace_id": workspace_id, "topic": topic, "subject_id": subject_id, "at_ms": at_ms}
    connection.execute(table_of(Outbox).insert().inline(), row)


async def trim(session: AsyncSession, kept: int = KEPT) -> int:
    """Takes the oldest rows away, a bite at a time, until `kept` are left: the number of rows taken."""
    seq = table_of(Outbox).c.seq
    oldest, newest = (await session.execute(select(func.min(seq), func.max(seq)))).one()
    if newest is None or newest - oldest < kept:
        return 0
    last = min(newest - kept, oldest + TRIMMED_AT_ONCE - 1)
    await session.execute(delete(table_of(Outbox)).where(seq <= last))
    return int(last - oldest + 1)
