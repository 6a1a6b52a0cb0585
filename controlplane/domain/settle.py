"""What follows from an event without being said: how the live run stands, and whether a person is still called for."""

from msgspec.structs import replace

from controlplane.domain import events as happened
from controlplane.domain.events import Event
from controlplane.domain.state import BLOCKER_CAUSES, ActorKind, BlockerState, Run, RunState, TaskState

# What a person does without having helped: the call for help stays.
_NO_HELP = (
    happened.RunEnded,
    happened.RunNudged,
    happened.ChangesRequested,
    happened.ApprovalGiven,
    happened.ClarificationAsked,
    happened.QuestionAnswered,
    happened.TaskHeld,
    happened.HoldLifted,
    happened.BlockersAdded,
    happened.HumanNeeded,
)


def settle(state: TaskState, event: Event) -> TaskState:
    """The state with everything that is derived made true again."""
    if event.actor.kind is ActorKind.PERSON and not isinstance(event, _NO_HELP):
        state = _helped(state)
    return _with_substate(_without_settled_blockers(state))


def _helped(state: TaskState) -> TaskState:
    """A person who acts has seen what went wrong: the counts start anew."""
    cleared = replace(state, failures=0, rejections=0, avoids=())
    return cleared if state.human_cause in BLOCKER_CAUSES else replace(cleared, needs_human="", human_cause=None)


def _without_settled_blockers(state: TaskState) -> TaskState:
    if state.human_cause not in BLOCKER_CAUSES:
        return state
    is_broken = any(known in {BlockerState.FAILED, BlockerState.CANCELLED} for known in state.blockers.values())
    return state if is_broken else replace(state, needs_human="", human_cause=None)


def _with_substate(state: TaskState) -> TaskState:
    run = state.live_run
    if run is None:
        return state
    now = _substate(state, run)
    return state if now is run.state else replace(state, runs=(*state.runs[:-1], replace(run, state=now)))


def _substate(state: TaskState, run: Run) -> RunState:
    if state.holds:
        return RunState.PAUSED
    question = state.question
    if question is not None and question.is_open and question.run_id == run.run_id:
        return RunState.WAITING_APPROVAL if question.kind == "approval" else RunState.WAITING_INPUT
    return RunState.RUNNING
