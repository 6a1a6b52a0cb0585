"""One task, for as long as it is open: it decides, remembers, and has SQL told.

| message                           | what it does                                                              |
|-----------------------------------|---------------------------------------------------------------------------|
| Update `execute(Envelope)`        | validator: `decide`, a refusal is typed and writes no history;            |
|                                   | handler: `evolve`, answers with the new state                             |
| Signal `resolve_blocker(Envelope)`| a task it waits for closed; dropped when that does not matter any more    |
| Query `snapshot`                  | the state                                                                 |

One loop does everything that takes time, in this order: project what was accepted, look at blockers again (the edge is
committed *before* their rows are read, and a closing task commits its row *before* it reads the edges, so one
of both sees the other), judge a silent agent, and at the end tell the tasks that wait. Between two of these it may
continue as new.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy, SearchAttributeKey, SearchAttributeUpdate
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from controlplane.domain.commands import Command, Envelope, LoseRun, ResolveBlocker
    from controlplane.domain.decide import Refusal, decide
    from controlplane.domain.events import BlockersAdded, TaskCreated
    from controlplane.domain.evolve import apply
    from controlplane.domain.state import Actor, ActorKind, BlockerState, Run, TaskState
    from controlplane.ports import Applied
    from workers.messages import (
        CHECK_BLOCKERS,
        CONFIRM_LOSS,
        HOLD_LEASE,
        NOTIFY_DEPENDENTS,
        PROJECT_TASK,
        CheckBlockers,
        LeaseHeld,
        NotifyDependents,
        ProjectTask,
        SilenceSuspected,
        SilenceVerdict,
        TaskStart,
        fitting,
    )

SYSTEM = Actor(ActorKind.SYSTEM, "workers", "Pointsman")
STATUS = SearchAttributeKey.for_keyword("TaskStatus")
PROJECT = SearchAttributeKey.for_keyword("TaskProject")
AGENT = SearchAttributeKey.for_keyword("TaskAgent")
REVISION = SearchAttributeKey.for_int("TaskRev")

# A read model that lags is a nuisance, one that gave up is a lie: so for ever, and at least twice a minute.
UNTIL_IT_WORKS = RetryPolicy(initial_interval=timedelta(seconds=0.2), maximum_interval=timedelta(seconds=30))
ONCE = RetryPolicy(maximum_attempts=1)
OPENING_TIMEOUT = timedelta(hours=1)  # longer than any client retries the command that starts a task


@workflow.defn(name="Task")
class TaskWorkflow:
    """The entity; its workflow id is the task's id."""

    @workflow.init
    def __init__(self, start: TaskStart) -> None:
        self._terms = start.lease
        self._state = start.state
        self._unprojected: deque[Applied] = deque(start.unprojected)
        self._has_new_blockers = start.state is not None and start.state.is_blocked
        self._lease: workflow.ActivityHandle[None] | None = None
        self._holder: Run | None = None

    @workflow.run
    async def run(self, start: TaskStart) -> TaskState | None:
        """The final state; `__init__` has taken the argument. None: nobody ever said what the task is."""
        if self._state is None and not await self._opened():
            return None
        self._follow_lease()
        while True:
            await workflow.wait_condition(self._has_work)
            if self._may_renew():
                workflow.continue_as_new(TaskStart(self._terms, self._state, tuple(self._unprojected)))
            elif self._unprojected:
                await self._project()
            elif self._has_new_blockers:
                await self._check_blockers()
            elif self._now.is_closed:
                break
            elif self._lease is not None and self._lease.done():
                await self._judge_silence(self._lease)
        await self._notify_dependents()
        return self._state

    @workflow.update
    def execute(self, envelope: Envelope) -> Applied:
        """Applies a command. Without events it had been applied before."""
        return self._apply(envelope)

    @execute.validator
    def may_execute(self, envelope: Envelope) -> None:
        """Refuses what the rules forbid, before anything is written."""
        answer = decide(self._state, envelope)
        if isinstance(answer, Refusal):
            raise _refused(answer)

    @workflow.signal
    def resolve_blocker(self, envelope: Envelope) -> None:
        """A task this one waits for has closed."""
        self._apply_if_legal(envelope)

    @workflow.query
    def snapshot(self) -> TaskState | None:
        return self._state

    @property
    def _now(self) -> TaskState:
        if self._state is None:
            raise ApplicationError("the task was never opened", non_retryable=True)
        return self._state

    async def _opened(self) -> bool:
        try:
            await workflow.wait_condition(lambda: self._state is not None, timeout=OPENING_TIMEOUT)
        except TimeoutError:
            return False
        return True

    def _has_work(self) -> bool:
        return (
            bool(self._unprojected)
            or self._has_new_blockers
            or self._now.is_closed
            or (self._lease is not None and self._lease.done())
            or self._may_renew()
        )

    def _may_renew(self) -> bool:
        """Between two activities, and not only in a quiet moment: a busy task would never have one."""
        return (
            workflow.info().is_continue_as_new_suggested()
            and not self._now.is_closed
            and len(fitting(self._unprojected, self._state)) == len(self._unprojected)
        )

    def _apply(self, envelope: Envelope) -> Applied:
        events = decide(self._state, envelope)
        if isinstance(events, Refusal):
            raise _refused(events)
        self._state = apply(self._state, envelope, events)
        applied = Applied(self._state, events, workflow.info().run_id, envelope.command_id)
        if events:
            self._unprojected.append(applied)
            self._has_new_blockers |= (
                any(isinstance(event, TaskCreated | BlockersAdded) for event in events) and self._state.is_blocked
            )
            self._follow_lease()
            workflow.upsert_search_attributes(_attributes(self._state))
        return applied

    def _apply_if_legal(self, envelope: Envelope) -> None:
        if not isinstance(decide(self._state, envelope), Refusal):
            self._apply(envelope)

    def _as_system(self, cause: str, command: Command) -> Envelope:
        moment = int(workflow.now().timestamp() * 1000)
        return Envelope(f"{cause}/{self._now.revision}", SYSTEM, moment, command)

    async def _project(self) -> None:
        batch = fitting(self._unprojected)
        await _ask(PROJECT_TASK, ProjectTask(batch))
        for _ in batch:
            self._unprojected.popleft()

    async def _check_blockers(self) -> None:
        self._has_new_blockers = False
        open_ids = tuple(task_id for task_id, state in self._now.blockers.items() if state is BlockerState.OPEN)
        outcomes = await workflow.execute_activity(
            CHECK_BLOCKERS,
            CheckBlockers(open_ids),
            result_type=dict[str, str],
            start_to_close_timeout=timedelta(seconds=30),
            retry_policy=UNTIL_IT_WORKS,
        )
        for task_id, outcome in sorted(outcomes.items()):
            self._apply_if_legal(self._as_system(f"check/{task_id}", ResolveBlocker(task_id, outcome)))

    def _follow_lease(self) -> None:
        """Keeps exactly one lease activity for the live run, and none without one."""
        holder = self._now.live_run
        if holder is not None and self._holder is not None and holder.epoch == self._holder.epoch:
            self._holder = holder
            return
        if self._lease is not None:
            self._lease.cancel()
        self._holder = holder
        self._lease = None if holder is None else self._arm(holder)

    def _arm(self, run: Run) -> workflow.ActivityHandle[None]:
        handle: workflow.ActivityHandle[None] = workflow.start_activity(
            HOLD_LEASE,
            LeaseHeld(self._now.task_id, run.run_id, run.epoch),
            activity_id=f"lease-{run.epoch}",
            heartbeat_timeout=self._terms.silence,
            start_to_close_timeout=timedelta(days=365),  # required by Temporal; only silence ends a lease
            retry_policy=ONCE,
        )
        handle.add_done_callback(_look_at)
        return handle

    async def _judge_silence(self, silent: workflow.ActivityHandle[None]) -> None:
        run = self._holder
        if run is None or silent.cancelled() or not isinstance(silent.exception(), ActivityError):
            self._lease = None
            return
        verdict = await workflow.execute_activity(
            CONFIRM_LOSS,
            SilenceSuspected(run.run_id, self._terms.silence.total_seconds()),
            result_type=SilenceVerdict,
            start_to_close_timeout=timedelta(seconds=30),
            retry_policy=UNTIL_IT_WORKS,
        )
        if self._lease is not silent:  # the run ended while we asked
            return
        if verdict.is_lost:
            self._apply_if_legal(self._as_system("lose", LoseRun(run.run_id, run.epoch, verdict.reason)))
        else:
            self._lease = self._arm(run)

    async def _notify_dependents(self) -> None:
        state = self._now
        await workflow.execute_activity(
            NOTIFY_DEPENDENTS,
            NotifyDependents(state.task_id, str(state.status), state.revision),
            start_to_close_timeout=timedelta(minutes=5),
            heartbeat_timeout=timedelta(seconds=30),
            retry_policy=UNTIL_IT_WORKS,
        )


async def _ask(activity: str, argument: ProjectTask) -> None:
    await workflow.execute_activity(
        activity, argument, start_to_close_timeout=timedelta(seconds=30), retry_policy=UNTIL_IT_WORKS
    )


def _look_at(ended: "asyncio.Task[None]") -> None:
    """A lease that was cancelled with its run is nobody's error; asyncio complains of one that nobody looked at."""
    if not ended.cancelled():
        ended.exception()


def _refused(refusal: Refusal) -> ApplicationError:
    return ApplicationError(refusal.message, refusal, type=refusal.code, non_retryable=True)


def _attributes(state: TaskState) -> Sequence[SearchAttributeUpdate[Any]]:
    return (
        STATUS.value_set(state.status),
        PROJECT.value_set(state.project_id),
        REVISION.value_set(state.revision),
        AGENT.value_unset() if state.agent_id is None else AGENT.value_set(state.agent_id),
    )
