"""The whole state of a task, as SQL keeps it beside the columns that are searched."""

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import TaskState
from controlplane.store.tables import Task
from controlplane.store.upsert import table_of


async def state_of(session: AsyncSession, task_id: str) -> TaskState | None:
    """The task as SQL knows it; None while it is just being made."""
    columns = table_of(Task).c
    found = await session.execute(select(columns.state_json).where(columns.task_id == task_id))
    text = found.scalar_one_or_none()
    return None if text is None else msgspec.json.decode(text, type=TaskState)
