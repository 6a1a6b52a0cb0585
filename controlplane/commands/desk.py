"""Sends a command to the engine and writes its effect through.

CommandRefused      the caller's fault, by a rule: 4xx with its code; do not retry
EngineUnavailable   ours (`controlplane.ports`): 503; retry with the same command id, it may have been applied
"""

import asyncio
import logging

import msgspec
from pointsman.contract import ErrorCode
from sqlalchemy.exc import SQLAlchemyError

from controlplane.commands.asked import Asked
from controlplane.commands.references import TaskReference, find_task
from controlplane.domain.commands import Command, Envelope
from controlplane.domain.decide import Refusal
from controlplane.domain.state import Actor, TaskState
from controlplane.ports import Applied, BlobStore, Clock, EngineUnavailable, TaskEngine
from controlplane.projections.task import project
from controlplane.store.database import Database

log = logging.getLogger(__name__)

MAX_COMMAND_BYTES = 256 * 1024  # a task keeps four such texts and its event one more: within Temporal's 2 MiB a payload
ENGINE_SECONDS = 5.5  # the engine gives up after 5 itself; this guards against one that does not


TOO_LONG = (
    f"A task can be told {MAX_COMMAND_BYTES // 1024} KiB at once. Put longer texts into a file and say where it is."
)


class CommandRefused(Exception):  # noqa: N818 - a business "no", not an alarm
    """The rules forbid it. `refusal` says which one, in words for the person."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def refused(code: ErrorCode, message: str, **detail: object) -> CommandRefused:
    """A refusal of this layer's own."""
    return CommandRefused(Refusal(code, message, dict(detail)))


class Desk:
    """What every verb needs. One for each process; it remembers nothing but which tasks were just asked."""

    def __init__(
        self, database: Database, engine: TaskEngine, blobs: BlobStore, clock: Clock, master_key: bytes
    ) -> None:
        self.database = database
        self.engine = engine
        self.blobs = blobs
        self.clock = clock
        self.master_key = master_key
        self.asked = Asked()

    async def send(
        self, actor: Actor, command_id: str, task_id: str, command: Command, expected_revision: int | None = None
    ) -> TaskState:
        """The task after the command, applied once for its id. Raises CommandRefused, EngineUnavailable."""
        if len(msgspec.json.encode(command)) > MAX_COMMAND_BYTES:
            raise refused(ErrorCode.REQUEST_TOO_LARGE, TOO_LONG)
        envelope = Envelope(command_id, actor, self.clock.now_ms(), command, expected_revision)
        try:
            async with asyncio.timeout(ENGINE_SECONDS):
                outcome = await self.engine.execute(task_id, envelope)
        except TimeoutError:
            raise EngineUnavailable(f"no answer within {ENGINE_SECONDS} s") from None
        if isinstance(outcome, Refusal):
            raise CommandRefused(outcome)
        await self._write_through(outcome)
        return outcome.state

    async def _write_through(self, applied: Applied) -> None:
        """For the sender to see it at once. A failure is no fault: the workflow's own projection is the guarantee."""
        try:
            now_ms = self.clock.now_ms()
            await self.database.write(lambda connection: project(connection, applied, self.master_key, now_ms))
        except SQLAlchemyError as error:
            log.warning("write-through failed", extra={"task_id": applied.state.task_id, "reason": str(error)})

    async def find_task(self, reference: str, workspace_id: str | None = None) -> TaskReference:
        """From `T-12` or `t_…`. Raises CommandRefused(not_found), for a task of another workspace too."""
        async with self.database.reading() as session:
            task = await find_task(session, reference, workspace_id)
        if task is None:
            raise refused(ErrorCode.NOT_FOUND, f"There is no task {reference!r}.", task=reference)
        return task
