"""Makes tasks and freezes agree: the row is the truth, a task's hold follows it.

    open task             row of scope `task`   what is done
    without its hold      there                 HoldTask
    with the hold         gone                  LiftHold
    live run of a frozen  none                  one is written, under the same root, so that one thaw takes all
    agent or workspace

Whoever freezes or thaws tells the tasks itself; so only what two looks in a row have seen is repaired. Killed between
two tasks, the next look goes on.
"""

import logging
from dataclasses import dataclass, field

from sqlalchemy import Text, and_, cast, or_, select

from controlplane.domain.commands import Command, Envelope, HoldTask, LiftHold
from controlplane.domain.decide import Refusal
from controlplane.domain.state import CLOSED, LIVE, HoldKind
from controlplane.ports import Clock, EngineUnavailable, TaskEngine
from controlplane.store.database import Database
from controlplane.store.outbox import announce
from controlplane.store.tables import Freeze, Run, Task
from controlplane.store.upsert import insert_into, table_of
from workers.messages import SYSTEM

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Discord:
    """An open task whose hold is not what the rows say, and what would mend it."""

    task_id: str
    revision: int
    remedy: Command


@dataclass(slots=True)
class FreezeKeeper:
    """One leader's. What it saw last may be lost: then it acts one look later."""

    control: Database
    engine: TaskEngine
    clock: Clock
    _seen: frozenset[tuple[str, str]] = field(default=frozenset(), init=False)

    async def look(self) -> int:
        """How many tasks it told."""
        await self._cover_late_claims()
        discords = await self._discords()
        marks = {(one.task_id, type(one.remedy).__name__): one for one in discords}
        due = [one for mark, one in marks.items() if mark in self._seen]
        self._seen = frozenset(marks)
        return sum([await self._tell(one) for one in due])

    async def _tell(self, discord: Discord) -> bool:
        command_id = f"freezes/{discord.task_id}/{discord.revision}"
        envelope = Envelope(command_id, SYSTEM, self.clock.now_ms(), discord.remedy)
        try:
            answer = await self.engine.execute(discord.task_id, envelope)
        except EngineUnavailable as away:
            log.warning("a task was not told of a freeze", extra={"task_id": discord.task_id, "reason": str(away)})
            return False
        return not isinstance(answer, Refusal)

    async def _discords(self) -> list[Discord]:
        task, freeze = table_of(Task), table_of(Freeze)
        is_own = and_(freeze.c.scope == "task", freeze.c.subject_id == task.c.task_id)
        has_hold = cast(task.c.holds, Text).like(f'%"{HoldKind.FREEZE.value}"%')
        query = (
            select(task.c.task_id, task.c.revision, freeze.c.reason)
            .join_from(task, freeze, is_own, isouter=True)
            .where(task.c.status.not_in(CLOSED), has_hold != freeze.c.subject_id.is_not(None))
        )
        async with self.control.reading() as session:
            rows = (await session.execute(query)).all()
        return [
            Discord(row.task_id, row.revision, LiftHold(HoldKind.FREEZE, "thawed"))
            if row.reason is None
            else Discord(row.task_id, row.revision, HoldTask(HoldKind.FREEZE, row.reason))
            for row in rows
        ]

    async def _cover_late_claims(self) -> None:
        """An agent that claimed in the moment it was frozen holds a task that nobody wrote a row for."""
        run, above, own = table_of(Run), table_of(Freeze), table_of(Freeze).alias()
        is_above = or_(
            and_(above.c.scope == "agent", above.c.subject_id == run.c.agent_id),
            and_(above.c.scope == "workspace", above.c.subject_id == run.c.workspace_id),
        )
        is_own = and_(own.c.scope == "task", own.c.subject_id == run.c.task_id)
        query = (
            select(above, run.c.task_id)
            .join(run, is_above)
            .join(own, is_own, isouter=True)
            .where(run.c.state.in_([state.value for state in LIVE]), own.c.subject_id.is_(None))
        )
        async with self.control.reading() as session:
            if (await session.execute(query)).first() is None:
                return
        async with self.control.transaction() as session:
            for found in (await session.execute(query)).mappings().all():
                row = {**found, "scope": "task", "subject_id": found["task_id"]}
                del row["task_id"]
                await session.execute(insert_into(session, Freeze).values(**row).on_conflict_do_nothing())
                announce(session, row["workspace_id"], "freeze", row["subject_id"], self.clock.now_ms())
