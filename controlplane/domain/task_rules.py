"""What people decide about a task, and what other tasks mean for it."""

from pointsman.contract import ErrorCode

from controlplane.domain import events as happened
from controlplane.domain.commands import (
    AddBlockers,
    AnswerQuestion,
    AssignTask,
    CancelTask,
    CreateTask,
    EditTask,
    Envelope,
    MoveTask,
    RemoveBlocker,
    ResolveBlocker,
    ReviewDeliverable,
)
from controlplane.domain.events import Event
from controlplane.domain.refusals import refused, words_of
from controlplane.domain.state import MAX_BLOCKERS, BlockerState, RunState, TaskState, TaskStatus
from controlplane.domain.transitions import is_legal


def create(state: TaskState | None, envelope: Envelope, command: CreateTask) -> tuple[Event, ...]:
    if state is not None:
        raise refused(ErrorCode.ILLEGAL_TRANSITION, f"T-{state.number} exists already.")
    if not command.title.strip():
        raise refused(ErrorCode.INVALID_REQUEST, "A task needs a title.", field="title")
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


def edit(state: TaskState, envelope: Envelope, command: EditTask) -> tuple[Event, ...]:
    if command.title is not None and not command.title.strip():
        raise refused(ErrorCode.INVALID_REQUEST, "A task needs a title.", field="title")
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


def move(state: TaskState, envelope: Envelope, command: MoveTask) -> tuple[Event, ...]:
    if not is_legal(MoveTask, state.status, command.to) or command.to is state.status:
        raise refused(
            ErrorCode.ILLEGAL_TRANSITION,
            f"T-{state.number} cannot be moved from {words_of(state.status)} to {words_of(command.to)}.",
            status=state.status,
            to=command.to,
        )
    moved = happened.TaskMoved(at_ms=envelope.at_ms, actor=envelope.actor, origin=state.status, to=command.to)
    return (*_end_live_run(state, envelope, RunState.CANCELLED, f"taken back by {envelope.actor.name}"), moved)


def assign(state: TaskState, envelope: Envelope, command: AssignTask) -> tuple[Event, ...]:
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


def review(state: TaskState, envelope: Envelope, command: ReviewDeliverable) -> tuple[Event, ...]:
    version = state.deliverables[-1].version
    if command.version != version:
        raise refused(
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
        raise refused(ErrorCode.INVALID_REQUEST, "A verdict is 'approve' or 'request_changes'.", field="verdict")
    if not command.note.strip():
        raise refused(ErrorCode.INVALID_REQUEST, "Say what should change.", field="note")
    return (happened.ChangesRequested(at_ms=envelope.at_ms, actor=envelope.actor, version=version, note=command.note),)


def answer(state: TaskState, envelope: Envelope, command: AnswerQuestion) -> tuple[Event, ...]:
    question = state.question
    if question is None or question.question_id != command.question_id or question.answer is not None:
        raise refused(ErrorCode.ILLEGAL_TRANSITION, "This question is not open any more.")
    return (
        happened.QuestionAnswered(
            at_ms=envelope.at_ms, actor=envelope.actor, question_id=command.question_id, text=command.text
        ),
    )


def add_blockers(state: TaskState, envelope: Envelope, command: AddBlockers) -> tuple[Event, ...]:
    new = tuple(task_id for task_id in dict.fromkeys(command.task_ids) if task_id not in state.blockers)
    _check_blockers(state.task_id, new, len(state.blockers))
    return (happened.BlockersAdded(at_ms=envelope.at_ms, actor=envelope.actor, task_ids=new),) if new else ()


def remove_blocker(state: TaskState, envelope: Envelope, command: RemoveBlocker) -> tuple[Event, ...]:
    if command.task_id not in state.blockers:
        return ()
    return (happened.BlockerRemoved(at_ms=envelope.at_ms, actor=envelope.actor, task_id=command.task_id),)


def resolve_blocker(state: TaskState, envelope: Envelope, command: ResolveBlocker) -> tuple[Event, ...]:
    if command.outcome not in set(BlockerState):
        raise refused(ErrorCode.INVALID_REQUEST, f"{command.outcome!r} is no outcome of a task.", field="outcome")
    if state.blockers.get(command.task_id) in {None, BlockerState(command.outcome)}:
        return ()
    return (
        happened.BlockerResolved(
            at_ms=envelope.at_ms, actor=envelope.actor, task_id=command.task_id, outcome=command.outcome
        ),
    )


def _check_blockers(task_id: str, blockers: tuple[str, ...], already: int) -> None:
    if task_id in blockers:
        raise refused(ErrorCode.DEPENDENCY_CYCLE, "A task cannot wait for itself.", path=[task_id, task_id])
    if already + len(blockers) > MAX_BLOCKERS:
        raise refused(ErrorCode.INVALID_REQUEST, f"A task can wait for at most {MAX_BLOCKERS} others.")


def cancel(state: TaskState, envelope: Envelope, command: CancelTask) -> tuple[Event, ...]:
    return (
        *_end_live_run(state, envelope, RunState.CANCELLED, f"cancelled by {envelope.actor.name}"),
        happened.TaskCancelled(at_ms=envelope.at_ms, actor=envelope.actor, reason=command.reason),
    )
