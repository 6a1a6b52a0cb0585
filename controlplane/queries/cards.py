"""Reads cards: tasks with their agent, run and signal; then usage, comments, parts and waits of all of them at once.

Each is one statement whatever the size of the board: a card never asks for itself.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Row, Select, String, and_, bindparam, case, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import TaskState, TaskStatus
from controlplane.queries.card import CardView, Parts, Plate, Reason
from controlplane.queries.reasons import Facts, is_with_agents, sentence_of, since_of, substate_of
from controlplane.queries.rows import AGENTS, COMMENTS, DELIVERABLES, EDGES, RUNS, SIGNALS, TASKS, USAGE, rows
from controlplane.queries.signals import Signal, Standing, signal_of
from controlplane.queries.waits import WAITING, Edge, explain_waits

DONE_DAYS = 7  # what the Done column keeps; older work is behind "Show all"
DONE_SHOWN = 50
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class CardScope:
    """Which tasks: all open ones, closed ones by wish, or just one."""

    workspace_id: str
    now_ms: int
    has_ended: bool = False
    has_all_done: bool = False


@dataclass(frozen=True, slots=True)
class CardSet:
    """All cards in scope, in no order, and who of them waits for whom."""

    cards: dict[str, CardView]
    edges: dict[str, list[Edge]]


async def load_cards(session: AsyncSession, scope: CardScope) -> list[CardView]:
    """All cards in scope, in no order. Six statements."""
    return list((await load_card_set(session, scope)).cards.values())


async def load_card_set(session: AsyncSession, scope: CardScope) -> CardSet:
    """The same, with the edges between them."""
    asked = _statements(scope.workspace_id, scope.has_ended, scope.has_all_done)
    values = {"since_ms": scope.now_ms - DONE_DAYS * _DAY_MS}
    found = [*await rows(session, asked.open), *await rows(session, asked.done, values)]
    return await _card_set(session, found, asked.beside, values)


async def load_cards_of(session: AsyncSession, workspace_id: str, task_ids: Collection[str]) -> dict[str, CardView]:
    """The cards of a few tasks, in whatever status; their reasons speak of those that are among them."""
    found = await rows(session, _base(workspace_id).where(TASKS.c.task_id.in_(task_ids)))
    shown = select(TASKS.c.task_id).where(TASKS.c.task_id.in_(task_ids))
    edges = _edges(workspace_id).where(EDGES.c.task_id.in_(task_ids))
    return (await _card_set(session, found, _beside(workspace_id, shown, edges), {})).cards


@dataclass(frozen=True, slots=True)
class _Beside:
    """The statements about what hangs on tasks."""

    usage: Select[Any]
    comments: Select[Any]
    parts: Select[Any]
    edges: Select[Any]


@dataclass(frozen=True, slots=True)
class _Statements:
    """All that a board asks."""

    open: Select[Any]
    done: Select[Any]
    beside: _Beside


@lru_cache(maxsize=64)
def _statements(workspace_id: str, has_ended: bool, has_all_done: bool) -> _Statements:
    """Made once: putting statements together took a third of the time that a small board takes."""
    base = _base(workspace_id)
    ids = select(TASKS.c.task_id)
    some = _open(workspace_id, ids, has_ended=has_ended).union_all(
        _recent(workspace_id, ids, has_all=has_all_done).subquery().select()
    )
    # What hangs on ten thousand closed tasks is not read for fifty of them.
    shown = select(some.subquery().c.task_id)
    return _Statements(
        open=_open(workspace_id, base, has_ended=has_ended),
        done=_recent(workspace_id, base, has_all=has_all_done),
        beside=_beside(workspace_id, shown, _edges(workspace_id)),
    )


def _beside(workspace_id: str, shown: Select[Any], edges: Select[Any]) -> _Beside:
    return _Beside(
        usage=_used().where(USAGE.c.task_id.in_(shown)),
        comments=_comments().where(COMMENTS.c.task_id.in_(shown)),
        parts=_parts(workspace_id, shown),
        edges=edges,
    )


async def _card_set(
    session: AsyncSession, found: Sequence[Row[Any]], beside: _Beside, values: Mapping[str, object]
) -> CardSet:
    usage = {row.task_id: row for row in await rows(session, beside.usage, values)}
    comments = {row.task_id: row.comments for row in await rows(session, beside.comments, values)}
    parts = {row.parent_id: Parts(row.parts, row.done or 0) for row in await rows(session, beside.parts, values)}
    by_task: dict[str, list[Edge]] = defaultdict(list)
    waiting: Counter[str] = Counter()
    for row in await rows(session, beside.edges):
        by_task[row.task_id].append(Edge(row.task_id, row.blocker_id, row.number, row.status))
        waiting[row.blocker_id] += 1
    cards = {
        row.task_id: card_of(
            row,
            usage.get(row.task_id),
            comments=comments.get(row.task_id, 0),
            dependants=waiting.get(row.task_id, 0),
            parts=parts.get(row.task_id),
        )
        for row in found
    }
    waits = explain_waits(cards, by_task)
    return CardSet({task_id: _with_wait(card, waits) for task_id, card in cards.items()}, by_task)


def _base(workspace_id: str) -> Select[Any]:
    joined = (
        TASKS.outerjoin(AGENTS, AGENTS.c.agent_id == TASKS.c.agent_id)
        .outerjoin(SIGNALS, SIGNALS.c.task_id == TASKS.c.task_id)
        .outerjoin(RUNS, RUNS.c.run_id == TASKS.c.run_id)
        .outerjoin(
            DELIVERABLES,
            and_(DELIVERABLES.c.task_id == TASKS.c.task_id, DELIVERABLES.c.version == TASKS.c.version),
        )
    )
    columns = (
        *(TASKS.c[name] for name in _TASK_COLUMNS),
        AGENTS.c.name.label("agent_name"),
        AGENTS.c.call_sign,
        SIGNALS.c.signal.label("watch_signal"),
        SIGNALS.c.reason.label("watch_reason"),
        SIGNALS.c.since_ms.label("watch_since_ms"),
        RUNS.c.started_at_ms.label("run_started_ms"),
        RUNS.c.progress,
        DELIVERABLES.c.note.label("review_note"),
        # When it was asked, who holds it, how many approved: what has no columns brings its state along.
        case((_NEEDS_STATE, TASKS.c.state_json)).label("state_of_it"),
    )
    return select(*columns).select_from(joined).where(TASKS.c.workspace_id == workspace_id)


_TASK_COLUMNS = (
    *("task_id", "number", "title", "status", "status_since_ms", "closed_at_ms", "agent_id", "needs", "priority"),
    *("is_blocked", "changes_requested", "needs_human", "question", "run_id", "run_state", "version", "holds"),
    *("has_changed_upstream", "review_problem"),
)
_NEEDS_STATE = or_(
    TASKS.c.question.is_not(None),
    TASKS.c.status == TaskStatus.IN_REVIEW,
    cast(TASKS.c.holds, String) != "[]",
)


def one_task(workspace_id: str, task_id: str) -> Select[Any]:
    """The row that `card_of` reads, of one task in any status."""
    return _base(workspace_id).where(TASKS.c.task_id == task_id)


def _open(workspace_id: str, wanted: Select[Any], *, has_ended: bool) -> Select[Any]:
    statuses = [TaskStatus.BACKLOG, TaskStatus.READY, TaskStatus.IN_PROGRESS, TaskStatus.IN_REVIEW]
    if has_ended:
        statuses += [TaskStatus.FAILED, TaskStatus.CANCELLED]
    return wanted.where(TASKS.c.workspace_id == workspace_id, TASKS.c.status.in_(statuses))


def _recent(workspace_id: str, wanted: Select[Any], *, has_all: bool) -> Select[Any]:
    done = wanted.where(TASKS.c.workspace_id == workspace_id, TASKS.c.status == TaskStatus.DONE)
    done = done.order_by(TASKS.c.closed_at_ms.desc())
    if has_all:
        return done
    since_ms = bindparam("since_ms", type_=BigInteger)
    # By the index of the board to those that were touched since then: nothing is closed later than it was touched.
    return done.where(TASKS.c.updated_at_ms >= since_ms, TASKS.c.closed_at_ms >= since_ms).limit(DONE_SHOWN)


def usage_by_task(task_id: str) -> Select[Any]:
    """The usage that `card_of` reads, of one task."""
    return _used().where(USAGE.c.task_id == task_id)


def _used() -> Select[Any]:
    """What each task has used over all its runs, with the calls in flight; `substate` is the live run's."""
    return select(
        USAGE.c.task_id,
        func.sum(USAGE.c.calls + USAGE.c.live_calls).label("calls"),
        func.sum(USAGE.c.cost_nano_usd + USAGE.c.live_cost_nano_usd).label("cost_nano_usd"),
        func.max(USAGE.c.is_simulated).label("is_simulated"),
        func.max(USAGE.c.substate).label("substate"),
    ).group_by(USAGE.c.task_id)


