"""What a run is told when it beats: to pause, or a word that was said to it since.

`pause` is read off the state as long as the run or its agent is paused; a run that is to stop gets 409 instead. A word
is told once: the row is marked before the answer goes out, so that a repeated beat does not repeat it.
"""

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.access.callers import Caller
from controlplane.api.views.runs import DirectiveView
from controlplane.domain.state import RunState
from controlplane.store.database import Database
from controlplane.store.states import state_of
from controlplane.store.tables import Agent, Directive, Run
from controlplane.store.upsert import table_of

DIRECTIVES = table_of(Directive)


async def directives_for(control: Database, caller: Caller, now_ms: int) -> list[DirectiveView]:
    """Everything that is to be said to this run now."""
    async with control.reading() as session:
        standing = await _standing(session, caller)
        words = await session.execute(select(DIRECTIVES.c.directive_id).where(_undelivered(caller)).limit(1))
        has_words = words.first() is not None
    return [*standing, *(await _words(control, caller, now_ms) if has_words else ())]


async def _standing(session: AsyncSession, caller: Caller) -> list[DirectiveView]:
    agent = await session.get(Agent, caller.agent_id)
    run = await session.get(Run, caller.run_id)
    reasons = [agent.pause_reason] if agent is not None and agent.is_paused else []
    if run is not None and run.state == RunState.PAUSED:
        state = await state_of(session, caller.task_id or "")
        reasons += [hold.reason or f"held ({hold.kind})" for hold in state.holds.values()] if state else [""]
    return [DirectiveView(kind="pause", text="; ".join(reasons))] if reasons else []


def _undelivered(caller: Caller) -> ColumnElement[bool]:
    return and_(DIRECTIVES.c.run_id == caller.run_id, DIRECTIVES.c.delivered_at_ms.is_(None))


async def _words(control: Database, caller: Caller, now_ms: int) -> list[DirectiveView]:
    columns = DIRECTIVES.c
    async with control.transaction() as session:
        said = await session.execute(
            update(DIRECTIVES)
            .where(_undelivered(caller))
            .values(delivered_at_ms=now_ms)
            .returning(columns.at_ms, columns.directive_id, columns.kind, columns.text)
        )
        rows = sorted(said.all())
    return [DirectiveView(kind=row.kind, text=row.text) for row in rows]
