"""From what people and agents write (`T-12`, `t_…`) to the task it means."""

import re
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.store.tables import Task, TaskNumber, Workspace
from controlplane.store.upsert import table_of

_NUMBER = re.compile(r"[Tt]-([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class TaskReference:
    """A task that exists, or is about to: its number is given before its workflow starts."""

    task_id: str
    workspace_id: str
    number: int

    @property
    def ref(self) -> str:
        return f"T-{self.number}"


async def find_task(session: AsyncSession, reference: str, workspace_id: str | None = None) -> TaskReference | None:
    """Numbers are given per workspace: without one, they mean the only workspace there is.

    The read model is asked first, then the numbers: a task may not be projected yet, or the numbers may be lost.
    """
    number = task_number(reference)
    if number is not None and workspace_id is None:
        workspace_id = await _only_workspace(session)
    for table in (Task, TaskNumber):
        columns = table_of(table).c
        query = select(columns.task_id, columns.workspace_id, columns.number)
        query = query.where(columns.task_id == reference if number is None else columns.number == number)
        if workspace_id is not None:
            query = query.where(columns.workspace_id == workspace_id)
        row = (await session.execute(query)).first()
        if row is not None:
            return TaskReference(*row)
    return None


async def refs_of(session: AsyncSession, task_ids: list[str]) -> dict[str, str]:
    """`T-12` for each id; an unknown one stands for itself."""
    refs = {task_id: task_id for task_id in task_ids}
    if not task_ids:
        return refs
    for table in (TaskNumber, Task):
        columns = table_of(table).c
        rows = await session.execute(select(columns.task_id, columns.number).where(columns.task_id.in_(task_ids)))
        refs |= {task_id: f"T-{number}" for task_id, number in rows}
    return refs


async def _only_workspace(session: AsyncSession) -> str:
    found = await session.execute(select(table_of(Workspace).c.workspace_id).limit(2))
    workspaces = found.scalars().all()
    return workspaces[0] if len(workspaces) == 1 else ""


def task_number(reference: str) -> int | None:
    """12 for `T-12`, in either case; None for anything else."""
    match = _NUMBER.fullmatch(reference)
    return int(match[1]) if match else None
