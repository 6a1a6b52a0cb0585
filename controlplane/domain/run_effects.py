"""What events change about runs, and about what a run asks."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from controlplane.domain import events as happened
from controlplane.domain.state import (
    REASON_KEPT,
    RUNS_KEPT,
    HumanCause,
    Question,
    Run,
    RunState,
    TaskState,
    TaskStatus,
)


def without_comeback(state: TaskState) -> TaskState:
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
    state = without_comeback(state)
    return replace(state, status=TaskStatus.READY, changes_requested=False, checkpoint_floor=floor)


def _avoided(state: TaskState, event: happened.AgentAvoided) -> TaskState:
    return replace(state, avoids=(*state.avoids, event.agent_id))


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


EFFECTS: dict[type, Callable[[TaskState, Any], TaskState]] = {
    happened.RunStarted: _run_started,
    happened.RunEnded: _run_ended,
    happened.RunResumed: _resumed,
    happened.RestartAsked: _restart_asked,
    happened.AgentAvoided: _avoided,
    happened.QuestionAsked: _asked,
    happened.QuestionAnswered: _answered,
    happened.QuestionExpired: _expired,
}
