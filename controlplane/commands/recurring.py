"""Tasks that come again: what is made, when, and what became of each time.

The row is the truth. `occur` is asked by the leading worker every few seconds and works everything out from rows, so
that it does not matter when it was asked last: each time that was due gets its row, be it ran, skipped or missed.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Literal

from pointsman.contract import ErrorCode
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.commands.desk import CommandRefused, refused
from controlplane.commands.reviews import ReviewWish
from controlplane.commands.tasks import TaskCommands
from controlplane.domain.state import CLOSED, Actor, ActorKind
from controlplane.recurrence import Recurrence, parse_recurrence
from controlplane.store.outbox import announce
from controlplane.store.tables import Occurrence, RecurringTask, Task
from controlplane.store.upsert import insert_into, table_of

CATCH_UP_MS = 600_000  # a time that is longer ago is missed: at nine nobody wants seven's report of yesterday
ROWS_AT_ONCE = 500  # of missed times after a long absence; the next look goes on
Overlap = Literal["skip", "allow"]


@dataclass(frozen=True, slots=True)
class Due:
    """One time, and what is to be done about it."""

    at_ms: int
    is_missed: bool


class RecurringCommands(TaskCommands):
    """Verbs about recurring tasks."""

    async def make_recurring(
        self,
        actor: Actor,
        command_id: str,
        workspace_id: str,
        title: str,
        cron: str,
        time_zone: str = "UTC",
        template: dict[str, Any] | None = None,
        overlap: Overlap = "skip",
    ) -> RecurringTask:
        """The recurring task that this command id makes. `template`: brief, needs, priority, agent, review."""
        try:
            recurrence = parse_recurrence(cron, time_zone)
        except ValueError as error:
            raise refused(ErrorCode.INVALID_REQUEST, str(error), field="cron") from None
        if not title.strip():
            raise refused(ErrorCode.INVALID_REQUEST, "A task needs a title.", field="title")
        recurring_id = "rec_" + hashlib.sha256(f"{workspace_id}|{command_id}".encode()).hexdigest()[:26]
        async with self.database.transaction() as session:
            known = await session.get(RecurringTask, recurring_id)
            if known is not None:
                return known
            made = RecurringTask(
                recurring_id=recurring_id,
                workspace_id=workspace_id,
                title=title.strip(),
                cron=recurrence.cron,
                time_zone=time_zone,
                template=template or {},
                overlap=overlap,
                created_by=actor.name or actor.id,
                created_at_ms=self.clock.now_ms(),
            )
            session.add(made)
            announce(session, workspace_id, "task", recurring_id, self.clock.now_ms())
            await session.flush()
            return made

    async def set_recurring(
        self, workspace_id: str, recurring_id: str, *, is_paused: bool | None = None, is_deleted: bool = False
    ) -> RecurringTask:
        """Pauses it, lets it go on, or deletes it; what it made stays. Raises CommandRefused(not_found)."""
        async with self.database.transaction() as session:
            found = await self._recurring(session, workspace_id, recurring_id)
            if is_paused is not None:
                found.is_paused = is_paused
            if is_deleted:
                found.deleted_at_ms = self.clock.now_ms()
            session.add(found)
            announce(session, workspace_id, "task", recurring_id, self.clock.now_ms())
            await session.flush()
            return found

    async def run_recurring(self, command_id: str, workspace_id: str, recurring_id: str) -> Occurrence:
        """Makes its task now, as if it were due."""
        async with self.database.reading() as session:
            found = await self._recurring(session, workspace_id, recurring_id)
        return await self._begin(found, self.clock.now_ms(), f"recurring/{recurring_id}/{command_id}")

    async def occurrences(self, workspace_id: str, recurring_id: str, limit: int = 50) -> Sequence[Occurrence]:
        """What became of its last times, newest first."""
        columns = table_of(Occurrence).c
        async with self.database.reading() as session:
            await self._recurring(session, workspace_id, recurring_id)
            found = await session.execute(
                select(Occurrence)
                .where(columns.recurring_id == recurring_id)
                .order_by(columns.due_at_ms.desc())
                .limit(limit)
            )
            return found.scalars().all()

    async def occur(self) -> int:
        """Sees to everything that is due; how many times that was."""
        columns = table_of(RecurringTask).c
        async with self.database.reading() as session:
            active = select(RecurringTask).where(columns.deleted_at_ms.is_(None), columns.is_paused.is_(False))
            recurring = (await session.execute(active)).scalars().all()
        seen_to = 0
        for one in recurring:
            for due in await self._due(one):
                seen_to += 1
                if due.is_missed:
                    await self._note(one, due.at_ms, "missed", "Pointsman was not there in time")
                else:
                    await self._begin(one, due.at_ms, f"recurring/{one.recurring_id}/{due.at_ms}")
        return seen_to

    async def _due(self, recurring: RecurringTask) -> list[Due]:
        now_ms = self.clock.now_ms()
        columns = table_of(Occurrence).c
        async with self.database.reading() as session:
            found = await session.execute(
                select(func.max(columns.due_at_ms)).where(columns.recurring_id == recurring.recurring_id)
            )
            last_ms = max(found.scalar() or 0, recurring.created_at_ms)
        times = times_between(parse_recurrence(recurring.cron, recurring.time_zone), last_ms, now_ms)
        return [Due(at_ms, is_missed=at_ms < now_ms - CATCH_UP_MS or at_ms != times[-1]) for at_ms in times]

    async def _begin(self, recurring: RecurringTask, due_at_ms: int, command_id: str) -> Occurrence:
        """Makes the task, unless the last one is still open. Killed in between, the same id finds the task again."""
        still_open = await self._still_open(recurring) if recurring.overlap == "skip" else None
        if still_open:
            return await self._note(recurring, due_at_ms, "skipped", f"{still_open} of the last time is still open")
        template = dict(recurring.template)
        review = template.get("review")
        try:
            state = await self.create_task(
                Actor(ActorKind.SYSTEM, recurring.recurring_id, f"Recurring: {recurring.title}"),
                command_id,
                recurring.workspace_id,
                template.get("project_id"),
                recurring.title,
                brief=template.get("brief", ""),
                needs=tuple(template.get("needs", ())),
                priority=template.get("priority", 3),
                agent=template.get("agent"),
                review=ReviewWish(**review) if review else None,
            )
        except CommandRefused as no:
            return await self._note(recurring, due_at_ms, "skipped", no.refusal.message)
        return await self._note(recurring, due_at_ms, "ran", "", state.task_id)

    async def _still_open(self, recurring: RecurringTask) -> str | None:
        occurrence, task = table_of(Occurrence).c, table_of(Task).c
        query = (
            select(task.number)
            .join_from(table_of(Occurrence), table_of(Task), task.task_id == occurrence.task_id)
            .where(occurrence.recurring_id == recurring.recurring_id, task.status.not_in(CLOSED))
            .limit(1)
        )
        async with self.database.reading() as session:
            number = (await session.execute(query)).scalar_one_or_none()
        return None if number is None else f"T-{number}"

    async def _note(
        self, recurring: RecurringTask, due_at_ms: int, outcome: str, reason: str, task_id: str | None = None
    ) -> Occurrence:
        now_ms = self.clock.now_ms()
        row: dict[str, Any] = {
            "recurring_id": recurring.recurring_id,
            "due_at_ms": due_at_ms,
            "workspace_id": recurring.workspace_id,
            "outcome": outcome,
            "reason": reason,
            "task_id": task_id,
            "at_ms": now_ms,
        }
        async with self.database.transaction() as session:
            await session.execute(insert_into(session, Occurrence).values(**row).on_conflict_do_nothing())
            announce(session, recurring.workspace_id, "task", recurring.recurring_id, now_ms)
        return Occurrence(**row)

    async def _recurring(self, session: AsyncSession, workspace_id: str, recurring_id: str) -> RecurringTask:
        found = await session.get(RecurringTask, recurring_id)
        if found is None or found.workspace_id != workspace_id or found.deleted_at_ms is not None:
            raise refused(ErrorCode.NOT_FOUND, f"There is no recurring task {recurring_id!r}.")
        return found


def times_between(recurrence: Recurrence, after_ms: int, until_ms: int) -> list[int]:
    """The times that were due, oldest first, at most so many at once."""
    due = takewhile(lambda at_ms: at_ms <= until_ms, recurrence.after(after_ms))
    return [at_ms for at_ms, _ in zip(due, range(ROWS_AT_ONCE), strict=False)]
