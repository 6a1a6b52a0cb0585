"""What a run says: here is the deliverable, I am alive, I give up."""

import hashlib

from pointsman.contract import ErrorCode
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.access.callers import Caller
from controlplane.commands.contents import Content
from controlplane.commands.desk import CommandRefused, Desk
from controlplane.domain.commands import SubmitDeliverable
from controlplane.domain.state import TaskState
from controlplane.store.outbox import announce
from controlplane.store.tables import Agent, LateDeliverable, Run
from controlplane.store.upsert import insert_into, table_of

SEEN_EVERY_MS = 2000  # a sign of life is written at most so often for one run, to spare the write-ahead log


class RunCommands(Desk):
    """Verbs of a caller that stands for a run (`run_id`, `task_id`, `epoch` are set)."""

    async def submit(self, caller: Caller, content: bytes, content_format: str = "markdown", title: str = "") -> int:
        """Hands in a text, as `submit_content` does."""
        sha256 = await self.blobs.put(content)
        return await self.submit_content(caller, Content(sha256, len(content), content_format, title))

    async def submit_content(self, caller: Caller, content: Content) -> int:
        """The version this content became; the same for the same run and content, however often it is sent.

        A run that has lost its task is refused (`lease_lost`), but what it made is kept aside for a person to look at.
        """
        run_id, task_id = run_of(caller)
        command = SubmitDeliverable(
            run_id,
            caller.epoch,
            content.sha256,
            content.size_bytes,
            format=content.kind,
            title=content.title,
            name=content.name,
            media_type=content.media_type,
            language=content.language,
        )
        command_id = "submit/" + hashlib.sha256(f"{run_id}|{content.sha256}".encode()).hexdigest()[:32]
        try:
            state = await self.send(caller.actor, command_id, task_id, command)
        except CommandRefused as no:
            if no.refusal.code is ErrorCode.LEASE_LOST:
                await self._keep_aside(caller, command)
            raise
        return version_of(state, run_id, content.sha256)

    async def _keep_aside(self, caller: Caller, command: SubmitDeliverable) -> None:
        now_ms = self.clock.now_ms()
        late = {
            "run_id": command.run_id,
            "sha256": command.sha256,
            "workspace_id": caller.workspace_id,
            "task_id": caller.task_id,
            "size_bytes": command.size_bytes,
            "format": command.format,
            "title": command.title,
            "name": command.name,
            "media_type": command.media_type,
            "language": command.language,
            "submitted_at_ms": now_ms,
        }
        async with self.database.transaction() as session:
            await session.execute(insert_into(session, LateDeliverable).values(**late).on_conflict_do_nothing())
            announce(session, caller.workspace_id, "task", caller.task_id or "", now_ms)

    async def sign_of_life(self, caller: Caller, progress: str | None = None) -> None:
        """Writes that run and agent were heard, at most every two seconds unless there is progress to show."""
        run_id, task_id = run_of(caller)
        now_ms = self.clock.now_ms()
        async with self.database.reading() as session:
            run = await session.get(Run, run_id)
        if run is None or (progress is None and now_ms - (run.seen_at_ms or 0) < SEEN_EVERY_MS):
            return
        changes: dict[str, object] = {"seen_at_ms": now_ms}
        if progress is not None:
            changes |= {"progress": progress, "progress_at_ms": now_ms}
        runs = table_of(Run)
        async with self.database.transaction() as session:
            await session.execute(update(runs).where(runs.c.run_id == run_id).values(**changes))
            await see_agent(session, run.agent_id, now_ms)
            if progress is not None and progress != run.progress:
                announce(session, run.workspace_id, "task", task_id, now_ms)


async def see_agent(session: AsyncSession, agent_id: str, now_ms: int) -> None:
    """The agent was heard from just now."""
    agents = table_of(Agent)
    await session.execute(update(agents).where(agents.c.agent_id == agent_id).values(seen_at_ms=now_ms))


def version_of(state: TaskState, run_id: str, sha256: str) -> int:
    """The version that a run's content became."""
    return next(one.version for one in state.deliverables if (one.run_id, one.sha256) == (run_id, sha256))


def run_of(caller: Caller) -> tuple[str, str]:
    if caller.run_id is None or caller.task_id is None:
        raise ValueError("this caller stands for no run")
    return caller.run_id, caller.task_id
