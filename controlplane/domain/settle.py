"""What follows from an event without being said: how the live run stands, and whether a person is still called for."""

from msgspec.structs import replace

from controlplane.domain import events as happened
from controlplane.domain.events import Event
from controlplane.domain.human_causes import standing_cause
from controlplane.domain.state import BLOCKER_CAUSES, ActorKind, Run, RunState, TaskState

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
    if event.actor.kind is ActorKind.PERSON and _helps(event):
        state = _helped(state, event.at_ms)
    return _at_rest(state) if state.is_closed else _with_substate(_with_standing_cause(state))


def _helps(event: Event) -> bool:
    if isinstance(event, happened.TaskEdited):  # its place in the queue is not why it failed
        return any(changed is not None for changed in (event.title, event.brief, event.needs))
    return not isinstance(event, _NO_HELP)


def _helped(state: TaskState, at_ms: int) -> TaskState:
    """A person who acts has seen what went wrong: the counts start anew."""
    cleared = replace(state, failures=0, rejections=0, avoids=(), helped_at_ms=at_ms)
    return cleared if state.human_cause in BLOCKER_CAUSES else replace(cleared, needs_human="", human_cause=None)


def _at_rest(state: TaskState) -> TaskState:
    """Nothing is kept from a closed task, and nobody is called to it."""
    if not (state.holds or state.needs_human):
        return state
    return replace(state, holds={}, needs_human="", human_cause=None)


def _with_standing_cause(state: TaskState) -> TaskState:
    """Of several causes one is said at a time; when it is settled the next one stands."""
    is_settled = not state.needs_human or state.human_cause in BLOCKER_CAUSES
    cause, sentence = standing_cause(state) or (None, "")
    if not is_settled or (state.human_cause, state.needs_human) == (cause, sentence):
        return state
    return replace(state, needs_human=sentence, human_cause=cause)


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
