"""What was addressed to one person: the items behind the bell, which resolve with what they are about."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.queries.rows import NOTICES, TASKS, USAGE, first_row, rows
from controlplane.queries.signals import Signal

RESOLVED_SHOWN = 20
KINDS = ("stuck", "help", "question", "review", "mention")  # as the list's filters name them, most urgent first
_SIGNAL = {"stuck": Signal.STUCK, "help": Signal.FAILED}
_VERB = {
    "stuck": "Stuck",
    "help": "Needs a decision",
    "question": "Answer",
    "review": "Review",
    "mention": "Mentioned you",
}


@dataclass(frozen=True, slots=True)
class BellItem:
    """One notice with the task it is about."""

    notice_id: str
    kind: str
    text: str
    task_id: str
    number: int
    title: str
    created_at_ms: int
    is_seen: bool
    resolved_at_ms: int | None
    cost_nano_usd: int = 0

    @property
    def ref(self) -> str:
        return f"T-{self.number}"

    @property
    def signal(self) -> Signal:
        return Signal.DONE if self.resolved_at_ms is not None else _SIGNAL.get(self.kind, Signal.HUMAN)

    @property
    def verb(self) -> str:
        return "Resolved" if self.resolved_at_ms is not None else _VERB.get(self.kind, self.kind.capitalize())


@dataclass(frozen=True, slots=True)
class BellView:
    """Open items, the most urgent kind first, then what was resolved last."""

    open: tuple[BellItem, ...]
    resolved: tuple[BellItem, ...]

    def of_kind(self, kind: str) -> tuple[BellItem, ...]:
        return tuple(item for item in self.open if item.kind == kind)

    def find(self, notice_id: str) -> BellItem | None:
        return next((item for item in (*self.open, *self.resolved) if item.notice_id == notice_id), None)


async def bell_view(session: AsyncSession, user_id: str) -> BellView:
    """Everything addressed to this person that is open, and the last things that are not."""
    waiting = [_item(row) for row in await rows(session, _items(user_id).where(NOTICES.c.resolved_at_ms.is_(None)))]
    past = (
        _items(user_id)
        .where(NOTICES.c.resolved_at_ms.is_not(None))
        .order_by(NOTICES.c.resolved_at_ms.desc())
        .limit(RESOLVED_SHOWN)
    )
    return BellView(
        open=tuple(sorted(waiting, key=lambda item: (_urgency(item), item.created_at_ms))),
        resolved=tuple(_item(row) for row in await rows(session, past)),
    )


async def open_notices(session: AsyncSession, user_id: str) -> int:
    """How many items wait for this person: the figure on the bell."""
    counted = select(func.count()).where(NOTICES.c.user_id == user_id, NOTICES.c.resolved_at_ms.is_(None))
    row = await first_row(session, counted)
    return int(row[0]) if row else 0


def _urgency(item: BellItem) -> int:
    return KINDS.index(item.kind) if item.kind in KINDS else len(KINDS)


def _items(user_id: str) -> Select[Any]:
    cost = (
        select(func.sum(USAGE.c.cost_nano_usd + USAGE.c.live_cost_nano_usd))
        .where(USAGE.c.task_id == NOTICES.c.task_id)
        .scalar_subquery()
    )
    return (
        select(NOTICES, TASKS.c.number, TASKS.c.title, func.coalesce(cost, 0).label("cost_nano_usd"))
        .join(TASKS, TASKS.c.task_id == NOTICES.c.task_id)
        .where(NOTICES.c.user_id == user_id)
    )


def _item(row: Row[Any]) -> BellItem:
    return BellItem(
        notice_id=row.notice_id,
        kind=row.kind,
        text=row.text,
        task_id=row.task_id,
        number=row.number,
        title=row.title,
        created_at_ms=row.created_at_ms,
        is_seen=row.seen_at_ms is not None,
        resolved_at_ms=row.resolved_at_ms,
        cost_nano_usd=row.cost_nano_usd,
    )
