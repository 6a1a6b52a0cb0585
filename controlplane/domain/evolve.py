"""What an event changes. `evolve` never refuses: an event is a fact."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from controlplane.domain import events as happened
from controlplane.domain import review_effects, run_effects
from controlplane.domain.commands import Envelope
from controlplane.domain.events import Event
from controlplane.domain.review_effects import judged
from controlplane.domain.run_effects import without_comeback
from controlplane.domain.settle import settle
from controlplane.domain.state import (
    APPLIED_KEPT,
    BlockerState,
    Hold,
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
    state = state if lost is None or event.agent_id in {None, lost.agent_id} else without_comeback(state)
    return replace(state, agent_id=event.agent_id, status=TaskStatus.READY if waits else state.status)


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
            runs=judged(state, work),
            changes_requested=False,
            clarification=None,
        )

    return close


def _reopened(state: TaskState, _event: happened.TaskReopened) -> TaskState:
    return replace(
        without_comeback(state),
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
    **run_effects.EFFECTS,
    **review_effects.EFFECTS,
    happened.TaskEdited: _edited,
    happened.TaskMoved: _moved,
    happened.TaskAssigned: _assigned,
    happened.RunNudged: _unchanged,
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
