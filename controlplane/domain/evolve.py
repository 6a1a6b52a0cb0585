"""What an event changes. `evolve` never refuses: an event is a fact."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from controlplane.domain import events as happened
from controlplane.domain.commands import Envelope
from controlplane.domain.events import Event
from controlplane.domain.state import (
    APPLIED_KEPT,
    REASON_KEPT,
    RUNS_KEPT,
    ActorKind,
    BlockerState,
    Deliverable,
    Question,
    Review,
    Run,
    RunState,
    TaskState,
    TaskStatus,
)


def apply(state: TaskState | None, envelope: Envelope, events: tuple[Event, ...]) -> TaskState:
    """The state after a command's events: one revision further, the command remembered. Without events, unchanged."""
    for event in events:
        state = evolve(state, event)
    if state is None:
        raise ValueError("a task begins with TaskCreated")
    if not events:
        return state
    return replace(
        state,
        revision=state.revision + 1,
        updated_at_ms=envelope.at_ms,
        applied=(*state.applied, envelope.command_id)[-APPLIED_KEPT:],
    )


def evolve(state: TaskState | None, event: Event) -> TaskState:
    """The state after one event."""
    if isinstance(event, happened.TaskCreated):
        return _created(event)
    if state is None:
        raise ValueError(f"{type(event).__name__} before TaskCreated")
    evolved = _EVOLVERS[type(event)](state, event)
    # A person who acts has seen the failures: the count and the call for help start anew.
    if event.actor.kind is ActorKind.PERSON and not isinstance(event, happened.RunEnded):
        evolved = replace(evolved, failures=0, needs_human="")
    return evolved


def _created(event: happened.TaskCreated) -> TaskState:
    return TaskState(
        task_id=event.task_id,
        workspace_id=event.workspace_id,
        project_id=event.project_id,
        number=event.number,
        title=event.title,
        brief=event.brief,
        created_by=event.actor,
        created_at_ms=event.at_ms,
        updated_at_ms=event.at_ms,
        status=event.status,
        needs=event.needs,
        priority=event.priority,
        agent_id=event.agent_id,
        blockers=dict.fromkeys(event.blockers, BlockerState.OPEN),
    )


def _edited(state: TaskState, event: happened.TaskEdited) -> TaskState:
    return replace(
        state,
        title=event.title if event.title is not None else state.title,
        brief=event.brief if event.brief is not None else state.brief,
        needs=event.needs if event.needs is not None else state.needs,
        priority=event.priority if event.priority is not None else state.priority,
    )


def _moved(state: TaskState, event: happened.TaskMoved) -> TaskState:
    return replace(state, status=event.to, changes_requested=False)


def _assigned(state: TaskState, event: happened.TaskAssigned) -> TaskState:
    # Without a live run a task in progress waits for its next agent; there it stays only while changes are asked.
    waits = state.status is TaskStatus.IN_PROGRESS and state.live_run is None and not state.changes_requested
    return replace(state, agent_id=event.agent_id, status=TaskStatus.READY if waits else state.status)


def _run_started(state: TaskState, event: happened.RunStarted) -> TaskState:
    run = Run(
        run_id=event.run_id,
        number=event.number,
        epoch=event.epoch,
        agent_id=event.agent_id,
        state=RunState.RUNNING,
        started_at_ms=event.at_ms,
    )
    return replace(
        state,
        status=TaskStatus.IN_PROGRESS,
        runs=(*state.runs, run)[-RUNS_KEPT:],
        run_count=event.number,
        epoch=event.epoch,
        changes_requested=False,
    )


def _with_run(state: TaskState, run_id: str, run_state: RunState, at_ms: int, reason: str = "") -> tuple[Run, ...]:
    return tuple(
        replace(run, state=run_state, ended_at_ms=at_ms, reason=reason[:REASON_KEPT]) if run.run_id == run_id else run
        for run in state.runs
    )


def _run_ended(state: TaskState, event: happened.RunEnded) -> TaskState:
    outcome = RunState(event.state)
    counts = outcome in {RunState.FAILED, RunState.LOST}
    return replace(
        state,
        runs=_with_run(state, event.run_id, outcome, event.at_ms, event.reason),
        status=TaskStatus.READY,
        failures=state.failures + 1 if counts else state.failures,
        question=None,
    )


