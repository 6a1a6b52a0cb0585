"""Short lives of tasks, for tests: each brings one to a certain point by commands alone."""

from controlplane.domain.commands import (
    AddBlockers,
    AskQuestion,
    CancelTask,
    ClaimTask,
    Command,
    CreateTask,
    Envelope,
    FailRun,
    FailTask,
    HoldTask,
    LoseRun,
    ResolveBlocker,
    ReviewDeliverable,
    SetReview,
    SubmitDeliverable,
)
from controlplane.domain.decide import Refusal, decide
from controlplane.domain.evolve import apply
from controlplane.domain.state import Actor, ActorKind, HoldKind, ReviewRule, TaskState

PERSON = Actor(ActorKind.PERSON, "u_maya", "Maya")
OTHER_PERSON = Actor(ActorKind.PERSON, "u_noor", "Noor")
AGENT = Actor(ActorKind.AGENT, "a_writer", "writer")
OTHER_AGENT = Actor(ActorKind.AGENT, "a_other", "other")
SYSTEM = Actor(ActorKind.SYSTEM, "workers", "Pointsman")
ACTORS = {actor.kind: actor for actor in (PERSON, AGENT, SYSTEM)}

CREATE = CreateTask("t_1", "w_1", "p_1", 12, "Write it", blockers=())
CLAIM = ClaimTask("a_writer", "r_1")
SUBMIT = SubmitDeliverable("r_1", 1, "aa", 1)
ASK = AskQuestion("r_1", 1, "q_1", "Which tone?")
APPROVE = ReviewDeliverable(1, "approve")
SEND_BACK = ReviewDeliverable(1, "request_changes", "Shorter")
LOSE = LoseRun("r_1", 1)
TWO_YES = ReviewRule(needed=2)

Step = tuple[Actor, Command]


def envelope(command: Command, actor: Actor = PERSON, command_id: str = "cmd", at_ms: int = 1) -> Envelope:
    return Envelope(command_id, actor, at_ms, command)


def give(
    state: TaskState | None, command: Command, actor: Actor = PERSON, command_id: str = "cmd", at_ms: int = 1
) -> TaskState:
    """The state after a command that must be accepted."""
    asked = envelope(command, actor, command_id, at_ms)
    events = decide(state, asked)
    assert not isinstance(events, Refusal), events
    return apply(state, asked, events)


def life(*steps: Step) -> TaskState:
    state: TaskState | None = None
    for number, (actor, command) in enumerate(steps):
        state = give(state, command, actor, f"step_{number}")
    assert state is not None
    return state


def lives() -> dict[str, tuple[Step, ...]]:
    """One life to each point that the rules tell apart."""
    working: tuple[Step, ...] = ((PERSON, CREATE), (AGENT, CLAIM))
    in_review = (*working, (AGENT, SUBMIT))
    other_works: tuple[Step, ...] = ((PERSON, CREATE), (OTHER_AGENT, ClaimTask("a_other", "r_1")))
    return {
        "backlog": ((PERSON, CreateTask("t_1", "w_1", "p_1", 12, "Write it", to_backlog=True)),),
        "ready": ((PERSON, CREATE),),
        "working": working,
        "asking": (*working, (AGENT, ASK)),
        "asking for approval": (*working, (AGENT, AskQuestion("r_1", 1, "q_1", "Send it?", "approval"))),
        "failed once": (*working, (AGENT, FailRun("r_1", 1, "exception"))),
        "lost": (*working, (SYSTEM, LOSE)),
        "lost twice": (
            *working, (SYSTEM, LOSE), (AGENT, ClaimTask("a_writer", "r_2")), (SYSTEM, LoseRun("r_2", 2)),
        ),
        "in review": in_review,
        "approved by one of two": (*in_review, (PERSON, SetReview(TWO_YES)), (OTHER_PERSON, APPROVE)),
        "in review by an agent": (
            *other_works, (OTHER_AGENT, SUBMIT), (PERSON, SetReview(ReviewRule((AGENT,)))),
        ),
        "changes requested": (*in_review, (PERSON, SEND_BACK)),
        "done": (*in_review, (PERSON, APPROVE)),
        "failed": ((PERSON, CREATE), (PERSON, FailTask())),
        "cancelled": ((PERSON, CREATE), (PERSON, CancelTask())),
    }  # fmt: skip


WHAT_LIES_OVER_IT: dict[str, tuple[Step, ...]] = {
    "held": ((PERSON, HoldTask(HoldKind.OPERATOR, "later")),),
    "frozen": ((PERSON, HoldTask(HoldKind.FREEZE, "stop all")),),
    "blocked": ((PERSON, AddBlockers(("t_2",))),),
    "with a cancelled blocker": ((PERSON, AddBlockers(("t_2",))), (SYSTEM, ResolveBlocker("t_2", "cancelled"))),
}


def states() -> dict[str, TaskState]:
    """One task at each of these points, as it is and with what may lie over it."""
    plain = {name: life(*steps) for name, steps in lives().items()}
    overlaid = {
        f"{name}, {what}": life(*steps, *over)
        for name, steps in lives().items()
        for what, over in WHAT_LIES_OVER_IT.items()
        if not plain[name].is_closed
    }
    return plain | overlaid
