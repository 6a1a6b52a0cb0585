"""The task machine's table. It *is* the rule: `decide` refuses by it, the board offers drops by it, docs print it.

A row says who may ask for a command in which states, and where a drop on the board leads. Guards that need more than
the status (a live run, an epoch, an open question) stand in `decide.py`.
"""

from dataclasses import dataclass

from controlplane.domain.commands import (
    AddBlockers,
    AnswerQuestion,
    AskQuestion,
    AssignTask,
    CancelTask,
    ClaimTask,
    EditTask,
    FailRun,
    LoseRun,
    MoveTask,
    ReleaseRun,
    RemoveBlocker,
    ResolveBlocker,
    ReviewDeliverable,
    SubmitDeliverable,
)
from controlplane.domain.state import ActorKind, TaskStatus

_S = TaskStatus
_OPEN = (_S.BACKLOG, _S.READY, _S.IN_PROGRESS, _S.IN_REVIEW)
_PERSON = (ActorKind.PERSON,)
_AGENT = (ActorKind.AGENT,)
_SYSTEM = (ActorKind.SYSTEM,)
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
    Transition(ClaimTask, (_S.READY, _S.IN_PROGRESS), _S.IN_PROGRESS, (*_AGENT, *_SYSTEM), "An agent takes it"),
    Transition(ReleaseRun, (_S.IN_PROGRESS,), _S.READY, (*_AGENT, *_SYSTEM), "The agent gives it back"),
    Transition(FailRun, (_S.IN_PROGRESS,), _S.READY, (*_AGENT, *_SYSTEM), "The attempt failed"),
    Transition(LoseRun, (_S.IN_PROGRESS,), _S.READY, _SYSTEM, "The agent fell silent"),
    Transition(SubmitDeliverable, (_S.IN_PROGRESS,), _S.IN_REVIEW, (*_AGENT, *_SYSTEM), "The agent submits"),
    Transition(ReviewDeliverable, (_S.IN_REVIEW,), _S.DONE, _PERSON, "Approve the deliverable", drop="approve"),
    Transition(ReviewDeliverable, (_S.IN_REVIEW,), _S.IN_PROGRESS, _PERSON, "Request changes", drop="request_changes"),
    Transition(AskQuestion, (_S.IN_PROGRESS,), None, (*_AGENT, *_SYSTEM), "The agent asks a person"),
    Transition(AnswerQuestion, (_S.IN_PROGRESS,), None, _PERSON, "Answer the agent"),
    Transition(EditTask, _OPEN, None, _PERSON, "Edit title, brief, needs or priority"),
    Transition(AddBlockers, _OPEN, None, _ANYONE, "Make it wait for other tasks"),
    Transition(RemoveBlocker, _OPEN, None, _PERSON, "Stop waiting for a task"),
    Transition(ResolveBlocker, _OPEN, None, _SYSTEM, "A task it waited for closed"),
    Transition(CancelTask, _OPEN, _S.CANCELLED, _PERSON, "Cancel it"),
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
