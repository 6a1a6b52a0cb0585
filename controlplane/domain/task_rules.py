"""What people decide about a task, and what other tasks mean for it."""

from pointsman.contract import ErrorCode

from controlplane.domain import events as happened
from controlplane.domain.commands import (
    AddBlockers,
    AssignTask,
    CancelTask,
    CompleteTask,
    CreateTask,
    EditTask,
    Envelope,
    FailTask,
    MoveTask,
    RemoveBlocker,
    ReopenTask,
    ResolveBlocker,
)
from controlplane.domain.events import Event
from controlplane.domain.human_causes import BROKEN, sentence_of
from controlplane.domain.refusals import refused, words_of
from controlplane.domain.review_rules import check_review
from controlplane.domain.run_rules import end_live_run
from controlplane.domain.state import MAX_BLOCKERS, BlockerState, RunState, TaskState, TaskStatus
from controlplane.domain.transitions import is_legal


def create(state: TaskState | None, envelope: Envelope, command: CreateTask) -> tuple[Event, ...]:
    if state is not None:
        raise refused(ErrorCode.ILLEGAL_TRANSITION, f"T-{state.number} exists already.")
    if not command.title.strip():
        raise refused(ErrorCode.INVALID_REQUEST, "A task needs a title.", field="title")
    _check_blockers(command.task_id, command.blockers, 0)
    check_review(command.review)
    if command.parent_id == command.task_id:
        raise refused(ErrorCode.INVALID_REQUEST, "A task cannot be part of itself.", field="parent")
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
            parent_id=command.parent_id,
            review=command.review,
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
    return (*end_live_run(state, envelope, RunState.CANCELLED, f"taken back by {envelope.actor.name}"), moved)


def assign(state: TaskState, envelope: Envelope, command: AssignTask) -> tuple[Event, ...]:
    if command.agent_id == state.agent_id and not state.needs_human and state.live_run is None:
        return ()
    return (
        *end_live_run(state, envelope, RunState.SUPERSEDED, f"reassigned by {envelope.actor.name}", command.reason),
        happened.TaskAssigned(
            at_ms=envelope.at_ms,
            actor=envelope.actor,
            agent_id=command.agent_id,
            previous_agent_id=state.agent_id,
            reason=command.reason,
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
    known, outcome = state.blockers.get(command.task_id), BlockerState(command.outcome)
    if known is None or not _is_news(state, command):
        return ()
    resolved = happened.BlockerResolved(
        at_ms=envelope.at_ms,
        actor=envelope.actor,
        task_id=command.task_id,
        outcome=command.outcome,
        revision=command.revision,
    )
    return (resolved, *(_what_it_means(state, envelope, command.task_id, outcome) if known is not outcome else ()))


def _is_news(state: TaskState, command: ResolveBlocker) -> bool:
    """Another outcome, or the same of a later time: that, too, is remembered, for older news may be on its way."""
    heard = state.blocker_revisions.get(command.task_id, 0)
    if state.blockers[command.task_id] == command.outcome:
        return command.revision > heard
    return not command.revision or command.revision >= heard


def _what_it_means(state: TaskState, envelope: Envelope, task_id: str, outcome: BlockerState) -> tuple[Event, ...]:
    if outcome in BROKEN:
        cause = BROKEN[outcome]
        needed = happened.HumanNeeded(
            at_ms=envelope.at_ms, actor=envelope.actor, reason=sentence_of(cause), cause=cause
        )
        return (needed,)
    if state.blockers[task_id] is BlockerState.DONE and state.run_count:
        run = state.live_run
        return (
            happened.UpstreamChanged(
                at_ms=envelope.at_ms, actor=envelope.actor, task_id=task_id, run_id=run.run_id if run else None
            ),
        )
    return ()


def _check_blockers(task_id: str, blockers: tuple[str, ...], already: int) -> None:
    if task_id in blockers:
        raise refused(ErrorCode.DEPENDENCY_CYCLE, "A task cannot wait for itself.", path=[task_id, task_id])
    if already + len(blockers) > MAX_BLOCKERS:
        raise refused(ErrorCode.INVALID_REQUEST, f"A task can wait for at most {MAX_BLOCKERS} others.")


def cancel(state: TaskState, envelope: Envelope, command: CancelTask) -> tuple[Event, ...]:
    return (
        *end_live_run(state, envelope, RunState.CANCELLED, f"cancelled by {envelope.actor.name}"),
        happened.TaskCancelled(at_ms=envelope.at_ms, actor=envelope.actor, reason=command.reason),
    )


def fail(state: TaskState, envelope: Envelope, command: FailTask) -> tuple[Event, ...]:
    return (
        *end_live_run(state, envelope, RunState.CANCELLED, f"given up by {envelope.actor.name}"),
        happened.TaskFailed(at_ms=envelope.at_ms, actor=envelope.actor, reason=command.reason),
    )


def complete(state: TaskState, envelope: Envelope, command: CompleteTask) -> tuple[Event, ...]:
    return (
        *end_live_run(state, envelope, RunState.CANCELLED, f"called done by {envelope.actor.name}"),
        happened.TaskCompleted(at_ms=envelope.at_ms, actor=envelope.actor, reason=command.reason),
    )


def reopen(_state: TaskState, envelope: Envelope, command: ReopenTask) -> tuple[Event, ...]:
    return (happened.TaskReopened(at_ms=envelope.at_ms, actor=envelope.actor, reason=command.reason),)
