"""May this happen? `decide` answers a command with the events it causes, or with a refusal that a person understands."""

from collections.abc import Callable
from typing import Any, assert_never

import msgspec
from pointsman.contract import ErrorCode

from controlplane.domain import events as happened
from controlplane.domain.commands import (
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
)
from controlplane.domain.events import Event
from controlplane.domain.state import (
    FAILURES_BEFORE_HUMAN,
    MAX_BLOCKERS,
    ActorKind,
    BlockerState,
    Run,
    RunState,
    TaskState,
    TaskStatus,
)
from controlplane.domain.transitions import is_legal, rows_for


class Refusal(msgspec.Struct, frozen=True):
    """A typed "no": the caller's fault, never an alarm. `code` is stable, `message` is for the person."""

    code: ErrorCode
    message: str
    detail: dict[str, Any] = {}


class Refused(Exception):  # noqa: N818 - it is the event of a refusal, carried to the one place that answers it
    """Raised by guards inside `decide`, and caught there."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def decide(state: TaskState | None, envelope: Envelope) -> tuple[Event, ...] | Refusal:
    """The events a command causes now; none when it was applied before; a refusal when the rules forbid it."""
    if state is not None and envelope.command_id in state.applied:
        return ()
    try:
        return _decide(state, envelope)
    except Refused as refused:
        return refused.refusal


def _decide(state: TaskState | None, envelope: Envelope) -> tuple[Event, ...]:
    command = envelope.command
    if isinstance(command, CreateTask):
        return _create(state, envelope, command)
    if state is None:
        raise _refused(ErrorCode.NOT_FOUND, "This task does not exist.")
    _check_table(state, envelope)
    return _HANDLERS[type(command)](state, envelope, command)


def _refused(code: ErrorCode, message: str, **detail: Any) -> Refused:
    return Refused(Refusal(code, message, detail))


def _check_table(state: TaskState, envelope: Envelope) -> None:
    command = type(envelope.command)
    actor = envelope.actor.kind
    if not any(actor in row.actors for row in rows_for(command)):
        raise _refused(
            ErrorCode.FORBIDDEN, f"{_name(command)} is not something {_article(actor)} may do.", command=_tag(command)
        )
    if is_legal(command, state.status):
        return
    if _fenced_run(state, envelope.command):
        raise _lease_lost(state, envelope.command)
    raise _refused(
        ErrorCode.ILLEGAL_TRANSITION,
        f"T-{state.number} is {_words(state.status)}; {_name(command)} is not possible from there.",
        status=state.status,
        command=_tag(command),
    )


def _words(status: TaskStatus) -> str:
    return status.replace("_", " ")


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


RunCommand = ReleaseRun | FailRun | LoseRun | SubmitDeliverable | AskQuestion


def _fenced_run(state: TaskState, command: object) -> bool:
    """Did the sender once hold this task? Then the honest answer is that its lease is gone, not that the verb is odd."""
    return isinstance(command, RunCommand) and any(run.run_id == command.run_id for run in state.runs)


def _lease_lost(state: TaskState, command: object) -> Refused:
    owner = state.live_run
    mine = next((run for run in state.runs if run.run_id == getattr(command, "run_id", "")), None)
    holder = f"agent {owner.agent_id} holds it" if owner else "nobody holds it"
    return _refused(
        ErrorCode.LEASE_LOST,
        f"This run no longer holds T-{state.number}; {holder}.",
        current_agent_id=owner.agent_id if owner else None,
        current_epoch=state.epoch,
        your_run_state=mine.state if mine else None,
    )


def _holder(state: TaskState, command: RunCommand) -> Run:
    run = state.live_run
    if run is None or run.run_id != command.run_id or run.epoch != command.epoch:
        raise _lease_lost(state, command)
    return run


def _create(state: TaskState | None, envelope: Envelope, command: CreateTask) -> tuple[Event, ...]:
    if state is not None:
        raise _refused(ErrorCode.ILLEGAL_TRANSITION, f"T-{state.number} exists already.")
    if not command.title.strip():
        raise _refused(ErrorCode.INVALID_REQUEST, "A task needs a title.", field="title")
    _check_blockers(command.task_id, command.blockers, 0)
    return (
        happened.TaskCreated(
            at_ms=envelope.at_ms,
            actor=envelope.actor,
            task_id=command.task_id,
            workspace_id=command.workspace_id,
            project_id=command.project_id,
            number=command.number,
            title=command.title.strip(),
            brief=command.brief,
            needs=command.needs,
            priority=command.priority,
            agent_id=command.agent_id,
            blockers=command.blockers,
            status=TaskStatus.BACKLOG if command.to_backlog else TaskStatus.READY,
        ),
    )


def _check_blockers(task_id: str, blockers: tuple[str, ...], already: int) -> None:
    if task_id in blockers:
        raise _refused(ErrorCode.DEPENDENCY_CYCLE, "A task cannot wait for itself.", path=[task_id, task_id])
    if already + len(blockers) > MAX_BLOCKERS:
        raise _refused(ErrorCode.INVALID_REQUEST, f"A task can wait for at most {MAX_BLOCKERS} others.")


def _edit(state: TaskState, envelope: Envelope, command: EditTask) -> tuple[Event, ...]:
    if command.title is not None and not command.title.strip():
        raise _refused(ErrorCode.INVALID_REQUEST, "A task needs a title.", field="title")
    return (
        happened.TaskEdited(
            at_ms=envelope.at_ms,
            actor=envelope.actor,
            title=command.title.strip() if command.title is not None else None,
            brief=command.brief,
            needs=command.needs,
            priority=command.priority,
        ),
    )


def _end_live_run(state: TaskState, envelope: Envelope, outcome: RunState, reason: str) -> tuple[Event, ...]:
    run = state.live_run
    if run is None:
        return ()
    return (
        happened.RunEnded(
            at_ms=envelope.at_ms,
            actor=envelope.actor,
            run_id=run.run_id,
            agent_id=run.agent_id,
            state=outcome,
            reason=reason,
        ),
    )


def _move(state: TaskState, envelope: Envelope, command: MoveTask) -> tuple[Event, ...]:
    if not is_legal(MoveTask, state.status, command.to) or command.to is state.status:
        raise _refused(
            ErrorCode.ILLEGAL_TRANSITION,
            f"T-{state.number} cannot be moved from {_words(state.status)} to {_words(command.to)}.",
            status=state.status,
            to=command.to,
        )
    moved = happened.TaskMoved(at_ms=envelope.at_ms, actor=envelope.actor, origin=state.status, to=command.to)
    return (*_end_live_run(state, envelope, RunState.CANCELLED, f"taken back by {envelope.actor.name}"), moved)


def _assign(state: TaskState, envelope: Envelope, command: AssignTask) -> tuple[Event, ...]:
    if command.agent_id == state.agent_id and not state.needs_human and state.live_run is None:
        return ()
    return (
        *_end_live_run(state, envelope, RunState.SUPERSEDED, f"reassigned by {envelope.actor.name}"),
        happened.TaskAssigned(
            at_ms=envelope.at_ms,
            actor=envelope.actor,
            agent_id=command.agent_id,
            previous_agent_id=state.agent_id,
        ),
    )


def _claim(state: TaskState, envelope: Envelope, command: ClaimTask) -> tuple[Event, ...]:
    if state.is_blocked:
        raise _refused(
            ErrorCode.TASK_BLOCKED, f"T-{state.number} waits for other tasks.", blockers=list(state.open_blockers)
        )
    if state.agent_id is not None and state.agent_id != command.agent_id:
        raise _refused(ErrorCode.FORBIDDEN, f"T-{state.number} is assigned to another agent.", agent_id=state.agent_id)
    if not state.is_claimable:
        raise _refused(
            ErrorCode.ILLEGAL_TRANSITION,
            f"T-{state.number} cannot be claimed: {state.needs_human or 'another agent holds it'}.",
        )
    return (
        happened.RunStarted(
            at_ms=envelope.at_ms,
            actor=envelope.actor,
            run_id=command.run_id,
            number=state.run_count + 1,
            epoch=state.epoch + 1,
            agent_id=command.agent_id,
        ),
    )


def _run_ended(envelope: Envelope, run: Run, outcome: RunState, reason: str, message: str) -> Event:
    return happened.RunEnded(
        at_ms=envelope.at_ms,
        actor=envelope.actor,
        run_id=run.run_id,
        agent_id=run.agent_id,
        state=outcome,
        reason=reason,
        message=message,
    )


def _release(state: TaskState, envelope: Envelope, command: ReleaseRun) -> tuple[Event, ...]:
    run = _holder(state, command)
    return (_run_ended(envelope, run, RunState.RELEASED, command.reason, ""),)


def _fail_run(state: TaskState, envelope: Envelope, command: FailRun) -> tuple[Event, ...]:
    run = _holder(state, command)
    ended = _run_ended(envelope, run, RunState.FAILED, command.reason, command.message)
    return (ended, *_human_after_failures(state, envelope))


def _lose_run(state: TaskState, envelope: Envelope, command: LoseRun) -> tuple[Event, ...]:
    run = _holder(state, command)
    ended = _run_ended(envelope, run, RunState.LOST, "silence", command.message)
    return (ended, *_human_after_failures(state, envelope))


def _human_after_failures(state: TaskState, envelope: Envelope) -> tuple[Event, ...]:
    failures = state.failures + 1
    if failures < FAILURES_BEFORE_HUMAN:
        return ()
    return (
        happened.HumanNeeded(
            at_ms=envelope.at_ms, actor=envelope.actor, reason=f"{failures} runs failed in a row. Assign it, or edit it."
        ),
    )


def _submit(state: TaskState, envelope: Envelope, command: SubmitDeliverable) -> tuple[Event, ...]:
    run = _holder(state, command)
    last = state.deliverables[-1].version if state.deliverables else 0
    return (
        happened.DeliverableSubmitted(
            at_ms=envelope.at_ms,
            actor=envelope.actor,
            run_id=run.run_id,
            agent_id=run.agent_id,
            version=last + 1,
            sha256=command.sha256,
            size_bytes=command.size_bytes,
            format=command.format,
            title=command.title,
        ),
    )


def _review(state: TaskState, envelope: Envelope, command: ReviewDeliverable) -> tuple[Event, ...]:
    version = state.deliverables[-1].version
    if command.version != version:
        raise _refused(
            ErrorCode.ILLEGAL_TRANSITION,
            f"You reviewed version {command.version}, but version {version} is there by now. Look at it first.",
            version=version,
        )
    if command.verdict == "approve":
        return (
            happened.DeliverableApproved(
                at_ms=envelope.at_ms, actor=envelope.actor, version=version, note=command.note
            ),
        )
    if command.verdict != "request_changes":
        raise _refused(ErrorCode.INVALID_REQUEST, "A verdict is 'approve' or 'request_changes'.", field="verdict")
    if not command.note.strip():
        raise _refused(ErrorCode.INVALID_REQUEST, "Say what should change.", field="note")
    return (happened.ChangesRequested(at_ms=envelope.at_ms, actor=envelope.actor, version=version, note=command.note),)


def _ask(state: TaskState, envelope: Envelope, command: AskQuestion) -> tuple[Event, ...]:
    run = _holder(state, command)
    if run.state is RunState.WAITING_INPUT:
        raise _refused(ErrorCode.ILLEGAL_TRANSITION, "This run waits for an answer already.")
    return (
        happened.QuestionAsked(
            at_ms=envelope.at_ms,
            actor=envelope.actor,
            run_id=run.run_id,
            question_id=command.question_id,
            text=command.text,
        ),
    )


def _answer(state: TaskState, envelope: Envelope, command: AnswerQuestion) -> tuple[Event, ...]:
    question = state.question
    if question is None or question.question_id != command.question_id or question.answer is not None:
        raise _refused(ErrorCode.ILLEGAL_TRANSITION, "This question is not open any more.")
    return (
        happened.QuestionAnswered(
            at_ms=envelope.at_ms, actor=envelope.actor, question_id=command.question_id, text=command.text
        ),
    )


def _add_blockers(state: TaskState, envelope: Envelope, command: AddBlockers) -> tuple[Event, ...]:
    new = tuple(task_id for task_id in dict.fromkeys(command.task_ids) if task_id not in state.blockers)
    _check_blockers(state.task_id, new, len(state.blockers))
    return (happened.BlockersAdded(at_ms=envelope.at_ms, actor=envelope.actor, task_ids=new),) if new else ()


def _remove_blocker(state: TaskState, envelope: Envelope, command: RemoveBlocker) -> tuple[Event, ...]:
    if command.task_id not in state.blockers:
        return ()
    return (happened.BlockerRemoved(at_ms=envelope.at_ms, actor=envelope.actor, task_id=command.task_id),)


def _resolve_blocker(state: TaskState, envelope: Envelope, command: ResolveBlocker) -> tuple[Event, ...]:
    if state.blockers.get(command.task_id) in {None, BlockerState(command.outcome)}:
        return ()
    return (
        happened.BlockerResolved(
            at_ms=envelope.at_ms, actor=envelope.actor, task_id=command.task_id, outcome=command.outcome
        ),
    )


def _cancel(state: TaskState, envelope: Envelope, command: CancelTask) -> tuple[Event, ...]:
    return (
        *_end_live_run(state, envelope, RunState.CANCELLED, f"cancelled by {envelope.actor.name}"),
        happened.TaskCancelled(at_ms=envelope.at_ms, actor=envelope.actor, reason=command.reason),
    )


_HANDLERS: dict[type, Callable[[TaskState, Envelope, Any], tuple[Event, ...]]] = {
    EditTask: _edit,
    MoveTask: _move,
    AssignTask: _assign,
    ClaimTask: _claim,
    ReleaseRun: _release,
    FailRun: _fail_run,
    LoseRun: _lose_run,
    SubmitDeliverable: _submit,
    ReviewDeliverable: _review,
    AskQuestion: _ask,
    AnswerQuestion: _answer,
    AddBlockers: _add_blockers,
    RemoveBlocker: _remove_blocker,
    ResolveBlocker: _resolve_blocker,
    CancelTask: _cancel,
}
