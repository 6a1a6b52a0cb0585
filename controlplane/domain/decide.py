"""May this happen? `decide` answers a command with the events it causes, or with a refusal in words for a person."""

from collections.abc import Callable
from typing import Any, assert_never

from pointsman.contract import ErrorCode

from controlplane.domain import commands as asked
from controlplane.domain import hold_rules, review_rules, run_rules, task_rules
from controlplane.domain.commands import CONTENT_MARK, CreateTask, Envelope, without_content
from controlplane.domain.events import Event
from controlplane.domain.refusals import Refusal, Refused, refused, words_of
from controlplane.domain.run_rules import lease_lost, once_held
from controlplane.domain.state import ActorKind, TaskState
from controlplane.domain.transitions import is_legal, rows_for

__all__ = ["Refusal", "decide"]


def decide(state: TaskState | None, envelope: Envelope) -> tuple[Event, ...] | Refusal:
    """The events a command causes now; none when it was applied before; a refusal when the rules forbid it."""
    if state is not None and envelope.command_id in state.applied:
        return ()
    if state is not None and _was_said_otherwise(state, envelope.command_id):
        return Refusal(ErrorCode.IDEMPOTENCY_MISMATCH, "This Idempotency-Key was used for another request.")
    if state is not None and envelope.expected_revision not in {None, state.revision}:
        return Refusal(
            ErrorCode.REVISION_MISMATCH,
            f"T-{state.number} has changed since you looked at it. Look again, then decide.",
            {"revision": state.revision, "expected": envelope.expected_revision},
        )
    try:
        return _decide(state, envelope)
    except Refused as no:
        return no.refusal


def _decide(state: TaskState | None, envelope: Envelope) -> tuple[Event, ...]:
    command = envelope.command
    if isinstance(command, CreateTask):
        return task_rules.create(state, envelope, command)
    if state is None:
        raise refused(ErrorCode.NOT_FOUND, "This task does not exist.")
    _check_table(state, envelope)
    return _HANDLERS[type(command)](state, envelope, command)


def _was_said_otherwise(state: TaskState, command_id: str) -> bool:
    """The same client's id for something else. One request may do several things: each is a step, behind a slash."""
    if CONTENT_MARK not in command_id:
        return False
    name, step = without_content(command_id) + CONTENT_MARK, _step(command_id)
    return any(known.startswith(name) and _step(known) == step for known in state.applied)


def _step(command_id: str) -> str:
    return command_id.partition(CONTENT_MARK)[2].partition("/")[2]


def _check_table(state: TaskState, envelope: Envelope) -> None:
    command = type(envelope.command)
    actor = envelope.actor.kind
    if not any(actor in row.actors for row in rows_for(command)):
        raise refused(
            ErrorCode.FORBIDDEN, f"{_name(command)} is not something {_article(actor)} may do.", command=_tag(command)
        )
    if is_legal(command, state.status):
        return
    if once_held(state, envelope.command):
        raise lease_lost(state, envelope.command)
    raise refused(
        ErrorCode.ILLEGAL_TRANSITION,
        f"T-{state.number} is {words_of(state.status)}; {_name(command)} is not possible from there.",
        status=state.status,
        command=_tag(command),
    )


def _name(command: type) -> str:
    return _tag(command).replace("_", " ")


def _tag(command: type) -> str:
    return str(command.__struct_config__.tag)  # type: ignore[attr-defined]  # every command is a tagged Struct


def _article(kind: ActorKind) -> str:
    match kind:
        case ActorKind.PERSON:
            return "a person"
        case ActorKind.AGENT:
            return "an agent"
        case ActorKind.SYSTEM:
            return "the system"
    assert_never(kind)


_HANDLERS: dict[type, Callable[[TaskState, Envelope, Any], tuple[Event, ...]]] = {
    asked.EditTask: task_rules.edit,
    asked.MoveTask: task_rules.move,
    asked.AssignTask: task_rules.assign,
    asked.ClaimTask: run_rules.claim,
    asked.ReleaseRun: run_rules.release,
    asked.FailRun: run_rules.fail_run,
    asked.LoseRun: run_rules.lose_run,
    asked.ResumeRun: run_rules.resume_run,
    asked.SubmitDeliverable: run_rules.submit,
    asked.AskQuestion: run_rules.ask,
    asked.AdoptLate: review_rules.adopt_late,
    asked.ReviewDeliverable: review_rules.review,
    asked.SetReview: review_rules.set_review,
    asked.AnswerQuestion: hold_rules.answer,
    asked.ExpireQuestion: hold_rules.expire,
    asked.HoldTask: hold_rules.hold,
    asked.LiftHold: hold_rules.lift,
    asked.NudgeRun: hold_rules.nudge,
    asked.RestartRun: hold_rules.restart,
    asked.GiveHelp: hold_rules.give_help,
    asked.AddBlockers: task_rules.add_blockers,
    asked.RemoveBlocker: task_rules.remove_blocker,
    asked.ResolveBlocker: task_rules.resolve_blocker,
    asked.CancelTask: task_rules.cancel,
    asked.FailTask: task_rules.fail,
    asked.CompleteTask: task_rules.complete,
    asked.ReopenTask: task_rules.reopen,
}