def _submitted(state: TaskState, event: happened.DeliverableSubmitted) -> TaskState:
    deliverable = Deliverable(
        version=event.version,
        run_id=event.run_id,
        sha256=event.sha256,
        size_bytes=event.size_bytes,
        submitted_at_ms=event.at_ms,
        kind=event.format,
        title=event.title,
    )
    return replace(
        state,
        status=TaskStatus.IN_REVIEW,
        runs=_with_run(state, event.run_id, RunState.SUBMITTED, event.at_ms),
        deliverables=(*state.deliverables, deliverable),
        failures=0,
        question=None,
    )


def _approved(state: TaskState, event: happened.DeliverableApproved) -> TaskState:
    return replace(
        state,
        status=TaskStatus.DONE,
        closed_at_ms=event.at_ms,
        runs=_judged(state, RunState.ACCEPTED),
        last_review=Review(event.version, "approve", event.note, event.actor, event.at_ms),
    )


def _judged(state: TaskState, verdict: RunState) -> tuple[Run, ...]:
    return tuple(replace(run, state=verdict) if run.state is RunState.SUBMITTED else run for run in state.runs)


def _changes_requested(state: TaskState, event: happened.ChangesRequested) -> TaskState:
    return replace(
        state,
        status=TaskStatus.IN_PROGRESS,
        changes_requested=True,
        runs=_judged(state, RunState.REJECTED),
        last_review=Review(event.version, "request_changes", event.note, event.actor, event.at_ms),
    )


def _asked(state: TaskState, event: happened.QuestionAsked) -> TaskState:
    runs = tuple(
        replace(run, state=RunState.WAITING_INPUT) if run.run_id == event.run_id else run for run in state.runs
    )
    return replace(state, runs=runs, question=Question(event.question_id, event.run_id, event.text, event.at_ms))


def _answered(state: TaskState, event: happened.QuestionAnswered) -> TaskState:
    if state.question is None:
        return state
    runs = tuple(
        replace(run, state=RunState.RUNNING) if run.state is RunState.WAITING_INPUT else run for run in state.runs
    )
    return replace(state, runs=runs, question=replace(state.question, answer=event.text, answered_by=event.actor))


def _blockers_added(state: TaskState, event: happened.BlockersAdded) -> TaskState:
    return replace(state, blockers={**state.blockers, **dict.fromkeys(event.task_ids, BlockerState.OPEN)})


def _blocker_removed(state: TaskState, event: happened.BlockerRemoved) -> TaskState:
    return replace(state, blockers={k: v for k, v in state.blockers.items() if k != event.task_id})


def _blocker_resolved(state: TaskState, event: happened.BlockerResolved) -> TaskState:
    return replace(state, blockers={**state.blockers, event.task_id: BlockerState(event.outcome)})


def _human_needed(state: TaskState, event: happened.HumanNeeded) -> TaskState:
    return replace(state, needs_human=event.reason)


def _cancelled(state: TaskState, event: happened.TaskCancelled) -> TaskState:
    return replace(state, status=TaskStatus.CANCELLED, closed_at_ms=event.at_ms, changes_requested=False)


_EVOLVERS: dict[type, Callable[[TaskState, Any], TaskState]] = {
    happened.TaskEdited: _edited,
    happened.TaskMoved: _moved,
    happened.TaskAssigned: _assigned,
    happened.RunStarted: _run_started,
    happened.RunEnded: _run_ended,
    happened.DeliverableSubmitted: _submitted,
    happened.DeliverableApproved: _approved,
    happened.ChangesRequested: _changes_requested,
    happened.QuestionAsked: _asked,
    happened.QuestionAnswered: _answered,
    happened.BlockersAdded: _blockers_added,
    happened.BlockerRemoved: _blocker_removed,
    happened.BlockerResolved: _blocker_resolved,
    happened.HumanNeeded: _human_needed,
    happened.TaskCancelled: _cancelled,
}
