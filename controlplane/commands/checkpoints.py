"""What a run leaves for the next one, and how it says that it cannot go on."""

from collections.abc import Sequence
from typing import Literal

from pointsman.contract import ErrorCode
from sqlalchemy import select

from controlplane.access.callers import Caller
from controlplane.commands.dependencies import DependencyCommands
from controlplane.commands.desk import CommandRefused, refused
from controlplane.commands.questions import QuestionCommands
from controlplane.commands.runs import run_of
from controlplane.domain.commands import ReleaseRun, ResumeRun
from controlplane.domain.state import LIVE
from controlplane.store.outbox import announce
from controlplane.store.tables import Checkpoint, Run
from controlplane.store.upsert import insert_into, table_of

MAX_CHECKPOINT_BYTES = 4 * 1024 * 1024


class CheckpointCommands(DependencyCommands, QuestionCommands):
    """Verbs of a run that wants to be gone on from, or to wait."""

    async def checkpoint(self, caller: Caller, content: bytes, note: str = "") -> str:
        """Keeps this as the run's last state; its digest. Refused (`lease_lost`) to a run that lost its task."""
        run_id, task_id = run_of(caller)
        if len(content) > MAX_CHECKPOINT_BYTES:
            limit = MAX_CHECKPOINT_BYTES // 1024 // 1024
            raise refused(ErrorCode.REQUEST_TOO_LARGE, f"A checkpoint has at most {limit} MB.")
        sha256 = await self.blobs.put(content)
        now_ms = self.clock.now_ms()
        row = {
            "run_id": run_id,
            "workspace_id": caller.workspace_id,
            "task_id": task_id,
            "epoch": caller.epoch,
            "sha256": sha256,
            "size_bytes": len(content),
            "note": note,
            "at_ms": now_ms,
        }
        runs = table_of(Run).c
        async with self.database.transaction() as session:
            live = select(runs.run_id).where(
                runs.run_id == run_id, runs.epoch == caller.epoch, runs.state.in_([state.value for state in LIVE])
            )
            if (await session.execute(live)).first() is None:
                raise refused(ErrorCode.LEASE_LOST, "This run no longer holds its task; its checkpoint is not kept.")
            insert = insert_into(session, Checkpoint).values(**row)
            await session.execute(insert.on_conflict_do_update(index_elements=["run_id"], set_=row))
            announce(session, caller.workspace_id, "task", task_id, now_ms)
        return sha256

    async def blocked_on(
        self,
        caller: Caller,
        command_id: str,
        on: Literal["human", "task", "external"],
        text: str,
        tasks: Sequence[str] = (),
    ) -> str | None:
        """A run says what keeps it: a person is asked (the question's id), or it lets go and the task waits."""
        run_id, task_id = run_of(caller)
        if on == "human":
            return await self.ask(caller, command_id, text)
        if on == "external":
            release = ReleaseRun(run_id, caller.epoch, text, waits_for=text)
        else:
            if not tasks:
                raise refused(ErrorCode.INVALID_REQUEST, "Say for which tasks it waits.", field="tasks")
            await self.add_blockers(caller.actor, f"{command_id}/edges", task_id, tasks, caller.workspace_id)
            release = ReleaseRun(run_id, caller.epoch, text)
        await self.send(caller.actor, command_id, task_id, release)
        return None

    async def resume_run(self, caller: Caller) -> bool:
        """A lost run is heard of again: it goes on if nobody has taken over. False: its task is somebody else's."""
        run_id, task_id = run_of(caller)
        async with self.database.reading() as session:
            run = await session.get(Run, run_id)
        if run is None or run.state != "lost" or run.epoch != caller.epoch:
            return False
        command_id = f"resume/{run_id}/{run.ended_at_ms}"  # each loss can be taken back once
        try:
            await self.send(caller.actor, command_id, task_id, ResumeRun(run_id, caller.epoch))
        except CommandRefused:
            return False
        return True
