"""What events change about a run's work and its review."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from controlplane.domain import events as happened
from controlplane.domain.state import (
    BLOCKER_CAUSES,
    Clarification,
    Deliverable,
    Review,
    Run,
    RunState,
    TaskState,
    TaskStatus,
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
        runs=_submitted_by(judged(state, RunState.SUPERSEDED), event),
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
        runs=judged(state, RunState.ACCEPTED),
        verdicts=(*state.verdicts, verdict),
        clarification=None,
        rejections=0,
        last_review=verdict,
    )


def judged(state: TaskState, verdict: RunState) -> tuple[Run, ...]:
    """What becomes of the run whose work lies in review."""
    return tuple(replace(run, state=verdict) if run.state is RunState.SUBMITTED else run for run in state.runs)


def _changes_requested(state: TaskState, event: happened.ChangesRequested) -> TaskState:
    verdict = _verdict(event)
    return replace(
        state,
        status=TaskStatus.IN_PROGRESS,
        changes_requested=True,
        runs=judged(state, RunState.REJECTED),
        verdicts=(*state.verdicts, verdict),
        clarification=None,
        rejections=state.rejections + 1,
        last_review=verdict,
    )


def _clarification_asked(state: TaskState, event: happened.ClarificationAsked) -> TaskState:
    return replace(state, clarification=Clarification(event.version, event.text, event.actor, event.at_ms))


def _review_set(state: TaskState, event: happened.ReviewSet) -> TaskState:
    return replace(state, review=event.review)


EFFECTS: dict[type, Callable[[TaskState, Any], TaskState]] = {
    happened.DeliverableSubmitted: _submitted,
    happened.ReviewSet: _review_set,
    happened.ApprovalGiven: _approval_given,
    happened.ClarificationAsked: _clarification_asked,
    happened.DeliverableApproved: _approved,
    happened.ChangesRequested: _changes_requested,
}
