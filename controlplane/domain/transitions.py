"""The task machine's table. It *is* the rule: `decide` refuses by it, the board offers drops by it, docs print it.

A row says who may ask for a command in which states, and where a drop on the board leads. Guards that need more than
the status (a live run, an epoch, an open question) stand in `decide.py`.
"""

from dataclasses import dataclass

from controlplane.domain.commands import (
    AddBlockers,
    AdoptLate,
    AnswerQuestion,
    AskQuestion,
    AssignTask,
    CancelTask,
    ClaimTask,
    CompleteTask,
    EditTask,
    ExpireQuestion,
    FailRun,
    FailTask,
    GiveHelp,
    HoldTask,
    LiftHold,
    LoseRun,
    MoveTask,
    NudgeRun,
    ReleaseRun,
    RemoveBlocker,
    ReopenTask,
    ResolveBlocker,
    RestartRun,
    ResumeRun,
    ReviewDeliverable,
    SetReview,
    SubmitDeliverable,
)
from controlplane.domain.state import ActorKind, TaskStatus

_S = TaskStatus
_OPEN = (_S.BACKLOG, _S.READY, _S.IN_PROGRESS, _S.IN_REVIEW)
_CLOSED = (_S.DONE, _S.FAILED, _S.CANCELLED)
_PERSON = (ActorKind.PERSON,)
_AGENT = (ActorKind.AGENT,)
_SYSTEM = (ActorKind.SYSTEM,)
_RUN = (*_AGENT, *_SYSTEM)
_REVIEWER = (*_PERSON, *_AGENT)
_ANYONE = (ActorKind.PERSON, ActorKind.AGENT, ActorKind.SYSTEM)


@dataclass(frozen=True, slots=True)
class Transition:
    """One row: `to` is None where the status stays. `drop` names the verb a person's drop on that column means."""

    command: type
    origins: tuple[TaskStatus, ...]
    to: TaskStatus | None
    actors: tuple[ActorKind, ...]
    sentence: str
    drop: str | None = None


TRANSITIONS: tuple[Transition, ...] = (
    Transition(MoveTask, (_S.BACKLOG,), _S.READY, _PERSON, "Put it in the queue", drop="move"),
    Transition(MoveTask, (_S.READY,), _S.BACKLOG, _PERSON, "Take it out of the queue", drop="move"),
    Transition(MoveTask, (_S.IN_PROGRESS,), _S.READY, _PERSON, "Take it away from its agent", drop="move"),
    Transition(AssignTask, _OPEN[:3], None, _PERSON, "Give it to an agent, or to whoever is able"),
    Transition(AssignTask, (_S.IN_PROGRESS,), _S.READY, _PERSON, "Give it to another agent; its run ends"),
    Transition(ClaimTask, (_S.READY, _S.IN_PROGRESS), _S.IN_PROGRESS, _RUN, "An agent takes it"),
    Transition(ReleaseRun, (_S.IN_PROGRESS,), _S.READY, _RUN, "The agent gives it back"),
    Transition(FailRun, (_S.IN_PROGRESS,), _S.READY, _RUN, "The attempt failed"),
    Transition(LoseRun, (_S.IN_PROGRESS,), _S.READY, _SYSTEM, "The agent fell silent"),
    Transition(ResumeRun, (_S.READY, _S.IN_PROGRESS), _S.IN_PROGRESS, _RUN, "Lost, and back before anybody took over"),
    Transition(SubmitDeliverable, (_S.IN_PROGRESS,), _S.IN_REVIEW, _RUN, "The agent submits"),
    Transition(SubmitDeliverable, (_S.READY,), _S.IN_REVIEW, _RUN, "A lost agent is back with its work"),
    Transition(AdoptLate, _OPEN, _S.IN_REVIEW, _PERSON, "Take work that came too late as the next version"),
    Transition(ReviewDeliverable, (_S.IN_REVIEW,), _S.DONE, _REVIEWER, "Approve the deliverable", drop="approve"),
    Transition(
        ReviewDeliverable, (_S.IN_REVIEW,), _S.IN_PROGRESS, _REVIEWER, "Request changes", drop="request_changes"
    ),
    Transition(ReviewDeliverable, (_S.IN_REVIEW,), None, _REVIEWER, "Ask before the verdict, or be one yes of several"),
    Transition(SetReview, _OPEN, None, _PERSON, "Say who reviews, and how many must approve"),
    Transition(SetReview, (_S.IN_REVIEW,), _S.DONE, _PERSON, "Ask for no more approvals than there are"),
    Transition(AskQuestion, (_S.IN_PROGRESS,), None, _RUN, "The agent asks a person"),
    Transition(AnswerQuestion, (_S.IN_PROGRESS,), None, _PERSON, "Answer the agent"),
    Transition(ExpireQuestion, (_S.IN_PROGRESS,), None, _SYSTEM, "Nobody answered in time, which means no"),
    Transition(HoldTask, _OPEN, None, (*_PERSON, *_SYSTEM), "Pause or freeze it, or hold it for another reason"),
    Transition(LiftHold, _OPEN, None, (*_PERSON, *_SYSTEM), "Lift one hold; the others stay"),
    Transition(NudgeRun, (_S.IN_PROGRESS,), None, _PERSON, "Say a word to the agent at work"),
    Transition(
        RestartRun, (_S.READY, _S.IN_PROGRESS), _S.READY, _PERSON, "Begin again, from the last checkpoint or not"
    ),
    Transition(GiveHelp, _OPEN, None, _PERSON, "Let it go on after it called for a person"),
    Transition(EditTask, _OPEN, None, _PERSON, "Edit title, brief, needs or priority"),
    Transition(AddBlockers, _OPEN, None, _ANYONE, "Make it wait for other tasks"),
    Transition(RemoveBlocker, _OPEN, None, _PERSON, "Stop waiting for a task"),
    Transition(ResolveBlocker, _OPEN, None, _SYSTEM, "A task it waited for closed, or was reopened"),
    Transition(CancelTask, _OPEN, _S.CANCELLED, _PERSON, "Cancel it"),
    Transition(FailTask, _OPEN, _S.FAILED, _PERSON, "Give it up"),
    Transition(CompleteTask, _OPEN[1:], _S.DONE, _PERSON, "Call it done without the review"),
    Transition(ReopenTask, _CLOSED, _S.READY, _PERSON, "Want it again"),
)

_BY_COMMAND: dict[type, tuple[Transition, ...]] = {
    command: tuple(row for row in TRANSITIONS if row.command is command) for command in {t.command for t in TRANSITIONS}
}


def rows_for(command: type) -> tuple[Transition, ...]:
    """The table's rows of one command, in order."""
    return _BY_COMMAND.get(command, ())


def is_legal(command: type, origin: TaskStatus, to: TaskStatus | None = None) -> bool:
    """Does the table allow this command from this status (and, where it matters, to that one)?"""
    return any(origin in row.origins and (to is None or row.to in {None, to}) for row in rows_for(command))


def legal_drops(origin: TaskStatus) -> dict[TaskStatus, Transition]:
    """Where a person may drop a card, and what the drop means."""
    return {row.to: row for row in TRANSITIONS if row.drop and row.to is not None and origin in row.origins}
