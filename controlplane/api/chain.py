"""Everything that one task waits for, directly or through others, nearest first."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.api.views.insight import LinkView
from controlplane.api.views.tasks import TaskLink
from controlplane.commands.references import TaskReference
from controlplane.domain.state import TaskStatus
from controlplane.queries.rows import EDGES, TASKS, rows

MOST = 500  # links of one answer: more than anybody reads


async def chain_of(session: AsyncSession, task: TaskReference) -> list[LinkView]:
    """The task itself first. Ends even if data held a cycle."""
    depths: dict[str, int] = {task.task_id: 0}
    edges: dict[str, list[str]] = {}
    level = [task.task_id]
    while level and len(depths) < MOST:
        found = await _open_edges(session, level)
        for task_id, blocker_id in found:
            edges.setdefault(task_id, []).append(blocker_id)
        depth = depths[level[0]] + 1
        level = sorted({blocker_id for _, blocker_id in found} - set(depths))[: MOST - len(depths)]
        depths |= dict.fromkeys(level, depth)
    known = {row.task_id: row for row in await _tasks(session, depths)}
    return [_link(known[task_id], depth, edges.get(task_id, ()), known) for task_id, depth in depths.items()]


async def _open_edges(session: AsyncSession, task_ids: list[str]) -> list[tuple[str, str]]:
    """What these wait for and that is not done; a task that is done itself waits for nothing."""
    query = (
        select(EDGES.c.task_id, EDGES.c.blocker_id)
        .join(TASKS, TASKS.c.task_id == EDGES.c.blocker_id)
        .where(EDGES.c.task_id.in_(task_ids), TASKS.c.status != TaskStatus.DONE.value)
        .order_by(EDGES.c.task_id, TASKS.c.number)
    )
    return [(row.task_id, row.blocker_id) for row in await rows(session, query)]


async def _tasks(session: AsyncSession, task_ids: Iterable[str]) -> Any:
    columns = (TASKS.c.task_id, TASKS.c.number, TASKS.c.title, TASKS.c.status)
    return await rows(session, select(*columns).where(TASKS.c.task_id.in_(list(task_ids))))


def _link(row: Row[Any], depth: int, waits_for: Iterable[str], known: dict[str, Row[Any]]) -> LinkView:
    links = [TaskLink(task_id=task_id, ref=f"T-{known[task_id].number}") for task_id in waits_for if task_id in known]
    return LinkView(
        task_id=row.task_id,
        ref=f"T-{row.number}",
        title=row.title,
        status=TaskStatus(row.status),
        depth=depth,
        waits_for=links,
        is_leaf=not links,
    )
