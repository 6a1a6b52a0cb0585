"""The task engine that ships: commands become Updates of task workflows, and come back as plain values.

Whatever Temporal may answer ends as one of three: `Applied`, a `Refusal`, or `EngineUnavailable` (retry with the same
command id: the update's id is the command's, so a retry never acts twice).
"""

import asyncio
from collections.abc import Awaitable, Callable
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
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
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
from controlplane.store.database import Database
from workers.connect import connect
from workers.known import known_state
from workers.messages import TASK_QUEUE, LeaseTerms, TaskStart
from workers.workflows.task import TaskWorkflow

DEADLINE_SECONDS = 5.0
BEAT_DEADLINE = timedelta(seconds=1)  # an agent's heartbeat waits for it
_RETRY_SECONDS = 0.05
_GRACE_SECONDS = 0.4  # for the last request to end by its own deadline
# The command itself is at fault, a retry would meet the same answer; anything else is the weather.
_FINAL = {RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED}

# How the read model knows a task; None: not at all. Raises EngineUnavailable when it cannot be asked.
KnownState = Callable[[str], Awaitable[TaskState | None]]


async def open_engine(settings: Settings, control: Database) -> "TemporalTaskEngine":
    """The engine of a process that is no worker. Connects with its first command, so Temporal may be down now."""
    return engine_over(await connect(settings, lazy=True), settings, control)


def engine_over(client: Client, settings: Settings, control: Database) -> "TemporalTaskEngine":
    """The engine of a process that has a client already."""
    return TemporalTaskEngine(client, known_state(control), LeaseTerms.of(settings))


@dataclass(frozen=True, slots=True)
class TemporalTaskEngine:
    """A `controlplane.ports.TaskEngine`. `lease` goes into tasks that it starts; older ones keep their own terms.

    Temporal forgets a closed task after its retention: `known` is asked for those.
    """

    client: Client
    known: KnownState
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
                answer = await self._execute_once(task_id, envelope, timedelta(seconds=left))
            except WorkflowUpdateFailedError as failed:
                return _refusal_of(failed)
            except RPCError as error:
                if error.status in _FINAL:
                    raise
            except (WorkflowAlreadyStartedError, RuntimeError):
                pass  # it has just begun or ended; or this is a lazy client that cannot connect
            else:
                if answer is not None:
                    return answer
            await asyncio.sleep(_RETRY_SECONDS)
        raise TimeoutError

    async def _execute_once(self, task_id: str, envelope: Envelope, deadline: timedelta) -> Applied | Refusal | None:
        """None: the task was neither open nor closed, for it was changing. Ask again."""
        try:
            if isinstance(envelope.command, CreateTask):
                return await self._start(task_id, envelope, deadline, None)
            return await self.client.get_workflow_handle_for(TaskWorkflow.run, task_id).execute_update(
                TaskWorkflow.execute, envelope, id=envelope.command_id, rpc_timeout=deadline
            )
        except WorkflowAlreadyStartedError:
            pass
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
        return await self._answer_for_closed(task_id, envelope, deadline)

    async def _start(
        self, task_id: str, envelope: Envelope, deadline: timedelta, closed: TaskState | None
    ) -> Applied | Refusal:
        """Starts the task with its first command, or a closed one with the command that reopens it.

        Two that do so at once meet in one execution, where the command of the second one is judged after the first.
        """
        policy = WorkflowIDReusePolicy
        start = WithStartWorkflowOperation(
            TaskWorkflow.run,
            TaskStart(self.lease, closed),
            id=task_id,
            task_queue=TASK_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=policy.REJECT_DUPLICATE if closed is None else policy.ALLOW_DUPLICATE,
            priority=Priority(priority_key=_priority(envelope, closed)),
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

    async def _answer_for_closed(
        self, task_id: str, envelope: Envelope, deadline: timedelta
    ) -> Applied | Refusal | None:
        """What the rules say about the final state: mostly no, but a retried command is told of its success, and one
        that reopens the task starts it anew.
        """
        description = await self._describe(task_id)
        if description is not None and description.status is WorkflowExecutionStatus.RUNNING:
            return None
        state = await self._final_state(task_id, description)
        if state is None:
            return _unknown()
        if not state.is_closed:
            raise EngineUnavailable(f"the engine has lost {task_id}: `pointsman reimport` brings it back")
        answer = decide(state, envelope)
        if isinstance(answer, Refusal):
            return answer
        if answer:
            return await self._start(task_id, envelope, deadline, state)
        return Applied(state, (), (description and description.run_id) or "", envelope.command_id)

    async def _final_state(self, task_id: str, description: WorkflowExecutionDescription | None) -> TaskState | None:
        """As its last execution left it; as SQL knows it, when Temporal has forgotten that, or somebody killed it."""
        if description is not None and description.status is WorkflowExecutionStatus.COMPLETED:
            handle = self.client.get_workflow_handle_for(TaskWorkflow.run, task_id, run_id=description.run_id)
            state: TaskState | None = await handle.result()
            if state is not None:
                return state
        return await self.known(task_id)

    async def _describe(self, task_id: str) -> WorkflowExecutionDescription | None:
        try:
            return await self.client.get_workflow_handle(task_id).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise

    async def _snapshot(self, task_id: str) -> TaskState | None:
        description = await self._describe(task_id)
        if description is None:
            return None
        handle = self.client.get_workflow_handle_for(TaskWorkflow.run, task_id)
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


def _priority(envelope: Envelope, closed: TaskState | None) -> int:
    if isinstance(envelope.command, CreateTask):
        return envelope.command.priority
    return 3 if closed is None else closed.priority


def _unknown() -> Refusal:
    return Refusal(ErrorCode.NOT_FOUND, "This task does not exist any more.")


def _let_cancellation_through() -> None:
    # Temporal's client answers a cancelled call with an error of its own; the caller still asked for a cancellation.
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
