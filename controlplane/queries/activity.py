"""What happened to a task, newest first: its events and comments, with the calls between them folded into one line."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.queries.calls import CallRow
from controlplane.queries.card import Plate
from controlplane.queries.rows import AGENTS, COMMENTS, EVENTS, TASKS, rows

EVENTS_SHOWN = 300
_TASK_FIELDS = ("task_id", "task_ids", "blockers")  # of an event's body: other tasks that it speaks of


@dataclass(frozen=True, slots=True)
class ActivityItem:
    """One station on the line: `kind` is an event's kind, `comment`, or `calls`."""

    kind: str
    at_ms: int
    actor_kind: str = ""
    actor_name: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    agent: str = ""  # the name of the agent that the event speaks of
    text: str = ""
    calls: tuple[CallRow, ...] = ()
    refs: tuple[str, ...] = ()  # the other tasks that the event speaks of, as T-12

    @property
    def cost_nano_usd(self) -> int:
        return sum(call.cost_nano_usd for call in self.calls)


async def activity_of(session: AsyncSession, task_id: str, calls: Sequence[CallRow]) -> tuple[ActivityItem, ...]:
    """The activity, newest first; `calls` are the task's newest calls."""
    happened = await rows(
        session,
        EVENTS.select()
        .where(EVENTS.c.task_id == task_id)
        .order_by(EVENTS.c.revision.desc(), EVENTS.c.position.desc())
        .limit(EVENTS_SHOWN),
    )
    said = await rows(session, COMMENTS.select().where(COMMENTS.c.task_id == task_id))
    agents = {row.agent_id: Plate(row.name, row.call_sign).title for row in await rows(session, AGENTS.select())}
    refs = await _refs(session, happened)
    items = [
        # Of the same moment, what was said answers what happened.
        *(ActivityItem("comment", row.at_ms, row.author_kind, row.author_name, text=row.text) for row in said),
        *(_event(row, agents, refs) for row in happened),
    ]
    told = sorted(items, key=lambda item: item.at_ms, reverse=True)
    return tuple(_with_calls(told, sorted(calls, key=lambda call: call.started_at_ms, reverse=True)))


def _event(row: Row[Any], agents: Mapping[str, str], refs: Mapping[str, str]) -> ActivityItem:
    body = dict(row.body or {})
    return ActivityItem(
        row.kind,
        row.at_ms,
        row.actor_kind,
        row.actor_name,
        body,
        agent=agents.get(body.get("agent_id") or "", ""),
        refs=tuple(refs[named] for named in _named(body) if named in refs),
    )


async def _refs(session: AsyncSession, happened: Sequence[Row[Any]]) -> dict[str, str]:
    """`T-12` for every other task that these events speak of."""
    named = {task_id for row in happened for task_id in _named(dict(row.body or {}))}
    if not named:
        return {}
    found = await rows(session, select(TASKS.c.task_id, TASKS.c.number).where(TASKS.c.task_id.in_(named)))
    return {row.task_id: f"T-{row.number}" for row in found}


def _named(body: Mapping[str, Any]) -> Iterator[str]:
    for name in _TASK_FIELDS:
        value = body.get(name)
        yield from [value] if isinstance(value, str) else value or ()


def _with_calls(items: Sequence[ActivityItem], calls: Sequence[CallRow]) -> Iterable[ActivityItem]:
    """Merges: the calls that began after one item and before the next newer one become a single item between them."""
    rest = list(calls)
    for item in items:
        newer = [call for call in rest if call.started_at_ms >= item.at_ms]
        if newer:
            yield _folded(newer)
            rest = rest[len(newer) :]
        yield item
    if rest:
        yield _folded(rest)


def _folded(calls: Sequence[CallRow]) -> ActivityItem:
    return ActivityItem("calls", calls[-1].started_at_ms, calls=tuple(calls))
