"""One task, for as long as it is open: it decides, remembers, and has SQL told.

| message                           | what it does                                                              |
|-----------------------------------|---------------------------------------------------------------------------|
| Update `execute(Envelope)`        | validator: `decide`, a refusal is typed and writes no history;            |
|                                   | handler: `evolve`, answers with the new state                             |
| Signal `resolve_blocker(Envelope)`| a task it waits for closed or was reopened; dropped when that matters not |
| Signal `refresh`                  | continues as new, onto the code of today                                  |
| Query `snapshot`                  | the state                                                                 |

One loop does everything that takes time, in this order: project what was accepted, look at blockers again (the edge is
committed *before* their rows are read, and a closing task commits its row *before* it reads the edges, so one
of both sees the other), tell those that wait that it was reopened, judge a silent agent, expire a question, and at the
end tell the tasks that wait. Between two of these it may continue as new; its successor arms timer and lease anew.

A reopened task begins closed, from the state of the execution before, and waits for the command that reopens it.
"""

from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from controlplane.domain.commands import Command, Envelope
    from controlplane.domain.decide import Refusal, decide
    from controlplane.domain.events import BlockersAdded, Event, TaskCreated, TaskReopened
    from controlplane.domain.evolve import apply
    from controlplane.domain.state import BlockerState, TaskState
    from controlplane.ports import Applied
    from workers.messages import (
        CHECK_BLOCKERS,
        NOTIFY_DEPENDENTS,
        PROJECT_TASK,
        READ_TASK,
        SYSTEM,
        CheckBlockers,
        NotifyDependents,
        ProjectTask,
        ReadTask,
        TaskStart,
        fitting,
        resolution_of,
    )
    from workers.workflows.expiry import Expiry
    from workers.workflows.lease import ONE_TRY, UNTIL_IT_WORKS, Lease

STATUS = SearchAttributeKey.for_keyword("TaskStatus")
PROJECT = SearchAttributeKey.for_keyword("TaskProject")
AGENT = SearchAttributeKey.for_keyword("TaskAgent")
REVISION = SearchAttributeKey.for_int("TaskRev")

OPENING_TIMEOUT = timedelta(hours=1)  # longer than any client retries the command that starts a task


