"""Short lives of tasks, for tests: each brings one to a certain point by commands alone."""

from controlplane.domain.commands import (
    AskQuestion,
    CancelTask,
    ClaimTask,
    Command,
    CreateTask,
    Envelope,
    FailRun,
    ReviewDeliverable,
    SubmitDeliverable,
)
from controlplane.domain.decide import Refusal, decide
from controlplane.domain.evolve import apply
from controlplane.domain.state import Actor, ActorKind, TaskState

PERSON = Actor(ActorKind.PERSON, "u_maya", "Maya")
AGENT = Actor(ActorKind.AGENT, "a_writer", "writer")
SYSTEM = Actor(ActorKind.SYSTEM, "workers", "Pointsman")
ACTORS = {actor.kind: actor for actor in (PERSON, AGENT, SYSTEM)}

CREATE = CreateTask("t_1", "w_1", "p_1", 12, "Write it", blockers=())
CLAIM = ClaimTask("a_writer", "r_1")
SUBMIT = SubmitDeliverable("r_1", 1, "aa", 1)
ASK = AskQuestion("r_1", 1, "q_1", "Which tone?")
APPROVE = ReviewDeliverable(1, "approve")
SEND_BACK = ReviewDeliverable(1, "request_changes", "Shorter")


def envelope(command: Command, actor: Actor = PERSON, command_id: str = "cmd", at_ms: int = 1) -> Envelope:
    return Envelope(command_id, actor, at_ms, command)


def give(state: TaskState | None, command: Command, actor: Actor = PERSON, command_id: str = "cmd") -> TaskState:
    """The state after a command that must be accepted."""
    asked = envelope(command, actor, command_id)
    events = decide(state, asked)
    assert not isinstance(events, Refusal), events
    return apply(state, asked, events)


def life(*steps: tuple[Actor, Command]) -> TaskState:
    state: TaskState | None = None
    for number, (actor, command) in enumerate(steps):
        state = give(state, command, actor, f"step_{number}")
    assert state is not None
    return state


def states() -> dict[str, TaskState]:
    """One task at each point that the rules tell apart."""
    to_backlog = CreateTask("t_1", "w_1", "p_1", 12, "Write it", to_backlog=True)
    working = ((PERSON, CREATE), (AGENT, CLAIM))
    in_review = (*working, (AGENT, SUBMIT))
    return {
        "backlog": life((PERSON, to_backlog)),
        "ready": life((PERSON, CREATE)),
        "working": life(*working),
        "asking": life(*working, (AGENT, ASK)),
        "failed once": life(*working, (AGENT, FailRun("r_1", 1, "exception"))),
        "in review": life(*in_review),
        "changes requested": life(*in_review, (PERSON, SEND_BACK)),
        "done": life(*in_review, (PERSON, APPROVE)),
        "cancelled": life((PERSON, CREATE), (PERSON, CancelTask())),
    }
