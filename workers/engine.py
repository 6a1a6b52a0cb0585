"""The task engine that ships: commands become Updates of task workflows, and come back as plain values.

Whatever Temporal may answer ends as one of three: `Applied`, a `Refusal`, or `EngineUnavailable` (retry with the same
command id: the update's id is the command's, so a retry never acts twice).
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec
from pointsman.contract import ErrorCode
from temporalio.client import (
    AsyncActivityCancelledError,
    Client,
    RPCTimeoutOrCancelledError,
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowUpdateFailedError,
)
from temporalio.common import Priority, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from controlplane.domain.commands import CreateTask, Envelope
from controlplane.domain.decide import Refusal, decide
from controlplane.domain.state import TaskState
from controlplane.ports import Applied, EngineUnavailable
from controlplane.settings import Settings
from workers.connect import connect
from workers.messages import TASK_QUEUE, LeaseTerms, TaskStart
from workers.workflows.task import TaskWorkflow

DEADLINE_SECONDS = 5.0
BEAT_DEADLINE = timedelta(seconds=1)  # an agent's heartbeat waits for it
_RETRY_SECONDS = 0.05
_GRACE_SECONDS = 0.4  # for the last request to end by its own deadline
# The command itself is at fault, a retry would meet the same answer; anything else is the weather.
_FINAL = {RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED}


async def open_engine(settings: Settings) -> "TemporalTaskEngine":
    """The engine of a process that is no worker. Connects with its first command, so Temporal may be down now."""
    return TemporalTaskEngine(await connect(settings, lazy=True), LeaseTerms.of(settings))


@dataclass(frozen=True, slots=True)
class TemporalTaskEngine:
    """A `controlplane.ports.TaskEngine`. `lease` goes into tasks that it starts; older ones keep their own terms."""

    client: Client
    lease: LeaseTerms = field(default_factory=LeaseTerms)
    deadline_seconds: float = DEADLINE_SECONDS

    async def execute(self, task_id: str, envelope: Envelope) -> Applied | Refusal:
        if isinstance(envelope.command, CreateTask):
            refusal = decide(None, envelope)
            if isinstance(refusal, Refusal):  # else a workflow would be started that waits for its first command
                return refusal
        # Each request carries what is left of the deadline; cancelling one from here is noisy, so it comes second.
        ends_at = asyncio.get_running_loop().time() + self.deadline_seconds
        try:
            async with asyncio.timeout(self.deadline_seconds + _GRACE_SECONDS):
                return await self._execute_until_answered(task_id, envelope, ends_at)
        except (TimeoutError, RPCTimeoutOrCancelledError) as error:
            _let_cancellation_through()
            raise EngineUnavailable(f"no answer within {self.deadline_seconds:g} s") from error

    async def snapshot(self, task_id: str) -> TaskState | None:
        try:
            async with asyncio.timeout(self.deadline_seconds):
                return await self._snapshot(task_id)
        except (TimeoutError, RPCTimeoutOrCancelledError, RPCError, RuntimeError) as error:
            _let_cancellation_through()
            raise EngineUnavailable("the task could not be read") from error

    async def beat(self, task_id: str, epoch: int) -> None:
        handle = self.client.get_async_activity_handle(workflow_id=task_id, run_id=None, activity_id=f"lease-{epoch}")
        try:
            await handle.heartbeat(rpc_timeout=BEAT_DEADLINE)
        except (AsyncActivityCancelledError, RPCTimeoutOrCancelledError, RPCError, RuntimeError):
            # Gone, or the engine is away: then the sign of life in SQL speaks for the agent (`confirm_loss`).
            _let_cancellation_through()

    async def _execute_until_answered(self, task_id: str, envelope: Envelope, ends_at: float) -> Applied | Refusal:
        while (left := ends_at - asyncio.get_running_loop().time()) > 0:
            try:
                return await self._execute_once(task_id, envelope, timedelta(seconds=left))
            except WorkflowUpdateFailedError as failed:
                return _refusal_of(failed)
            except WorkflowAlreadyStartedError:
                return await self._answer_for_closed(task_id, envelope)
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return await self._answer_for_closed(task_id, envelope)
                if error.status in _FINAL:
                    raise
            except RuntimeError:  # a lazy client that cannot connect
                pass
            await asyncio.sleep(_RETRY_SECONDS)
        raise TimeoutError

    async def _execute_once(self, task_id: str, envelope: Envelope, deadline: timedelta) -> Applied:
        if not isinstance(envelope.command, CreateTask):
            return await self.client.get_workflow_handle_for(TaskWorkflow.run, task_id).execute_update(
                TaskWorkflow.execute, envelope, id=envelope.command_id, rpc_timeout=deadline
            )
        start = WithStartWorkflowOperation(
            TaskWorkflow.run,
            TaskStart(self.lease),
            id=task_id,
            task_queue=TASK_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            priority=Priority(priority_key=envelope.command.priority),
        )
        try:
            return await self.client.execute_update_with_start_workflow(
                TaskWorkflow.execute,
                envelope,
                start_workflow_operation=start,
                id=envelope.command_id,
                rpc_timeout=deadline,
            )
        except BaseException:
            await _look_at_start(start)
            raise

    async def _answer_for_closed(self, task_id: str, envelope: Envelope) -> Applied | Refusal:
        """What the rules say about the final state: mostly no, but a retried command is told of its success."""
        handle = self.client.get_workflow_handle_for(TaskWorkflow.run, task_id)
        try:
            description = await handle.describe()
            state = await handle.result()
        except (RPCError, WorkflowFailureError):
            return _unknown()
        answer = decide(state, envelope)
        if isinstance(answer, Refusal):
            return answer
        if state is None or answer:
            return _unknown()
        return Applied(state, (), description.run_id or "", envelope.command_id)

    async def _snapshot(self, task_id: str) -> TaskState | None:
        handle = self.client.get_workflow_handle_for(TaskWorkflow.run, task_id)
        try:
            description = await handle.describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        if description.status is WorkflowExecutionStatus.COMPLETED:
            return await handle.result()
        return await handle.query(TaskWorkflow.snapshot)


async def _look_at_start(start: WithStartWorkflowOperation[Any, Any]) -> None:
    """A failed start leaves its error in a future of its own, too; asyncio complains of one that nobody looked at."""
    with suppress(Exception):
        async with asyncio.timeout(0):
            await start.workflow_handle()


def _refusal_of(failed: WorkflowUpdateFailedError) -> Refusal:
    cause = failed.cause
    if isinstance(cause, ApplicationError) and cause.details:
        return msgspec.convert(cause.details[0], Refusal)
    raise EngineUnavailable(f"the task could not apply the command: {cause}") from failed


def _unknown() -> Refusal:
    return Refusal(ErrorCode.NOT_FOUND, "This task does not exist any more.")


def _let_cancellation_through() -> None:
    # Temporal's client answers a cancelled call with an error of its own; the caller still asked for a cancellation.
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
