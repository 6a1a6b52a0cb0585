"""Says, in the transaction that makes a change, that there is one. Whoever waits for it reads the feed."""

from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.store.tables import Outbox

Topic = Literal["task", "usage", "signal", "comment", "notice", "agent", "key", "run", "process"]


def announce(session: AsyncSession, workspace_id: str, topic: Topic, subject_id: str, at_ms: int) -> None:
    """Adds one row to the outbox; it becomes visible, in order, when the session commits."""
    session.add(Outbox(workspace_id=workspace_id, topic=topic, subject_id=subject_id, at_ms=at_ms))
