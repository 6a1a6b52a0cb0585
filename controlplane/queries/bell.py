"""What was addressed to one person: the items behind the bell, which resolve with what they are about."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.queries.rows import EVENTS, NOTICES, TASKS, USAGE, first_row, rows
from controlplane.queries.signals import Signal

RESOLVED_SHOWN = 5
SETTLED_WITHIN_MS = 10_000  # between what somebody did and the item that went away with it
# As the list's filters name them, most urgent first.
KINDS = (
    *("incident", "stuck", "help", "approval", "question", "gate", "overdue", "review", "clarification", "mention"),
)
_SIGNAL = {"incident": Signal.WATCH, "stuck": Signal.STUCK, "help": Signal.FAILED}
_VERB = {
    "incident": "Incident",
    "stuck": "Stuck",
    "help": "Decide",
    "approval": "Approve",
    "question": "Answer",
    "gate": "Change reviewers",
    "overdue": "Review is overdue",
    "review": "Review",
    "clarification": "Asks you",
    "mention": "Mentioned you",
}
_DID = {
    "approval_given": "approved it",
    "deliverable_approved": "approved it",
    "changes_requested": "asked for changes",
    "clarification_asked": "asked before the verdict",
    "question_answered": "answered",
    "question_expired": "nobody answered in time",
    "help_given": "let it go on",
    "task_assigned": "assigned it",
    "task_cancelled": "cancelled it",
    "task_failed": "gave it up",
    "task_completed": "called it done",
    "run_ended": "the run ended",
    "review_set": "changed the reviewers",
}


@dataclass(frozen=True, slots=True)
class BellItem:
    """One notice with the task it is about. `resolved_by` says in words what settled it, where that is known."""

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
    resolved_by: str = ""

    @property
    def ref(self) -> str:
        return f"T-{self.number}"

    @property
    def signal(self) -> Signal:
        return Signal.DONE if self.resolved_at_ms is not None else _SIGNAL.get(self.kind, Signal.HUMAN)

    @property
    def verb(self) -> str:
        return "Resolved" if self.resolved_at_ms is not None else _VERB.get(self.kind, self.kind.capitalize())

    @property
    def group(self) -> str:
        """What stands together in the list: all of one task, but an incident by itself."""
        return self.notice_id if self.kind == "incident" else self.task_id


@dataclass(frozen=True, slots=True)
class BellGroup:
    """What one task asks of a person, the most urgent first: one line of the list."""

    items: tuple[BellItem, ...]

    @property
    def first(self) -> BellItem:
        return self.items[0]

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(item.kind for item in self.items)

    @property
    def is_seen(self) -> bool:
        return all(item.is_seen for item in self.items)

    @property
    def since_ms(self) -> int:
        return min(item.created_at_ms for item in self.items)


@dataclass(frozen=True, slots=True)
class BellView:
    """Open items, the most urgent kind first, then what was resolved last."""

    open: tuple[BellItem, ...]
    resolved: tuple[BellItem, ...]

    @property
    def groups(self) -> tuple[BellGroup, ...]:
        """The open items by task; a task stands where its most urgent item does."""
        together: dict[str, list[BellItem]] = {}
        for item in self.open:
            together.setdefault(item.group, []).append(item)
        return tuple(BellGroup(tuple(items)) for items in together.values())

    def of_kind(self, kind: str) -> tuple[BellGroup, ...]:
        """The groups that hold such an item; all of them for no kind."""
        return tuple(group for group in self.groups if not kind or kind in group.kinds)

    def find(self, notice_id: str) -> BellGroup | None:
        """The group of one item; what was resolved stands alone."""
        for group in (*self.groups, *(BellGroup((item,)) for item in self.resolved)):
            if any(item.notice_id == notice_id for item in group.items):
                return group
        return None


async def bell_view(session: AsyncSession, user_id: str) -> BellView:
    """Everything addressed to this person that is open, and the last things that are not."""
    waiting = [_item(row) for row in await rows(session, _items(user_id).where(NOTICES.c.resolved_at_ms.is_(None)))]
    past = (
        _items(user_id)
        .where(NOTICES.c.resolved_at_ms.is_not(None))
        .order_by(NOTICES.c.resolved_at_ms.desc())
        .limit(RESOLVED_SHOWN)
    )
    resolved = [_item(row) for row in await rows(session, past)]
    return BellView(
        open=tuple(sorted(waiting, key=lambda item: (_urgency(item), item.created_at_ms))),
        resolved=await _with_resolvers(session, resolved),
    )


async def open_notices(session: AsyncSession, user_id: str) -> int:
    """How many lines of the inbox wait for this person: the figure on the bell."""
    group = case((NOTICES.c.kind == "incident", NOTICES.c.notice_id), else_=NOTICES.c.task_id)
    counted = select(func.count(group.distinct())).where(
        NOTICES.c.user_id == user_id, NOTICES.c.resolved_at_ms.is_(None)
    )
    row = await first_row(session, counted)
    return int(row[0]) if row else 0


async def _with_resolvers(session: AsyncSession, resolved: Sequence[BellItem]) -> tuple[BellItem, ...]:
    """What happened to the task just before its item went away."""
    if not resolved:
        return ()
    since_ms = min(item.resolved_at_ms or 0 for item in resolved) - SETTLED_WITHIN_MS
    wanted = (
        select(EVENTS.c.task_id, EVENTS.c.kind, EVENTS.c.at_ms, EVENTS.c.actor_kind, EVENTS.c.actor_name)
        .where(EVENTS.c.task_id.in_({item.task_id for item in resolved}), EVENTS.c.at_ms >= since_ms)
        .where(EVENTS.c.kind.in_(_DID))
        .order_by(EVENTS.c.at_ms)
    )
    happened = await rows(session, wanted)
    return tuple(replace(item, resolved_by=_resolver(item, happened)) for item in resolved)


def _resolver(item: BellItem, happened: Sequence[Row[Any]]) -> str:
    at_ms = item.resolved_at_ms or 0
    near = [row for row in happened if row.task_id == item.task_id and at_ms - SETTLED_WITHIN_MS <= row.at_ms <= at_ms]
    if not near or item.kind == "mention":
        return ""
    last = near[-1]
    return f"{last.actor_name} {_DID[last.kind]}" if last.actor_kind == "person" else _DID[last.kind]


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
