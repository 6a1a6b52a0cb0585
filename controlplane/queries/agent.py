"""One agent in full: how it is, its runs, what waits for it, what it could take, and its keys."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import LIVE, RunState
from controlplane.queries.agent_view import AgentView
from controlplane.queries.fleet import NOTES, fleet_view
from controlplane.queries.rows import RUNS, TASKS, USAGE, rows
from controlplane.queries.subtasks import Part, part_of
from controlplane.store.tables import Key
from controlplane.store.upsert import table_of

KEYS = table_of(Key)
RUNS_SHOWN = 40
QUEUE_SHOWN = 20
QUEUE_READ = 400  # claimable tasks that are looked at for it; what it needs is a list, which SQL cannot compare


@dataclass(frozen=True, slots=True)
class PastRun:
    """One of its runs, live or over."""

    ref: str
    title: str
    number: int
    state: RunState
    reason: str
    started_at_ms: int
    ended_at_ms: int | None
    calls: int
    cost_nano_usd: int
    waiting_nano_usd: int

    @property
    def is_live(self) -> bool:
        return self.state in LIVE


@dataclass(frozen=True, slots=True)
class NoteView:
    """What waits for the agent until it asks."""

    note_id: str
    ref: str
    kind: str
    text: str
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key by its tail: the key itself is shown once, when it is made."""

    key_id: str
    name: str
    tail: str
    created_at_ms: int
    revoked_at_ms: int | None


@dataclass(frozen=True, slots=True)
class AgentPage:
    """Everything the page of one agent shows."""

    agent: AgentView
    runs: tuple[PastRun, ...]
    notes: tuple[NoteView, ...]
    queue: tuple[Part, ...]
    keys: tuple[KeyView, ...]


async def agent_page(
    session: AsyncSession, workspace_id: str, reference: str, now_ms: int, midnight_ms: int
) -> AgentPage | None:
    """By name or id; None when nobody of that name works here."""
    fleet = await fleet_view(session, workspace_id, now_ms, midnight_ms)
    wanted = reference.strip().lower()
    agent = next((one for one in fleet.agents if reference == one.agent_id or wanted == one.plate.name), None)
    if agent is None:
        return None
    return AgentPage(
        agent=agent,
        runs=await _runs(session, agent.agent_id),
        notes=await _notes(session, agent.agent_id),
        queue=await _queue(session, workspace_id, agent),
        keys=await _keys(session, agent.agent_id),
    )


async def _runs(session: AsyncSession, agent_id: str) -> tuple[PastRun, ...]:
    joined = RUNS.join(TASKS, TASKS.c.task_id == RUNS.c.task_id).outerjoin(USAGE, USAGE.c.run_id == RUNS.c.run_id)
    wanted = (
        select(
            *(RUNS.c[name] for name in ("number", "state", "reason", "started_at_ms", "ended_at_ms")),
            TASKS.c.number.label("task_number"),
            TASKS.c.title,
            func.coalesce(USAGE.c.calls + USAGE.c.live_calls, 0).label("calls"),
            func.coalesce(USAGE.c.cost_nano_usd + USAGE.c.live_cost_nano_usd, 0).label("cost"),
            func.coalesce(USAGE.c.wait_cost_nano_usd, 0).label("waiting"),
        )
        .select_from(joined)
        .where(RUNS.c.agent_id == agent_id)
        .order_by(RUNS.c.started_at_ms.desc())
        .limit(RUNS_SHOWN)
    )
    return tuple(_run(row) for row in await rows(session, wanted))


def _run(row: Row[Any]) -> PastRun:
    return PastRun(
        ref=f"T-{row.task_number}",
        title=row.title,
        number=row.number,
        state=RunState(row.state),
        reason=row.reason,
        started_at_ms=row.started_at_ms,
        ended_at_ms=row.ended_at_ms,
        calls=row.calls,
        cost_nano_usd=row.cost,
        waiting_nano_usd=row.waiting,
    )


async def _notes(session: AsyncSession, agent_id: str) -> tuple[NoteView, ...]:
    wanted = (
        select(NOTES, TASKS.c.number)
        .join(TASKS, TASKS.c.task_id == NOTES.c.task_id)
        .where(NOTES.c.agent_id == agent_id, NOTES.c.resolved_at_ms.is_(None))
        .order_by(NOTES.c.created_at_ms)
    )
    return tuple(
        NoteView(row.note_id, f"T-{row.number}", row.kind, row.text, row.created_at_ms)
        for row in await rows(session, wanted)
    )


async def _queue(session: AsyncSession, workspace_id: str, agent: AgentView) -> tuple[Part, ...]:
    """What it could take, in the order in which it would be offered."""
    columns = TASKS.c
    wanted = (
        select(columns.number, columns.title, columns.status, columns.needs)
        .where(columns.workspace_id == workspace_id, columns.is_claimable)
        .where(or_(columns.agent_id.is_(None), columns.agent_id == agent.agent_id))
        .order_by(columns.priority, columns.created_at_ms)
        .limit(QUEUE_READ)
    )
    able = set(agent.capabilities)
    return tuple(part_of(row) for row in await rows(session, wanted) if set(row.needs or ()) <= able)[:QUEUE_SHOWN]


async def _keys(session: AsyncSession, agent_id: str) -> tuple[KeyView, ...]:
    wanted = select(KEYS).where(KEYS.c.agent_id == agent_id).order_by(KEYS.c.created_at_ms.desc())
    return tuple(
        KeyView(row.key_id, row.name, row.tail, row.created_at_ms, row.revoked_at_ms)
        for row in await rows(session, wanted)
    )
