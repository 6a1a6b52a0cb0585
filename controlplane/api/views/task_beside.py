"""What stands beside the states of some tasks, in a fixed number of queries for however many there are.

Every command is answered with this, so statements are made once, and left out when the states say there is nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.api.views.answers import iso
from controlplane.api.views.tasks import CheckpointMark, CostsView, SubtasksView, UsageView
from controlplane.commands.references import refs_of
from controlplane.domain.state import CLOSED, RunState, TaskState, TaskStatus
from controlplane.store.tables import Agent, Checkpoint, DeliverableRow, Run, RunUsage, Task
from controlplane.store.upsert import table_of

USAGE = tuple(name for name in UsageView.__struct_fields__ if name != "is_simulated")
# How runs end whose work came to nothing: what they cost is the price of failing.
IN_VAIN = (RunState.FAILED, RunState.LOST, RunState.CANCELLED, RunState.SUPERSEDED, RunState.RELEASED)
NO_USAGE = UsageView(**dict.fromkeys(USAGE, 0), is_simulated=False)
NO_COSTS = CostsView(total_nano_usd=0, wait_nano_usd=0, failed_nano_usd=0)


@dataclass(frozen=True, slots=True)
class Beside:
    """By task id, unless said otherwise."""

    refs: dict[str, str]
    agents: dict[str, str]  # names by agent id
    usage: dict[str, tuple[UsageView, CostsView]]
    verdicts: dict[tuple[str, int], dict[str, Any]]  # by task id and version
    subtasks: dict[str, SubtasksView]
    checkpoints: dict[str, CheckpointMark]
    gate_problems: dict[str, str]


async def read_beside(session: AsyncSession, states: Sequence[TaskState]) -> Beside:
    task_ids = [state.task_id for state in states]
    return Beside(
        refs=await refs_of(session, _named_tasks(states)),
        agents=await _agent_names(session, states),
        usage=await _usage(session, task_ids),
        verdicts=await _verdicts(session, states),
        subtasks=await _subtasks(session, task_ids),
        checkpoints=await _checkpoints(session, states),
        gate_problems=await _gate_problems(session, task_ids),
    )


def _named_tasks(states: Sequence[TaskState]) -> list[str]:
    named = {task_id for state in states for task_id in (*state.blockers, *state.upstream_changed)}
    return sorted(named | {state.parent_id for state in states if state.parent_id})


async def _agent_names(session: AsyncSession, states: Sequence[TaskState]) -> dict[str, str]:
    wanted = {run.agent_id for state in states for run in state.runs}
    wanted |= {agent_id for state in states for agent_id in (state.agent_id, *state.avoids) if agent_id}
    if not wanted:
        return {}
    rows = await session.execute(_names_of_agents(), {"ids": sorted(wanted)})
    return {agent_id: name for agent_id, name in rows}  # noqa: C416 - dict(rows) loses the types


@cache
def _names_of_agents() -> Select[Any]:
    columns = table_of(Agent).c
    return select(columns.agent_id, columns.name).where(_is_one_of(columns.agent_id))


async def _usage(session: AsyncSession, task_ids: list[str]) -> dict[str, tuple[UsageView, CostsView]]:
    rows = await session.execute(_usage_of_tasks(), {"ids": task_ids})
    return {row["task_id"]: _usage_views(dict(row)) for row in rows.mappings()}


@cache
def _usage_of_tasks() -> Select[Any]:
    used, run = table_of(RunUsage), table_of(Run)
    failed = case((run.c.state.in_(IN_VAIN), used.c.cost_nano_usd), else_=0)
    return (
        select(
            used.c.task_id,
            func.max(used.c.is_simulated).label("is_simulated"),
            func.sum(used.c.wait_cost_nano_usd).label("wait"),
            func.sum(failed).label("failed"),
            *(func.sum(used.c[name]).label(name) for name in USAGE),
        )
        .select_from(used.outerjoin(run, run.c.run_id == used.c.run_id))
        .where(_is_one_of(used.c.task_id))
        .group_by(used.c.task_id)
    )


def _usage_views(row: dict[str, Any]) -> tuple[UsageView, CostsView]:
    usage = UsageView(**{name: int(row[name]) for name in USAGE}, is_simulated=bool(row["is_simulated"]))
    costs = CostsView(
        total_nano_usd=usage.cost_nano_usd, wait_nano_usd=int(row["wait"]), failed_nano_usd=int(row["failed"])
    )
    return usage, costs


async def _verdicts(session: AsyncSession, states: Sequence[TaskState]) -> dict[tuple[str, int], dict[str, Any]]:
    task_ids = [state.task_id for state in states if state.deliverables]
    if not task_ids:
        return {}
    rows = await session.execute(_verdicts_on_tasks(), {"ids": task_ids})
    return {
        (task_id, version): {"verdict": verdict, "note": note, "reviewed_by": reviewer or None}
        for task_id, version, verdict, note, reviewer in rows
    }


@cache
def _verdicts_on_tasks() -> Select[Any]:
    columns = table_of(DeliverableRow).c
    return select(columns.task_id, columns.version, columns.verdict, columns.note, columns.reviewed_by).where(
        _is_one_of(columns.task_id)
    )


async def _subtasks(session: AsyncSession, task_ids: list[str]) -> dict[str, SubtasksView]:
    rows = await session.execute(_subtasks_of_tasks(), {"ids": task_ids})
    counts: dict[str, dict[str, int]] = {}
    for parent_id, status, count in rows:
        counts.setdefault(parent_id, {})[status] = count
    return {parent_id: _progress(by_status) for parent_id, by_status in counts.items()}


@cache
def _subtasks_of_tasks() -> Select[Any]:
    columns = table_of(Task).c
    return (
        select(columns.parent_id, columns.status, func.count())
        .where(_is_one_of(columns.parent_id))
        .group_by(columns.parent_id, columns.status)
    )


def _progress(by_status: dict[str, int]) -> SubtasksView:
    return SubtasksView(
        total=sum(by_status.values()),
        done=by_status.get(TaskStatus.DONE, 0),
        closed=sum(count for status, count in by_status.items() if status in CLOSED),
    )


async def _checkpoints(session: AsyncSession, states: Sequence[TaskState]) -> dict[str, CheckpointMark]:
    """The latest that the next run may go on from; a restart from nothing has raised the floor above older ones."""
    floors = {state.task_id: state.checkpoint_floor for state in states if state.runs}
    if not floors:
        return {}
    rows = await session.execute(_checkpoints_of_tasks(), {"ids": list(floors)})
    return {
        row.task_id: CheckpointMark(run_id=row.run_id, note=row.note, size_bytes=row.size_bytes, at=iso(row.at_ms))
        for row in rows
        if row.epoch > floors[row.task_id]
    }


@cache
def _checkpoints_of_tasks() -> Select[Any]:
    columns = table_of(Checkpoint).c
    return (
        select(columns.task_id, columns.epoch, columns.run_id, columns.note, columns.size_bytes, columns.at_ms)
        .where(_is_one_of(columns.task_id))
        .order_by(columns.epoch)
    )


async def _gate_problems(session: AsyncSession, task_ids: list[str]) -> dict[str, str]:
    rows = await session.execute(_problems_of_gates(), {"ids": task_ids})
    return {task_id: problem for task_id, problem in rows}  # noqa: C416 - dict(rows) loses the types


@cache
def _problems_of_gates() -> Select[Any]:
    columns = table_of(Task).c
    return select(columns.task_id, columns.review_problem).where(
        _is_one_of(columns.task_id), columns.review_problem != ""
    )


def _is_one_of(column: ColumnElement[Any]) -> ColumnElement[bool]:
    return column.in_(bindparam("ids", expanding=True))
