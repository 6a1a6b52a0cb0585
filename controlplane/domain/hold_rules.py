"""What people do to a task that is under way: answer, hold it, say a word, begin again, help it on."""

from typing import Any

from pointsman.contract import ErrorCode

from controlplane.domain import events as happened
from controlplane.domain.commands import (
    AnswerQuestion,
    Envelope,
    ExpireQuestion,
    GiveHelp,
    HoldTask,
    LiftHold,
    NudgeRun,
    RestartRun,
)
from controlplane.domain.events import Event
from controlplane.domain.refusals import refused
from controlplane.domain.run_rules import end_live_run
from controlplane.domain.state import BLOCKER_CAUSES, HoldKind, Question, RunState, TaskState


def answer(state: TaskState, envelope: Envelope, command: AnswerQuestion) -> tuple[Event, ...]:
    question = state.question
    if question is None or question.question_id != command.question_id or not question.is_open:
        raise refused(ErrorCode.ILLEGAL_TRANSITION, "This question is not open any more.")
    value = _fitting(question, command)
    return (
        happened.QuestionAnswered(
            at_ms=envelope.at_ms,
            actor=envelope.actor,
            question_id=command.question_id,
            text=command.text,
            value=value,
        ),
    )


def _fitting(question: Question, command: AnswerQuestion) -> Any:
    """The answer in the form that was asked for; a form's fields are checked by the API, which knows JSON Schema."""
    given = command.text if command.value is None else command.value
    match question.kind:
        case "approval":
            if not isinstance(given, bool):
                raise refused(ErrorCode.INVALID_REQUEST, "An approval is answered with true or false.", field="value")
        case "choice":
            if given not in question.choices:
                choices = list(question.choices)
                raise refused(ErrorCode.INVALID_REQUEST, "Choose one of the choices.", field="value", choices=choices)
        case "form":
            if not isinstance(given, dict):
                raise refused(ErrorCode.INVALID_REQUEST, "A form is answered with an object.", field="value")
        case _:
            if not isinstance(given, str) or not given.strip():
                raise refused(ErrorCode.INVALID_REQUEST, "An answer needs words.", field="text")
    return given


def expire(state: TaskState, envelope: Envelope, command: ExpireQuestion) -> tuple[Event, ...]:
    question = state.question
    if question is None or question.question_id != command.question_id or not question.is_open:
        return ()
    return (happened.QuestionExpired(at_ms=envelope.at_ms, actor=envelope.actor, question_id=command.question_id),)


def hold(state: TaskState, envelope: Envelope, command: HoldTask) -> tuple[Event, ...]:
    known = state.holds.get(command.hold)
    if known is not None and known.reason == command.reason:
        return ()
    return (happened.TaskHeld(at_ms=envelope.at_ms, actor=envelope.actor, hold=command.hold, reason=command.reason),)


def lift(state: TaskState, envelope: Envelope, command: LiftHold) -> tuple[Event, ...]:
    if command.hold not in state.holds:
        return ()
    return (happened.HoldLifted(at_ms=envelope.at_ms, actor=envelope.actor, hold=command.hold, reason=command.reason),)


def nudge(state: TaskState, envelope: Envelope, command: NudgeRun) -> tuple[Event, ...]:
    run = state.live_run
    if run is None:
        raise refused(ErrorCode.ILLEGAL_TRANSITION, f"Nobody works on T-{state.number} whom a word could reach.")
    return (
        happened.RunNudged(
            at_ms=envelope.at_ms,
            actor=envelope.actor,
            run_id=run.run_id,
            agent_id=run.agent_id,
            note=command.note.strip(),
        ),
    )


def restart(state: TaskState, envelope: Envelope, command: RestartRun) -> tuple[Event, ...]:
    if not state.run_count:
        raise refused(ErrorCode.ILLEGAL_TRANSITION, f"T-{state.number} was never begun.")
    if HoldKind.FREEZE in state.holds:
        raise refused(ErrorCode.TASK_HELD, f"T-{state.number} is frozen; thaw it first.", holds=list(state.holds))
    asked = happened.RestartAsked(
        at_ms=envelope.at_ms,
        actor=envelope.actor,
        from_checkpoint=command.from_checkpoint,
        reason=command.reason,
    )
    return (
        *end_live_run(state, envelope, RunState.SUPERSEDED, f"restarted by {envelope.actor.name}", command.reason),
        asked,
    )


def give_help(state: TaskState, envelope: Envelope, command: GiveHelp) -> tuple[Event, ...]:
    if not state.needs_human:
        return ()
    if state.human_cause in BLOCKER_CAUSES:
        raise refused(
            ErrorCode.ILLEGAL_TRANSITION,
            "It waits for a task that will not be done. Stop waiting for that one, wait for another, or cancel this.",
            blockers=list(state.open_blockers),
        )
    return (happened.HelpGiven(at_ms=envelope.at_ms, actor=envelope.actor, note=command.note),)
