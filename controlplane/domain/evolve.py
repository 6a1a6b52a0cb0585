"""What an event changes. `evolve` never refuses: an event is a fact."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from controlplane.domain import events as happened
from controlplane.domain.commands import Envelope
from controlplane.domain.events import Event
from controlplane.domain.settle import settle
from controlplane.domain.state import (
    APPLIED_KEPT,
    BLOCKER_CAUSES,
    REASON_KEPT,
    RUNS_KEPT,
    BlockerState,
    Clarification,
    Deliverable,
    Hold,
    HumanCause,
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
    return settle(_EVOLVERS[type(event)](state, event), event)


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
        parent_id=event.parent_id,
        review=event.review,
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
    lost = state.lost_run
    state = state if lost is None or event.agent_id in {None, lost.agent_id} else _without_comeback(state)
    return replace(state, agent_id=event.agent_id, status=TaskStatus.READY if waits else state.status)


def _without_comeback(state: TaskState) -> TaskState:
    """A run that was lost may not go on any more: a person has decided otherwise."""
    return replace(state, epoch=state.epoch + 1) if state.lost_run else state


def _run_started(state: TaskState, event: happened.RunStarted) -> TaskState:
    run = Run(
        run_id=event.run_id,
        number=event.number,
        epoch=event.epoch,
        agent_id=event.agent_id,
        state=RunState.RUNNING,
        started_at_ms=event.at_ms,
        silence_seconds=event.silence_seconds,
    )
    return replace(
        state,
        status=TaskStatus.IN_PROGRESS,
        runs=(*state.runs, run)[-RUNS_KEPT:],
        run_count=event.number,
        epoch=event.epoch,
        changes_requested=False,
        upstream_changed=(),
        question=None,
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
        agent_id=event.agent_id,
        kind=event.format,
        title=event.title,
        name=event.name,
        media_type=event.media_type,
        language=event.language,
    )
    if state.human_cause not in BLOCKER_CAUSES:  # whatever went wrong on the way, here it is
        state = replace(state, needs_human="", human_cause=None)
    return replace(
        state,
        status=TaskStatus.IN_REVIEW,
        runs=_submitted_by(_judged(state, RunState.SUPERSEDED), event),
        deliverables=(*state.deliverables, deliverable),
        verdicts=(),
        clarification=None,
        changes_requested=False,
        failures=0,
        question=None,
    )


def _submitted_by(runs: tuple[Run, ...], event: happened.DeliverableSubmitted) -> tuple[Run, ...]:
    return tuple(
        replace(run, state=RunState.SUBMITTED, ended_at_ms=run.ended_at_ms or event.at_ms, reason="")
        if run.run_id == event.run_id
        else run
        for run in runs
    )


def _verdict(event: happened.DeliverableApproved | happened.ApprovalGiven | happened.ChangesRequested) -> Review:
    said = "request_changes" if isinstance(event, happened.ChangesRequested) else "approve"
    return Review(event.version, said, event.note, event.actor, event.at_ms)


def _approval_given(state: TaskState, event: happened.ApprovalGiven) -> TaskState:
    return replace(state, verdicts=(*state.verdicts, _verdict(event)), clarification=None)


def _approved(state: TaskState, event: happened.DeliverableApproved) -> TaskState:
    verdict = _verdict(event)
    return replace(
        state,
        status=TaskStatus.DONE,
        closed_at_ms=event.at_ms,
        runs=_judged(state, RunState.ACCEPTED),
        verdicts=(*state.verdicts, verdict),
        clarification=None,
        rejections=0,
        last_review=verdict,
    )


def _judged(state: TaskState, verdict: RunState) -> tuple[Run, ...]:
    """What becomes of the run whose work lies in review."""
    return tuple(replace(run, state=verdict) if run.state is RunState.SUBMITTED else run for run in state.runs)


def _changes_requested(state: TaskState, event: happened.ChangesRequested) -> TaskState:
    verdict = _verdict(event)
    return replace(
        state,
        status=TaskStatus.IN_PROGRESS,
        changes_requested=True,
        runs=_judged(state, RunState.REJECTED),
        verdicts=(*state.verdicts, verdict),
        clarification=None,
        rejections=state.rejections + 1,
        last_review=verdict,
    )


def _clarification_asked(state: TaskState, event: happened.ClarificationAsked) -> TaskState:
    return replace(state, clarification=Clarification(event.version, event.text, event.actor, event.at_ms))


def _review_set(state: TaskState, event: happened.ReviewSet) -> TaskState:
    return replace(state, review=event.review)


def _asked(state: TaskState, event: happened.QuestionAsked) -> TaskState:
    question = Question(
        question_id=event.question_id,
        run_id=event.run_id,
        text=event.text,
        asked_at_ms=event.at_ms,
        kind=event.answer_kind,
        choices=event.choices,
        form=event.form,
        expires_at_ms=event.expires_at_ms,
    )
    return replace(state, question=question)


def _answered(state: TaskState, event: happened.QuestionAnswered) -> TaskState:
    if state.question is None:
        return state
    answer = event.text if event.value is None else event.value
    return replace(state, question=replace(state.question, answer=answer, outcome="answered", answered_by=event.actor))


def _expired(state: TaskState, _event: happened.QuestionExpired) -> TaskState:
    return state if state.question is None else replace(state, question=replace(state.question, outcome="expired"))


def _resumed(state: TaskState, event: happened.RunResumed) -> TaskState:
    runs = tuple(
        replace(run, state=RunState.RUNNING, ended_at_ms=None, reason="") if run.run_id == event.run_id else run
        for run in state.runs
    )
    avoids = tuple(agent_id for agent_id in state.avoids if agent_id != event.agent_id)
    resumed = replace(
        state, runs=runs, status=TaskStatus.IN_PROGRESS, failures=max(0, state.failures - 1), avoids=avoids
    )
    is_refuted = state.human_cause in {HumanCause.FAILURES, HumanCause.LOST_TWICE}
    return replace(resumed, needs_human="", human_cause=None) if is_refuted else resumed


def _restart_asked(state: TaskState, event: happened.RestartAsked) -> TaskState:
    floor = state.checkpoint_floor if event.from_checkpoint else state.epoch
    state = _without_comeback(state)
    return replace(state, status=TaskStatus.READY, changes_requested=False, checkpoint_floor=floor)


def _avoided(state: TaskState, event: happened.AgentAvoided) -> TaskState:
    return replace(state, avoids=(*state.avoids, event.agent_id))


def _held(state: TaskState, event: happened.TaskHeld) -> TaskState:
    return replace(state, holds={**state.holds, event.hold: Hold(event.hold, event.reason, event.actor, event.at_ms)})


def _hold_lifted(state: TaskState, event: happened.HoldLifted) -> TaskState:
    return replace(state, holds={kind: hold for kind, hold in state.holds.items() if kind != event.hold})


def _unchanged(state: TaskState, _event: happened.Event) -> TaskState:
    return state


def _blockers_added(state: TaskState, event: happened.BlockersAdded) -> TaskState:
    return replace(state, blockers={**state.blockers, **dict.fromkeys(event.task_ids, BlockerState.OPEN)})


def _blocker_removed(state: TaskState, event: happened.BlockerRemoved) -> TaskState:
    return replace(
        state,
        blockers={k: v for k, v in state.blockers.items() if k != event.task_id},
        blocker_revisions={k: v for k, v in state.blocker_revisions.items() if k != event.task_id},
    )


def _blocker_resolved(state: TaskState, event: happened.BlockerResolved) -> TaskState:
    revision = event.revision or state.blocker_revisions.get(event.task_id, 0)
    return replace(
        state,
        blockers={**state.blockers, event.task_id: BlockerState(event.outcome)},
        blocker_revisions={**state.blocker_revisions, event.task_id: revision},
    )


def _upstream_changed(state: TaskState, event: happened.UpstreamChanged) -> TaskState:
    others = tuple(task_id for task_id in state.upstream_changed if task_id != event.task_id)
    return replace(state, upstream_changed=(*others, event.task_id))


def _human_needed(state: TaskState, event: happened.HumanNeeded) -> TaskState:
    return replace(state, needs_human=event.reason, human_cause=event.cause)


def _closed_as(status: TaskStatus, work: RunState) -> Callable[[TaskState, Any], TaskState]:
    def close(state: TaskState, event: happened.Event) -> TaskState:
        return replace(
            state,
            status=status,
            closed_at_ms=event.at_ms,
            runs=_judged(state, work),
            changes_requested=False,
            clarification=None,
        )

    return close


def _reopened(state: TaskState, _event: happened.TaskReopened) -> TaskState:
    return replace(
        _without_comeback(state),
        status=TaskStatus.READY,
        closed_at_ms=None,
        verdicts=(),
        rejections=0,
        failures=0,
        avoids=(),
        upstream_changed=(),
        question=None,
        # What they came to meanwhile is looked up before anybody may claim it.
        blockers=dict.fromkeys(state.blockers, BlockerState.OPEN),
    )


_EVOLVERS: dict[type, Callable[[TaskState, Any], TaskState]] = {
    happened.TaskEdited: _edited,
    happened.TaskMoved: _moved,
    happened.TaskAssigned: _assigned,
    happened.RunStarted: _run_started,
    happened.RunEnded: _run_ended,
    happened.RunResumed: _resumed,
    happened.RunNudged: _unchanged,
    happened.RestartAsked: _restart_asked,
    happened.AgentAvoided: _avoided,
    happened.DeliverableSubmitted: _submitted,
    happened.ReviewSet: _review_set,
    happened.ApprovalGiven: _approval_given,
    happened.ClarificationAsked: _clarification_asked,
    happened.DeliverableApproved: _approved,
    happened.ChangesRequested: _changes_requested,
    happened.QuestionAsked: _asked,
    happened.QuestionAnswered: _answered,
    happened.QuestionExpired: _expired,
    happened.TaskHeld: _held,
    happened.HoldLifted: _hold_lifted,
    happened.HelpGiven: _unchanged,
    happened.BlockersAdded: _blockers_added,
    happened.BlockerRemoved: _blocker_removed,
    happened.BlockerResolved: _blocker_resolved,
    happened.UpstreamChanged: _upstream_changed,
    happened.HumanNeeded: _human_needed,
    happened.TaskCancelled: _closed_as(TaskStatus.CANCELLED, RunState.CANCELLED),
    happened.TaskFailed: _closed_as(TaskStatus.FAILED, RunState.CANCELLED),
    happened.TaskCompleted: _closed_as(TaskStatus.DONE, RunState.ACCEPTED),
    happened.TaskReopened: _reopened,
}
