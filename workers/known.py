"""What the read model knows of tasks that Temporal may have forgotten."""

from collections.abc import Awaitable, Callable

import msgspec
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from controlplane.domain.state import TaskState
from controlplane.ports import EngineUnavailable
from controlplane.store.database import Database
from controlplane.store.tables import Task
from controlplane.store.upsert import table_of


async def read_state(control: Database, task_id: str) -> TaskState | None:
    """The state as SQL last heard it; None when SQL does not know the task."""
    task = table_of(Task).c
    async with control.reading() as session:
        text = (await session.execute(select(task.state_json).where(task.task_id == task_id))).scalar_one_or_none()
    return None if text is None else msgspec.json.decode(text, type=TaskState)


def known_state(control: Database) -> Callable[[str], Awaitable[TaskState | None]]:
    """`read_state` for those who know engines alone: raises EngineUnavailable when SQL is away."""

    async def read(task_id: str) -> TaskState | None:
        try:
            return await read_state(control, task_id)
        except SQLAlchemyError as error:
            raise EngineUnavailable("the read model could not be asked") from error

    return read
