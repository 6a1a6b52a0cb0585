"""Reads cards: tasks with their agent, run and signal; then usage, comments and waits of all of them at once."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from sqlalchemy import Row, Select, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import RunState, TaskStatus
from controlplane.queries.card import CardView, Plate, Reason
from controlplane.queries.rows import AGENTS, COMMENTS, DELIVERABLES, EDGES, RUNS, SIGNALS, TASKS, USAGE, rows
from controlplane.queries.signals import Signal, Standing, signal_of
from controlplane.queries.waits import WAITING, Edge, explain_waits

DONE_DAYS = 7  # what the Done column keeps; older work is behind "Show all"
DONE_SHOWN = 50
_DAY_MS = 86_400_000
_CLOSED = (TaskStatus.DONE, TaskStatus.FAILED, TaskStatus.CANCELLED)


class _Asked(msgspec.Struct, frozen=True):
    asked_at_ms: int


class _WithQuestion(msgspec.Struct, frozen=True):
    """The part of a task's state that says when it asked."""

    question: _Asked | None = None


@dataclass(frozen=True, slots=True)
class CardScope:
    """Which tasks: all open ones, closed ones by wish, or just one."""

    workspace_id: str
    now_ms: int
    has_ended: bool = False
    has_all_done: bool = False


async def load_cards(session: AsyncSession, scope: CardScope) -> list[CardView]:
    """All cards in scope, in no order. Five statements."""
    found = await rows(session, _tasks(scope))
    done = await rows(session, _done(scope))
    usage = {row.task_id: row for row in await rows(session, _usage(scope.workspace_id))}
    comments = {row.task_id: row.comments for row in await rows(session, _comments(scope.workspace_id))}
    found_edges = await rows(session, _edges(scope.workspace_id))
    edges = [Edge(row.task_id, row.blocker_id, row.number, row.status) for row in found_edges]
    waiting = Counter(edge.blocker_id for edge in edges)
    cards = [
        replace(
            card_of(row, usage.get(row.task_id)),
            comments=comments.get(row.task_id, 0),
            dependants=waiting.get(row.task_id, 0),
        )
        for row in (*found, *done)
    ]
    return _with_waits(cards, edges)


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
        # The moment a question was asked has no column: the few rows with a question bring their state along.
        case((TASKS.c.question.is_not(None), TASKS.c.state_json)).label("state_with_question"),
    )
    return select(*columns).select_from(joined).where(TASKS.c.workspace_id == workspace_id)


_TASK_COLUMNS = (
    *("task_id", "number", "title", "status", "status_since_ms", "closed_at_ms", "agent_id", "needs", "priority"),
    *("is_blocked", "changes_requested", "needs_human", "question", "run_id", "run_state", "version"),
)


def one_task(workspace_id: str, task_id: str) -> Select[Any]:
    """The row that `card_of` reads, of one task in any status."""
    return _base(workspace_id).where(TASKS.c.task_id == task_id)


def _tasks(scope: CardScope) -> Select[Any]:
    statuses = [TaskStatus.BACKLOG, TaskStatus.READY, TaskStatus.IN_PROGRESS, TaskStatus.IN_REVIEW]
    if scope.has_ended:
        statuses += [TaskStatus.FAILED, TaskStatus.CANCELLED]
    return _base(scope.workspace_id).where(TASKS.c.status.in_(statuses))


def _done(scope: CardScope) -> Select[Any]:
    done = _base(scope.workspace_id).where(TASKS.c.status == TaskStatus.DONE).order_by(TASKS.c.closed_at_ms.desc())
    if scope.has_all_done:
        return done
    return done.where(TASKS.c.closed_at_ms >= scope.now_ms - DONE_DAYS * _DAY_MS).limit(DONE_SHOWN)


def _usage(workspace_id: str) -> Select[Any]:
    return _used().where(USAGE.c.workspace_id == workspace_id)


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


def _comments(workspace_id: str) -> Select[Any]:
    return (
        select(COMMENTS.c.task_id, func.count().label("comments"))
        .where(COMMENTS.c.workspace_id == workspace_id)
        .group_by(COMMENTS.c.task_id)
    )


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


def card_of(row: Row[Any], usage: Row[Any] | None) -> CardView:
    """A card from its row, without what needs other cards (waits, dependants)."""
    status = TaskStatus(row.status)
    standing = Standing(
        status=status,
        is_blocked=row.is_blocked,
        is_assigned=row.agent_id is not None,
        run_state=row.run_state if row.run_id else None,
        needs_human=row.needs_human,
        watch_signal=row.watch_signal,
    )
    signal, word = signal_of(standing)
    return CardView(
        task_id=row.task_id,
        number=row.number,
        title=row.title,
        status=status,
        signal=signal,
        word=word,
        since_ms=_since(row, signal),
        priority=row.priority,
        plate=Plate(row.agent_name, row.call_sign) if row.agent_name else None,
        reason=Reason(_sentence(row, status, signal)),
        substate=_substate(row, status, usage),
        version=row.version,
        calls=usage.calls if usage else 0,
        cost_nano_usd=usage.cost_nano_usd if usage else 0,
        is_simulated=bool(usage.is_simulated) if usage else False,
    )


def _since(row: Row[Any], signal: Signal) -> int:
    if signal in {Signal.STUCK, Signal.WATCH}:
        return int(row.watch_since_ms)
    if row.state_with_question and row.run_state == RunState.WAITING_INPUT:
        question = msgspec.json.decode(row.state_with_question, type=_WithQuestion).question
        return question.asked_at_ms if question else int(row.status_since_ms)
    if signal is Signal.WORKING and row.run_started_ms is not None:
        return int(row.run_started_ms)
    if row.status in _CLOSED and row.closed_at_ms is not None:
        return int(row.closed_at_ms)
    return int(row.status_since_ms)


def _sentence(row: Row[Any], status: TaskStatus, signal: Signal) -> str:
    if signal in {Signal.STUCK, Signal.WATCH}:
        return str(row.watch_reason)
    if row.needs_human:
        return str(row.needs_human)
    if row.question and row.run_state == RunState.WAITING_INPUT:
        return f"Asks: “{row.question}”"
    if status is TaskStatus.IN_REVIEW:
        return f"v{row.version} is ready for your review."
    if row.changes_requested:
        return f"Changes requested: {row.review_note}" if row.review_note else "Changes requested."
    if status is TaskStatus.READY and signal is Signal.IDLE and row.needs:
        return "Waits for an agent that can " + _and(row.needs)
    return ""


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _substate(row: Row[Any], status: TaskStatus, usage: Row[Any] | None) -> str:
    if status is TaskStatus.IN_REVIEW:
        return "submitted"
    if row.run_id is None:
        return ""
    if row.run_state == RunState.WAITING_INPUT:
        return "waiting for an answer"
    return (usage.substate if usage else "") or row.progress or ""


def _with_waits(cards: list[CardView], edges: Sequence[Edge]) -> list[CardView]:
    by_task: Mapping[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        by_task[edge.task_id].append(edge)
    waits = explain_waits({card.task_id: card for card in cards}, by_task)
    return [replace(card, reason=_with_wait(card, waits)) for card in cards]


def _with_wait(card: CardView, waits: Mapping[str, Any]) -> Reason:
    if card.signal is Signal.BLOCKED and card.task_id in waits:
        return Reason(wait=waits[card.task_id])
    if card.status is TaskStatus.IN_REVIEW and card.dependants:
        verb = "task waits" if card.dependants == 1 else "tasks wait"
        return Reason(f"{card.reason.text} {card.dependants} {verb} for it.")
    return card.reason
