"""Every agent, how it is and why, what it has, what it could take, and what it has cost: a few statements for all."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.agent_status import Activity, AgentFacts, AgentThresholds, RunFacts, status_of
from controlplane.domain.state import CLOSED, LIVE, RunState, TaskStatus
from controlplane.queries.agent_view import AgentView, AtWork, FleetView
from controlplane.queries.card import Plate
from controlplane.queries.costs import TaskCosts, costs_of_agents
from controlplane.queries.freezes import FREEZES
from controlplane.queries.reasons import HELD_CALL
from controlplane.queries.rows import AGENTS, RUNS, SIGNALS, TASKS, USAGE, rows
from controlplane.queries.signals import Signal
from controlplane.queries.why import OFFLINE_AFTER_MS
from controlplane.store.tables import AgentNote
from controlplane.store.upsert import table_of

NOTES = table_of(AgentNote)


@dataclass(frozen=True, slots=True)
class _Work:
    """What is known of tasks and runs, by agent."""

    runs: Mapping[str, Sequence[AtWork]]
    in_review: Mapping[str, Sequence[str]]
    waiting: Mapping[str, Sequence[str]]
    claimable: Counter[tuple[str | None, frozenset[str]]] = field(default_factory=Counter)

    def queue_of(self, agent_id: str, capabilities: frozenset[str]) -> int:
        """How many tasks this agent could take."""
        return sum(
            count
            for (assigned, needs), count in self.claimable.items()
            if assigned in {None, agent_id} and needs <= capabilities
        )


async def fleet_view(
    session: AsyncSession, workspace_id: str, now_ms: int, midnight_ms: int, kind: str = ""
) -> FleetView:
    """Everybody who works here. Seven statements."""
    found = await rows(session, AGENTS.select().where(AGENTS.c.workspace_id == workspace_id))
    work = await _work(session, workspace_id)
    frozen = await _frozen(session, workspace_id)
    costs = {one.agent_id: one.costs for one in await costs_of_agents(session, workspace_id, midnight_ms)}
    notes = await _notes(session, workspace_id)
    agents = [
        _agent(
            row,
            work,
            costs.get(row.agent_id, TaskCosts()),
            notes.get(row.agent_id, 0),
            now_ms,
            frozen & {workspace_id, row.agent_id},
        )
        for row in found
    ]
    ordered = tuple(sorted(agents, key=lambda one: one.order))
    return FleetView(ordered, dict(Counter(one.group for one in ordered)), kind, sum(work.claimable.values()))


async def _work(session: AsyncSession, workspace_id: str) -> _Work:
    runs: dict[str, list[AtWork]] = defaultdict(list)
    for row in await rows(session, _live_runs(workspace_id)):
        runs[row.agent_id].append(_at_work(row))
    columns = TASKS.c
    open_tasks = select(
        columns.number, columns.status, columns.agent_id, columns.needs, columns.is_claimable, columns.run_id
    ).where(columns.workspace_id == workspace_id, columns.status.not_in(CLOSED))
    concerns_agents = or_(columns.is_claimable, columns.agent_id.is_not(None))
    work = _Work(runs, defaultdict(list), defaultdict(list))
    for row in await rows(session, open_tasks.where(concerns_agents).order_by(columns.number)):
        _count(work, row)
    return work


def _count(work: Any, row: Row[Any]) -> None:
    if row.is_claimable:
        work.claimable[row.agent_id, frozenset(row.needs or ())] += 1
    elif row.status == TaskStatus.IN_REVIEW:
        work.in_review[row.agent_id].append(f"T-{row.number}")
    elif row.run_id is None and row.status != TaskStatus.BACKLOG:
        work.waiting[row.agent_id].append(f"T-{row.number}")


def _live_runs(workspace_id: str) -> Any:
    joined = (
        RUNS.join(TASKS, TASKS.c.task_id == RUNS.c.task_id)
        .outerjoin(USAGE, USAGE.c.run_id == RUNS.c.run_id)
        .outerjoin(SIGNALS, SIGNALS.c.task_id == RUNS.c.task_id)
    )
    columns = (
        *(RUNS.c.agent_id, RUNS.c.state, RUNS.c.started_at_ms, RUNS.c.progress, TASKS.c.number, TASKS.c.title),
        *(USAGE.c.substate, SIGNALS.c.signal, SIGNALS.c.reason),
    )
    live = RUNS.c.state.in_(sorted(LIVE))
    return (
        select(*columns)
        .select_from(joined)
        .where(RUNS.c.workspace_id == workspace_id, live)
        .order_by(RUNS.c.started_at_ms)
    )


def _at_work(row: Row[Any]) -> AtWork:
    substate = "calls held at the gateway" if row.substate == HELD_CALL else row.substate
    return AtWork(
        ref=f"T-{row.number}",
        title=row.title,
        state=RunState(row.state),
        substate=substate or row.progress or "",
        started_at_ms=row.started_at_ms,
        stuck=row.reason if row.signal == Signal.STUCK else "",
    )


async def _frozen(session: AsyncSession, workspace_id: str) -> frozenset[str]:
    wanted = select(FREEZES.c.subject_id).where(FREEZES.c.workspace_id == workspace_id, FREEZES.c.scope != "task")
    return frozenset(row.subject_id for row in await rows(session, wanted))


async def _notes(session: AsyncSession, workspace_id: str) -> dict[str, int]:
    waiting = select(NOTES.c.agent_id, func.count().label("notes")).where(
        NOTES.c.workspace_id == workspace_id, NOTES.c.resolved_at_ms.is_(None)
    )
    return {row.agent_id: row.notes for row in await rows(session, waiting.group_by(NOTES.c.agent_id))}


def _agent(row: Row[Any], work: _Work, costs: TaskCosts, notes: int, now_ms: int, frozen: Set[str]) -> AgentView:
    runs = tuple(work.runs.get(row.agent_id, ()))
    capabilities = frozenset(row.capabilities or ())
    queue = work.queue_of(row.agent_id, capabilities)
    facts = AgentFacts(
        registered_at_ms=row.created_at_ms,
        seen_at_ms=row.seen_at_ms,
        is_internal=row.kind == "internal",
        is_paused=row.is_paused,
        pause_reason=row.pause_reason,
        is_frozen=bool(frozen),
        is_retired=row.retired_at_ms is not None,
        runs=tuple(_run_facts(runs)),
        in_review=tuple(work.in_review.get(row.agent_id, ())),
        waiting=tuple(work.waiting.get(row.agent_id, ())),
        claimable=queue,
    )
    return AgentView(
        agent_id=row.agent_id,
        plate=Plate(row.name, row.call_sign),
        status=status_of(facts, AgentThresholds(OFFLINE_AFTER_MS), now_ms),
        runs=runs,
        seen_at_ms=row.seen_at_ms,
        max_concurrency=row.max_concurrency,
        queue=queue,
        costs=costs,
        notes=notes,
        capabilities=tuple(sorted(capabilities)),
        kind=row.kind,
        template=row.template,
        pause_reason=row.pause_reason,
        is_paused=row.is_paused,
        is_frozen=bool(frozen),
        is_frozen_itself=row.agent_id in frozen,
        is_retired=row.retired_at_ms is not None,
        is_simulated=row.is_simulated,
    )


def _run_facts(runs: Iterable[AtWork]) -> Iterable[RunFacts]:
    return (RunFacts(run.ref, run.state, run.stuck, activity_of(run.substate)) for run in runs)


def activity_of(substate: str) -> Activity:
    """By the call in flight; an agent's own word about its progress says nothing of it."""
    if substate.startswith("tool:"):
        return Activity.TOOL
    return Activity(substate) if substate in {Activity.THINKING, Activity.WRITING} else Activity.UNKNOWN
