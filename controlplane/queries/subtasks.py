"""The parts of a task, how far they are, and what it is a part of."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import CLOSED, TaskStatus
from controlplane.queries.rows import TASKS, first_row, rows

SHOWN = 100


@dataclass(frozen=True, slots=True)
class Part:
    """A sub-task, or the task it is part of."""

    number: int
    title: str
    status: TaskStatus

    @property
    def ref(self) -> str:
        return f"T-{self.number}"


@dataclass(frozen=True, slots=True)
class PartsView:
    """All sub-tasks by number; of them so many are done, and so many ended otherwise."""

    parts: tuple[Part, ...] = ()

    @property
    def done(self) -> int:
        return sum(part.status is TaskStatus.DONE for part in self.parts)

    @property
    def ended(self) -> int:
        """Failed or cancelled: they will not be done."""
        return sum(part.status in CLOSED for part in self.parts) - self.done

    @property
    def percent_done(self) -> float:
        return round(100 * self.done / len(self.parts), 1) if self.parts else 0.0


def part_of(row: Row[Any]) -> Part:
    """From a row with number, title and status."""
    return Part(row.number, row.title, TaskStatus(row.status))


async def parts_of(session: AsyncSession, task_id: str) -> PartsView:
    """The direct sub-tasks of a task."""
    wanted = _parts().where(TASKS.c.parent_id == task_id).order_by(TASKS.c.number).limit(SHOWN)
    return PartsView(tuple(part_of(row) for row in await rows(session, wanted)))


async def parent_of(session: AsyncSession, parent_id: str | None) -> Part | None:
    """The task this one is part of."""
    if parent_id is None:
        return None
    row = await first_row(session, _parts().where(TASKS.c.task_id == parent_id))
    return part_of(row) if row else None


def _parts() -> Select[Any]:
    return select(TASKS.c.number, TASKS.c.title, TASKS.c.status)
