"""What workflows and activities say to each other: pure values, which the workflow sandbox passes through.

Everything here ends up in Temporal's history: references and small states, never contents, never keys.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

import msgspec

from controlplane.domain.commands import ResolveBlocker
from controlplane.domain.state import Actor, ActorKind, TaskState
from controlplane.ports import Applied
from controlplane.settings import LEASE_GRACE_SECONDS, LEASE_TTL_SECONDS, Settings

TASK_QUEUE: Final = "tasks"  # task workflows and their small SQL activities
AGENT_QUEUE: Final = "agents"  # internal agents: long model and tool calls must not delay a projection

SYSTEM: Final = Actor(ActorKind.SYSTEM, "workers", "Pointsman")  # who acts when nobody asked

PROJECT_TASK: Final = "project_task"
CHECK_BLOCKERS: Final = "check_blockers"
NOTIFY_DEPENDENTS: Final = "notify_dependents"
HOLD_LEASE: Final = "hold_lease"
CONFIRM_LOSS: Final = "confirm_loss"
READ_TASK: Final = "read_task"

PROJECTED_AT_ONCE: Final = 8
PAYLOAD_BYTES: Final = 1_500_000  # Temporal refuses 2 MiB, and a workflow whose payload is refused is stuck for good


class LeaseTerms(msgspec.Struct, frozen=True):
    """How long an agent may be silent. Part of a task's start, because a workflow may not read its environment."""

    ttl_seconds: float = LEASE_TTL_SECONDS
    grace_seconds: float = LEASE_GRACE_SECONDS

    @classmethod
    def of(cls, settings: Settings) -> "LeaseTerms":
        return cls(settings.lease_ttl_seconds, settings.lease_grace_seconds)

    @property
    def silence(self) -> timedelta:
        """After so long without a beat the engine suspects the agent."""
        return timedelta(seconds=self.ttl_seconds + self.grace_seconds)


class TaskStart(msgspec.Struct, frozen=True):
    """A task workflow's only argument. Without a state the task begins with the command that starts it, from a closed
    state with the one that reopens it.

    The rest is what an execution that continues as new leaves to its successor: what SQL has yet to hear, and whether
    those that wait for this task have yet to hear that it was reopened.
    """

    lease: LeaseTerms
    state: TaskState | None = None
    unprojected: tuple[Applied, ...] = ()
    owes_reopening: bool = False


class ProjectTask(msgspec.Struct, frozen=True):
    """Accepted commands that SQL has yet to hear of, oldest first."""

    applied: tuple[Applied, ...]


class CheckBlockers(msgspec.Struct, frozen=True):
    """The blockers that a task still takes for open; the answer names those that have closed, and how.

    Each as `done@17`: the outcome, and the blocker's revision. Older histories hold the outcome alone.
    """

    blocker_ids: tuple[str, ...]


def closed_as(outcome: str, revision: int) -> str:
    """How `check_blockers` tells of one."""
    return f"{outcome}@{revision}"


def resolution_of(task_id: str, told: str) -> ResolveBlocker:
    """What `closed_as` said, as a command."""
    outcome, _, revision = told.partition("@")
    return ResolveBlocker(task_id, outcome, int(revision or 0))


class NotifyDependents(msgspec.Struct, frozen=True):
    """A task has closed, or was reopened: whoever waits for it must hear the outcome (a BlockerState)."""

    task_id: str
    outcome: str
    revision: int


class LeaseHeld(msgspec.Struct, frozen=True):
    """One run's right to act."""

    task_id: str
    run_id: str
    epoch: int


class SilenceSuspected(msgspec.Struct, frozen=True):
    """No beat reached the engine for this long. Was it the agent, or were we deaf?

    Before `since_ms` the run waited or was paused, and owed no beat.
    """

    run_id: str
    silence_seconds: float
    since_ms: int = 0


class SilenceVerdict(msgspec.Struct, frozen=True):
    """`others_are_able`: some other agent could take the task."""

    is_lost: bool
    reason: str
    others_are_able: bool = True


class ReadTask(msgspec.Struct, frozen=True):
    """How does SQL know this task? The answer is its state, or None."""

    task_id: str


def fitting(waiting: Iterable[Applied], beside: TaskState | None = None) -> tuple[Applied, ...]:
    """The first of those that wait which go into one payload (with a state beside them); at least one without it."""
    taken: list[Applied] = []
    room = PAYLOAD_BYTES - (0 if beside is None else len(msgspec.json.encode(beside)))
    for applied in waiting:
        room -= len(msgspec.json.encode(applied))
        is_owed = not taken and beside is None
        if len(taken) == PROJECTED_AT_ONCE or (room < 0 and not is_owed):
            break
        taken.append(applied)
    return tuple(taken)
