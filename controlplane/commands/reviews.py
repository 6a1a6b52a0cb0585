"""Who reviews a task, and what becomes of work that came too late."""

from dataclasses import dataclass
from typing import Literal

from pointsman.contract import ErrorCode
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.commands.desk import Desk, refused
from controlplane.commands.directory import read_directory
from controlplane.domain.commands import AdoptLate, SetReview
from controlplane.domain.state import Actor, ActorKind, ReviewRule, TaskState
from controlplane.store.outbox import announce
from controlplane.store.tables import LateDeliverable, Run
from controlplane.store.upsert import table_of


@dataclass(frozen=True, slots=True)
class ReviewWish:
    """A review rule as people say it: reviewers by `@handle` of a person or team, by an agent's name, or by id."""

    reviewers: tuple[str, ...] = ()
    needed: int | Literal["any", "all"] = "any"
    first_pass: str | None = None


class ReviewCommands(Desk):
    """Verbs about reviews and late work."""

    async def set_review(
        self,
        actor: Actor,
        command_id: str,
        task_ref: str,
        wish: ReviewWish,
        workspace_id: str | None = None,
        expected_revision: int | None = None,
    ) -> TaskState:
        """Who may approve, and how many must. A team means its members of now."""
        task = await self.find_task(task_ref, workspace_id)
        async with self.database.reading() as session:
            rule = await resolve_review(session, task.workspace_id, wish)
        return await self.send(actor, command_id, task.task_id, SetReview(rule), expected_revision)

    async def adopt_late(
        self,
        actor: Actor,
        command_id: str,
        task_ref: str,
        run_id: str,
        sha256: str,
        workspace_id: str | None = None,
    ) -> TaskState:
        """What came too late becomes the next version after all."""
        task = await self.find_task(task_ref, workspace_id)
        async with self.database.reading() as session:
            late = await session.get(LateDeliverable, (run_id, sha256))
            run = await session.get(Run, run_id)
        if late is None or run is None or late.task_id != task.task_id:
            raise refused(ErrorCode.NOT_FOUND, "There is no such late work on this task.")
        command = AdoptLate(
            run_id=run_id,
            agent_id=run.agent_id,
            sha256=sha256,
            size_bytes=late.size_bytes,
            format=late.format,
            title=late.title,
            name=late.name,
            media_type=late.media_type,
            language=late.language,
        )
        state = await self.send(actor, command_id, task.task_id, command)
        version = next(
            (one.version for one in state.deliverables if (one.run_id, one.sha256) == (run_id, sha256)), None
        )
        await self._mark_late(task.workspace_id, task.task_id, run_id, sha256, adopted_version=version)
        return state

    async def discard_late(
        self, _actor: Actor, task_ref: str, run_id: str, sha256: str, workspace_id: str | None = None
    ) -> None:
        """Nobody wants it; its content stays as long as its row."""
        task = await self.find_task(task_ref, workspace_id)
        await self._mark_late(task.workspace_id, task.task_id, run_id, sha256, discarded_at_ms=self.clock.now_ms())

    async def _mark_late(
        self, workspace_id: str, task_id: str, run_id: str, sha256: str, **changes: int | None
    ) -> None:
        late = table_of(LateDeliverable)
        async with self.database.transaction() as session:
            marked = await session.execute(
                update(late)
                .where(late.c.run_id == run_id, late.c.sha256 == sha256, late.c.task_id == task_id)
                .values(**changes)
                .returning(late.c.run_id)
            )
            if marked.first() is None:
                raise refused(ErrorCode.NOT_FOUND, "There is no such late work on this task.")
            announce(session, workspace_id, "task", task_id, self.clock.now_ms())


async def resolve_review(session: AsyncSession, workspace_id: str, wish: ReviewWish | None) -> ReviewRule:
    """The rule that a wish means. Raises CommandRefused for somebody unknown."""
    if wish is None:
        return ReviewRule()
    directory = await read_directory(session, workspace_id)
    found: dict[str, Actor] = {}
    for reference in wish.reviewers:
        named = directory.named(reference)
        if not named:
            raise refused(ErrorCode.INVALID_REQUEST, f"Nobody here is called {reference!r}.", field="reviewers")
        found |= {one.id: one for one in named}
    needed = {"any": 1, "all": max(1, len(found))}.get(str(wish.needed)) or int(wish.needed)
    return ReviewRule(tuple(found.values()), needed, _first_pass(directory.named(wish.first_pass or "")))


def _first_pass(named: tuple[Actor, ...]) -> Actor | None:
    if not named:
        return None
    if len(named) != 1 or named[0].kind is not ActorKind.AGENT:
        raise refused(ErrorCode.INVALID_REQUEST, "The first pass is made by one agent.", field="first_pass")
    return named[0]
