"""The tasks around a task: what it waits for, and everything that waits behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import TaskStatus
from controlplane.queries.card import CardView
from controlplane.queries.rows import EDGES, TASKS, rows

BEHIND_SHOWN = 50
AROUND_READ = 300  # of each direction: what a chain has beyond that, nobody reads on one page


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A task beside ours; `card` is there while it is on the board."""

    number: int
    title: str
    status: TaskStatus
    card: CardView | None
    depth: int = 1

    @property
    def ref(self) -> str:
        return f"T-{self.number}"


async def blockers_of(session: AsyncSession, known: Mapping[str, CardView], task_id: str) -> tuple[Neighbour, ...]:
    """The tasks it waits for, done ones included."""
    wanted = (
        select(TASKS.c.task_id, TASKS.c.number, TASKS.c.title, TASKS.c.status, literal(1).label("depth"))
        .join(EDGES, EDGES.c.blocker_id == TASKS.c.task_id)
        .where(EDGES.c.task_id == task_id)
        .order_by(TASKS.c.number)
    )
    return _neighbours(await rows(session, wanted), known)


async def waiting_for(session: AsyncSession, known: Mapping[str, CardView], task_id: str) -> tuple[Neighbour, ...]:
    """The open tasks behind it, near ones first, each once."""
    behind = select(EDGES.c.task_id, literal(1).label("depth")).where(EDGES.c.blocker_id == task_id).cte(recursive=True)
    further = select(EDGES.c.task_id, behind.c.depth + 1).join(behind, EDGES.c.blocker_id == behind.c.task_id)
    # UNION drops repeated rows, and the bound on depth ends the walk should the data ever hold a cycle.
    chain = behind.union(further.where(behind.c.depth < BEHIND_SHOWN))
    wanted = (
        select(TASKS.c.task_id, TASKS.c.number, TASKS.c.title, TASKS.c.status, chain.c.depth)
        .join(chain, chain.c.task_id == TASKS.c.task_id)
        .where(TASKS.c.status.not_in([TaskStatus.DONE, TaskStatus.CANCELLED, TaskStatus.FAILED]))
        .order_by(chain.c.depth, TASKS.c.number)
    )
    nearest: dict[str, Row[Any]] = {}
    for row in await rows(session, wanted):
        nearest.setdefault(row.task_id, row)
    return _neighbours(list(nearest.values())[:BEHIND_SHOWN], known)


async def around(session: AsyncSession, task_id: str) -> set[str]:
    """The task, all that it waits for, directly or through others, and all that waits behind it."""
    found = {task_id}
    for here, there in ((EDGES.c.task_id, EDGES.c.blocker_id), (EDGES.c.blocker_id, EDGES.c.task_id)):
        near = select(there.label("task_id")).where(here == task_id).cte(recursive=True)
        chain = near.union(select(there).join(near, here == near.c.task_id))  # repeated rows end the walk
        found |= {row.task_id for row in await rows(session, select(chain.c.task_id).limit(AROUND_READ))}
    return found


def _neighbours(found: Sequence[Row[Any]], known: Mapping[str, CardView]) -> tuple[Neighbour, ...]:
    return tuple(
        Neighbour(row.number, row.title, TaskStatus(row.status), known.get(row.task_id), row.depth) for row in found
    )
