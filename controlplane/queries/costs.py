"""What work has cost, and how much of it bought nothing: failed runs, and calls made while waiting.

`failed` is what runs used that ended without a deliverable. `waiting` is what calls cost that began while their task
was blocked or their run waited for a person: the gateway marks them. The two may overlap; neither exceeds the total.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import RunState
from controlplane.queries.rows import RUNS, USAGE, rows

FAILED = (RunState.FAILED, RunState.LOST, RunState.CANCELLED, RunState.SUPERSEDED, RunState.RELEASED)


@dataclass(frozen=True, slots=True)
class TaskCosts:
    """In nano-USD."""

    total_nano_usd: int = 0
    failed_nano_usd: int = 0
    waiting_nano_usd: int = 0
    bound_nano_usd: int = 0  # the most that unknown calls can have cost
    runs: int = 0
    calls: int = 0
    unknown_calls: int = 0


@dataclass(frozen=True, slots=True)
class AgentCosts:
    """One agent's, over all its runs."""

    agent_id: str
    costs: TaskCosts


async def costs_of_task(session: AsyncSession, task_id: str) -> TaskCosts:
    """Everything the task's runs have used."""
    (row,) = await rows(session, _sums().where(RUNS.c.task_id == task_id))
    return _costs(row)


async def costs_of_agents(session: AsyncSession, workspace_id: str, since_ms: int = 0) -> list[AgentCosts]:
    """For each agent that has run anything since then."""
    query = _sums(RUNS.c.agent_id).where(RUNS.c.workspace_id == workspace_id, RUNS.c.started_at_ms >= since_ms)
    found = await rows(session, query.group_by(RUNS.c.agent_id).order_by(RUNS.c.agent_id))
    return [AgentCosts(row.agent_id, _costs(row)) for row in found]


def _sums(*keys: ColumnElement[str]) -> Any:
    cost = func.coalesce(USAGE.c.cost_nano_usd, 0)
    return select(
        *keys,
        func.coalesce(func.sum(cost), 0).label("total"),
        func.coalesce(func.sum(case((RUNS.c.state.in_(FAILED), cost), else_=0)), 0).label("failed"),
        func.coalesce(func.sum(USAGE.c.wait_cost_nano_usd), 0).label("waiting"),
        func.coalesce(func.sum(USAGE.c.bound_nano_usd), 0).label("bound"),
        func.count(RUNS.c.run_id).label("runs"),
        func.coalesce(func.sum(USAGE.c.calls), 0).label("calls"),
        func.coalesce(func.sum(USAGE.c.unknown_calls), 0).label("unknown"),
    ).select_from(RUNS.outerjoin(USAGE, USAGE.c.run_id == RUNS.c.run_id))


def _costs(row: Row[Any]) -> TaskCosts:
    return TaskCosts(row.total, row.failed, row.waiting, row.bound, row.runs, row.calls, row.unknown)