def _comments() -> Select[Any]:
    return select(COMMENTS.c.task_id, func.count().label("comments")).group_by(COMMENTS.c.task_id)


def _edges(workspace_id: str) -> Select[Any]:
    blocker = TASKS.alias("blocker")
    return (
        select(EDGES.c.task_id, EDGES.c.blocker_id, blocker.c.number, blocker.c.status)
        .join(TASKS, TASKS.c.task_id == EDGES.c.task_id)
        .join(blocker, blocker.c.task_id == EDGES.c.blocker_id)
        .where(
            EDGES.c.workspace_id == workspace_id,
            TASKS.c.status.in_(WAITING),
            blocker.c.status != TaskStatus.DONE,
        )
        .order_by(EDGES.c.task_id, blocker.c.number)
    )


def _parts(workspace_id: str, shown: Select[Any]) -> Select[Any]:
    is_done = case((TASKS.c.status == TaskStatus.DONE, 1), else_=0)
    counted = select(TASKS.c.parent_id, func.count().label("parts"), func.sum(is_done).label("done"))
    is_part = TASKS.c.parent_id.in_(shown)
    return counted.where(TASKS.c.workspace_id == workspace_id, is_part).group_by(TASKS.c.parent_id)


def card_of(
    row: Row[Any], usage: Row[Any] | None, *, comments: int = 0, dependants: int = 0, parts: Parts | None = None
) -> CardView:
    """A card from its row, without what needs other cards (waits)."""
    status = TaskStatus(row.status)
    state = msgspec.json.decode(row.state_of_it, type=TaskState) if row.state_of_it else None
    signal, word = signal_of(_standing(row, status, state))
    facts = Facts(row, status, signal, state)
    return CardView(
        task_id=row.task_id,
        number=row.number,
        title=row.title,
        status=status,
        signal=signal,
        word=word,
        since_ms=since_of(facts),
        priority=row.priority,
        plate=Plate(row.agent_name, row.call_sign) if row.agent_name else None,
        reason=Reason(sentence_of(facts)),
        substate=substate_of(facts, usage.substate if usage else ""),
        version=row.version,
        calls=usage.calls if usage else 0,
        cost_nano_usd=usage.cost_nano_usd if usage else 0,
        is_simulated=bool(usage.is_simulated) if usage else False,
        comments=comments,
        dependants=dependants,
        parts=parts,
    )


def _standing(row: Row[Any], status: TaskStatus, state: TaskState | None) -> Standing:
    return Standing(
        status=status,
        is_blocked=row.is_blocked,
        is_assigned=row.agent_id is not None,
        run_state=row.run_state if row.run_id else None,
        needs_human=row.needs_human,
        watch_signal=row.watch_signal,
        holds=tuple(row.holds or ()),
        review_problem=row.review_problem,
        is_with_agents=state is not None and is_with_agents(state),
        has_changed_upstream=row.has_changed_upstream,
    )


def _with_wait(card: CardView, waits: Mapping[str, Any]) -> CardView:
    if card.signal is Signal.BLOCKED and card.task_id in waits:
        return replace(card, reason=Reason(wait=waits[card.task_id]))
    if card.status is TaskStatus.IN_REVIEW and card.dependants:
        verb = "task waits" if card.dependants == 1 else "tasks wait"
        return replace(card, reason=Reason(f"{card.reason.text} {card.dependants} {verb} for it."))
    return card
