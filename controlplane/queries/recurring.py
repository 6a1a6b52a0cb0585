"""What recurs: each recurring task with its next time and its last, and the ledger of one."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.queries.rows import TASKS, first_row, rows
from controlplane.recurrence import parse_recurrence
from controlplane.store.tables import Occurrence, RecurringTask
from controlplane.store.upsert import table_of

RECURRING = table_of(RecurringTask)
OCCURRENCES = table_of(Occurrence)
LEDGER_SHOWN = 50
NEXT_SHOWN = 5


@dataclass(frozen=True, slots=True)
class OccurrenceView:
    """What became of one time it was due."""

    due_at_ms: int
    outcome: str  # ran | skipped | missed
    reason: str
    ref: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class RecurringView:
    """One recurring task. `next_at_ms` is None while it is paused."""

    recurring_id: str
    title: str
    cron: str
    time_zone: str
    overlap: str
    is_paused: bool
    created_by: str
    created_at_ms: int
    template: dict[str, Any]
    next_at_ms: int | None
    last: OccurrenceView | None = None


async def recurring_of(session: AsyncSession, workspace_id: str, now_ms: int) -> tuple[RecurringView, ...]:
    """All that are not deleted, the next one first; paused ones last."""
    newest = (
        select(OCCURRENCES.c.recurring_id, func.max(OCCURRENCES.c.due_at_ms).label("due_at_ms"))
        .where(OCCURRENCES.c.workspace_id == workspace_id)
        .group_by(OCCURRENCES.c.recurring_id)
        .subquery()
    )
    is_newest = and_(OCCURRENCES.c.recurring_id == newest.c.recurring_id, OCCURRENCES.c.due_at_ms == newest.c.due_at_ms)
    wanted = _occurrences().join(newest, is_newest)
    last = {row.recurring_id: _occurrence(row) for row in await rows(session, wanted)}
    is_there = RECURRING.c.deleted_at_ms.is_(None)
    found = await rows(session, RECURRING.select().where(RECURRING.c.workspace_id == workspace_id, is_there))
    views = [_view(row, last.get(row.recurring_id), now_ms) for row in found]
    return tuple(sorted(views, key=lambda one: (one.is_paused, one.next_at_ms or 0, one.title)))


async def one_recurring(
    session: AsyncSession, workspace_id: str, recurring_id: str, now_ms: int
) -> RecurringView | None:
    """One by id; None when this workspace has none of it."""
    row = await first_row(
        session,
        RECURRING.select().where(
            RECURRING.c.workspace_id == workspace_id,
            RECURRING.c.recurring_id == recurring_id,
            RECURRING.c.deleted_at_ms.is_(None),
        ),
    )
    return _view(row, None, now_ms) if row else None


async def ledger_of(session: AsyncSession, recurring_id: str) -> tuple[OccurrenceView, ...]:
    """What became of its times, the newest first."""
    wanted = _occurrences().where(OCCURRENCES.c.recurring_id == recurring_id)
    found = await rows(session, wanted.order_by(OCCURRENCES.c.due_at_ms.desc()).limit(LEDGER_SHOWN))
    return tuple(_occurrence(row) for row in found)


def next_times(cron: str, time_zone: str, now_ms: int) -> tuple[int, ...]:
    """The next times. Raises ValueError with a sentence for the person."""
    times = parse_recurrence(cron, time_zone).after(now_ms)
    return tuple(at_ms for at_ms, _ in zip(times, range(NEXT_SHOWN), strict=False))


def _occurrences() -> Any:
    return select(OCCURRENCES, TASKS.c.number, TASKS.c.status).outerjoin(
        TASKS, TASKS.c.task_id == OCCURRENCES.c.task_id
    )


def _occurrence(row: Row[Any]) -> OccurrenceView:
    ref = f"T-{row.number}" if row.number is not None else ""
    return OccurrenceView(row.due_at_ms, row.outcome, row.reason, ref, row.status or "")


def _view(row: Row[Any], last: OccurrenceView | None, now_ms: int) -> RecurringView:
    return RecurringView(
        recurring_id=row.recurring_id,
        title=row.title,
        cron=row.cron,
        time_zone=row.time_zone,
        overlap=row.overlap,
        is_paused=row.is_paused,
        created_by=row.created_by,
        created_at_ms=row.created_at_ms,
        template=dict(row.template or {}),
        next_at_ms=None if row.is_paused else next_times(row.cron, row.time_zone, now_ms)[0],
        last=last,
    )