@workflow.defn(name="Task")
class TaskWorkflow:
    """The entity; its workflow id is the task's id."""

    @workflow.init
    def __init__(self, start: TaskStart) -> None:
        self._terms = start.lease
        self._state = start.state
        self._unprojected: deque[Applied] = deque(start.unprojected)
        self._is_begun = start.state is not None and not start.state.is_closed
        self._is_stale = start.state is not None and start.state.is_closed
        self._has_new_blockers = start.state is not None and start.state.is_blocked
        self._owes_reopening = start.owes_reopening
        self._is_refresh_due = False
        self._lease = Lease(start.lease)
        self._expiry = Expiry()

    @workflow.run
    async def run(self, start: TaskStart) -> TaskState | None:
        """The final state; `__init__` has taken the argument. None: nobody ever said what the task is."""
        if self._is_stale:
            await self._catch_up()
        if not self._is_begun and not await self._opened():
            return self._state
        self._follow()
        while True:
            await workflow.wait_condition(self._has_work)
            if self._may_renew():
                workflow.continue_as_new(
                    TaskStart(self._terms, self._state, tuple(self._unprojected), self._owes_reopening)
                )
            elif self._unprojected:
                await self._project()
            elif self._has_new_blockers:
                await self._check_blockers()
            elif self._now.is_closed:
                await self._notify_dependents(self._now.status)
                if self._is_over():
                    return self._state
            else:
                await self._do_what_is_due()

    def _is_over(self) -> bool:
        """Nobody has reopened it, or done anything else to it, while those that wait for it were told of its end."""
        return self._now.is_closed and not self._unprojected

    async def _do_what_is_due(self) -> None:
        if self._owes_reopening:
            self._owes_reopening = False
            await self._notify_dependents(BlockerState.OPEN)
        elif self._lease.has_ended:
            lost = await self._lease.judge()
            if lost is not None:
                self._apply_if_legal(self._as_system("lose", lost))
        elif self._expiry.is_due:
            self._apply_if_legal(self._as_system("expire", self._expiry.take()))

    @workflow.update
    async def execute(self, envelope: Envelope) -> Applied:
        """Applies a command. Without events it had been applied before."""
        if self._is_stale:
            await workflow.wait_condition(lambda: not self._is_stale)
        return self._apply(envelope)

    @execute.validator
    def may_execute(self, envelope: Envelope) -> None:
        """Refuses what the rules forbid, before anything is written. What cannot be judged yet the handler refuses."""
        if self._is_stale:
            return
        answer = decide(self._state, envelope)
        if isinstance(answer, Refusal):
            raise _refused(answer)

    @workflow.signal
    def resolve_blocker(self, envelope: Envelope) -> None:
        """A task this one waits for has closed, or was reopened."""
        self._apply_if_legal(envelope)

    @workflow.signal
    def refresh(self) -> None:
        """After a new version was installed: the execution of the old one ends, and its patches may go one day."""
        self._is_refresh_due = True

    @workflow.query
    def snapshot(self) -> TaskState | None:
        return self._state

    @property
    def _now(self) -> TaskState:
        if self._state is None:
            raise ApplicationError("the task was never opened", non_retryable=True)
        return self._state

    async def _catch_up(self) -> None:
        """Whoever reopened it may have seen an older end than the last one.

        SQL has that one: an execution ends only when everything it accepted is projected.
        """
        known = await workflow.execute_activity(
            READ_TASK,
            ReadTask(self._now.task_id),
            result_type=TaskState | None,  # type: ignore[arg-type]  # Temporal's signature knows no unions
            start_to_close_timeout=ONE_TRY,
            retry_policy=UNTIL_IT_WORKS,
        )
        if known is not None and known.revision > self._now.revision:
            self._state = known
            self._is_begun = not known.is_closed
        self._is_stale = False

    async def _opened(self) -> bool:
        try:
            await workflow.wait_condition(lambda: self._is_begun, timeout=OPENING_TIMEOUT)
        except TimeoutError:
            return False
        return True

    def _has_work(self) -> bool:
        return (
            bool(self._unprojected)
            or self._has_new_blockers
            or self._owes_reopening
            or self._now.is_closed
            or self._lease.has_ended
            or self._expiry.is_due
            or self._may_renew()
        )

    def _may_renew(self) -> bool:
        """Between two activities, and not only in a quiet moment: a busy task would never have one."""
        return (
            (self._is_refresh_due or workflow.info().is_continue_as_new_suggested())
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
            self._note(events)
            self._follow()
            workflow.upsert_search_attributes(_attributes(self._state))
        return applied

    def _note(self, events: Sequence[Event]) -> None:
        """What these events make necessary besides their projection."""
        is_reopened = any(isinstance(event, TaskReopened) for event in events)
        has_begun = is_reopened or any(isinstance(event, TaskCreated) for event in events)
        self._is_begun |= has_begun
        self._owes_reopening = (self._owes_reopening or is_reopened) and not self._now.is_closed
        has_more = has_begun or any(isinstance(event, BlockersAdded) for event in events)
        self._has_new_blockers |= has_more and self._now.is_blocked

    def _follow(self) -> None:
        self._lease.follow(self._now.task_id, self._now.live_run)
        self._expiry.follow(self._now.question)

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
            start_to_close_timeout=ONE_TRY,
            retry_policy=UNTIL_IT_WORKS,
        )
        for task_id, told in sorted(outcomes.items()):
            self._apply_if_legal(self._as_system(f"check/{task_id}", resolution_of(task_id, told)))

    async def _notify_dependents(self, outcome: str) -> None:
        state = self._now
        await workflow.execute_activity(
            NOTIFY_DEPENDENTS,
            NotifyDependents(state.task_id, str(outcome), state.revision),
            start_to_close_timeout=timedelta(minutes=5),
            heartbeat_timeout=timedelta(seconds=30),
            retry_policy=UNTIL_IT_WORKS,
        )


async def _ask(activity: str, argument: ProjectTask) -> None:
    await workflow.execute_activity(activity, argument, start_to_close_timeout=ONE_TRY, retry_policy=UNTIL_IT_WORKS)


def _refused(refusal: Refusal) -> ApplicationError:
    return ApplicationError(refusal.message, refusal, type=refusal.code, non_retryable=True)


def _attributes(state: TaskState) -> Sequence[SearchAttributeUpdate[Any]]:
    return (
        STATUS.value_set(state.status),
        PROJECT.value_set(state.project_id),
        REVISION.value_set(state.revision),
        AGENT.value_unset() if state.agent_id is None else AGENT.value_set(state.agent_id),
    )
