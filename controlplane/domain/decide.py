"""May this happen? `decide` answers a command with the events it causes, or with a refusal in words for a person."""

from collections.abc import Callable
from typing import Any, assert_never

from pointsman.contract import ErrorCode

from controlplane.domain import run_rules, task_rules
from controlplane.domain.commands import (
    CONTENT_MARK,
    AddBlockers,
    AnswerQuestion,
    AskQuestion,
    AssignTask,
    CancelTask,
    ClaimTask,
    CreateTask,
    EditTask,
    Envelope,
    FailRun,
    LoseRun,
    MoveTask,
    ReleaseRun,
    RemoveBlocker,
    ResolveBlocker,
    ReviewDeliverable,
    SubmitDeliverable,
    without_content,
)
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
    start = without_content(command_id) + CONTENT_MARK
    return command_id.startswith(start) and any(known.startswith(start) for known in state.applied)


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
    EditTask: task_rules.edit,
    MoveTask: task_rules.move,
    AssignTask: task_rules.assign,
    ClaimTask: run_rules.claim,
    ReleaseRun: run_rules.release,
    FailRun: run_rules.fail_run,
    LoseRun: run_rules.lose_run,
    SubmitDeliverable: run_rules.submit,
    ReviewDeliverable: task_rules.review,
    AskQuestion: run_rules.ask,
    AnswerQuestion: task_rules.answer,
    AddBlockers: task_rules.add_blockers,
    RemoveBlocker: task_rules.remove_blocker,
    ResolveBlocker: task_rules.resolve_blocker,
    CancelTask: task_rules.cancel,
}
