"""Why isn't this running? What SQL knows of a task and of everybody who might take it, for `domain/waiting.py`."""

from collections import Counter
from collections.abc import Mapping

import msgspec
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import LIVE, WAITING, TaskState, TaskStatus
from controlplane.domain.waiting import AgentSeen, BlockerSeen, HoldSeen, Reason, WaitingFacts
from controlplane.domain.waiting import why_waiting as reasons_for
from controlplane.queries.card import CardView
from controlplane.queries.cards import load_cards_of
from controlplane.queries.freezes import FREEZES
from controlplane.queries.neighbours import around
from controlplane.queries.rows import AGENTS, EDGES, RUNS, TASKS, first_row, rows
from controlplane.queries.waits import phrase_of
from controlplane.settings import LEASE_GRACE_SECONDS, LEASE_TTL_SECONDS

OFFLINE_AFTER_MS = int((LEASE_TTL_SECONDS + LEASE_GRACE_SECONDS) * 1000)
_SENTENCES = {"needs a person": "needs a person", "cancelled": "was cancelled", "failed": "has failed"}


async def why_waiting(
    session: AsyncSession, workspace_id: str, task_id: str, now_ms: int, offline_after_ms: int = OFFLINE_AFTER_MS
) -> tuple[Reason, ...] | None:
    """The reasons, the first to be settled first; none for a task at work or closed, None for an unknown one."""
    found = await first_row(
        session, select(TASKS.c.state_json).where(TASKS.c.workspace_id == workspace_id, TASKS.c.task_id == task_id)
    )
    if found is None:
        return None
    state = msgspec.json.decode(found.state_json, type=TaskState)
    known = await load_cards_of(session, workspace_id, await around(session, task_id))
    return reasons_for(await waiting_facts(session, state, known, now_ms, offline_after_ms))


async def waiting_facts(
    session: AsyncSession,
    state: TaskState,
    known: Mapping[str, CardView],
    now_ms: int,
    offline_after_ms: int = OFFLINE_AFTER_MS,
) -> WaitingFacts:
    """One task, and everybody who might take it; `known` are the cards of the workspace."""
    frozen = await _frozen(session, state.workspace_id)
    position, length = await _queue(session, state)
    return WaitingFacts(
        status=state.status,
        agents=await agents_seen(session, state.workspace_id, frozen, now_ms - offline_after_ms),
        run_state=state.live_run.state if state.live_run else None,
        changes_requested=state.changes_requested,
        needs_human=state.needs_human,
        is_workspace_frozen=state.workspace_id in frozen,
        holds=tuple(HoldSeen(hold.kind, hold.reason, hold.actor.name) for hold in state.holds.values()),
        blockers=await _blockers(session, state, known),
        needs=state.needs,
        assigned_agent_id=state.agent_id,
        avoids=state.avoids,
        queue_position=position,
        queue_length=length,
    )


async def agents_seen(
    session: AsyncSession, workspace_id: str, frozen: frozenset[str], seen_after_ms: int
) -> tuple[AgentSeen, ...]:
    """All agents of a workspace. Those that live in our workers are there whenever the workers are."""
    live = select(RUNS.c.agent_id).where(RUNS.c.workspace_id == workspace_id, RUNS.c.state.in_(LIVE - WAITING))
    held = Counter(row.agent_id for row in await rows(session, live))
    found = await rows(session, AGENTS.select().where(AGENTS.c.workspace_id == workspace_id).order_by(AGENTS.c.name))
    return tuple(
        AgentSeen(
            agent_id=row.agent_id,
            name=row.name,
            capabilities=frozenset(row.capabilities or ()),
            held=held.get(row.agent_id, 0),
            max_concurrency=row.max_concurrency,
            is_paused=row.is_paused,
            pause_reason=row.pause_reason,
            is_frozen=row.agent_id in frozen,
            is_retired=row.retired_at_ms is not None,
            is_offline=row.kind != "internal" and (row.seen_at_ms or row.created_at_ms) < seen_after_ms,
        )
        for row in found
    )


async def _frozen(session: AsyncSession, workspace_id: str) -> frozenset[str]:
    """Frozen agents, and the workspace itself."""
    found = select(FREEZES.c.subject_id).where(FREEZES.c.workspace_id == workspace_id, FREEZES.c.scope != "task")
    return frozenset(row.subject_id for row in await rows(session, found))


async def _queue(session: AsyncSession, state: TaskState) -> tuple[int, int]:
    """Its place among the claimable tasks, from 1, and how many there are; 0 when it is not among them."""
    if not state.is_claimable:
        return 0, 0
    columns = TASKS.c
    claimable = select(func.count()).where(columns.workspace_id == state.workspace_id, columns.is_claimable)
    # As `commands/claims.py` proposes them: by priority, then by age.
    is_before = or_(
        columns.priority < state.priority,
        (columns.priority == state.priority) & (columns.created_at_ms < state.created_at_ms),
        (columns.priority == state.priority)
        & (columns.created_at_ms == state.created_at_ms)
        & (columns.task_id < state.task_id),
    )
    all_of_them = await first_row(session, claimable)
    before = await first_row(session, claimable.where(is_before))
    return (int(before[0]) + 1 if before else 1), (int(all_of_them[0]) if all_of_them else 1)


async def _blockers(session: AsyncSession, state: TaskState, known: Mapping[str, CardView]) -> tuple[BlockerSeen, ...]:
    found = await rows(
        session,
        select(TASKS.c.task_id, TASKS.c.number, TASKS.c.status)
        .join(EDGES, EDGES.c.blocker_id == TASKS.c.task_id)
        .where(EDGES.c.task_id == state.task_id, TASKS.c.status != TaskStatus.DONE)
        .order_by(TASKS.c.number),
    )
    return tuple(_blocker(f"T-{row.number}", TaskStatus(row.status), known.get(row.task_id)) for row in found)


def _blocker(ref: str, status: TaskStatus, card: CardView | None) -> BlockerSeen:
    wait = card.reason.wait if card else None
    if wait is not None:
        return BlockerSeen(ref, status, wait.leaf or wait.blocker, _sentence(wait.phrase))
    phrase, _ = phrase_of(card, status)
    return BlockerSeen(ref, status, leaf_why=_sentence(phrase))


def _sentence(phrase: str) -> str:
    if not phrase or phrase.startswith("waits"):
        return phrase
    return _SENTENCES.get(phrase, f"is {phrase}")
