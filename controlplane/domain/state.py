"""What is true of one task, as one immutable value that Temporal keeps and SQL copies."""

from enum import StrEnum

import msgspec


class TaskStatus(StrEnum):
    """Where a task stands. `blocked` is not among them: it is derived from open blockers."""

    BACKLOG = "backlog"
    READY = "ready"
    IN_PROGRESS = "in_progress"
    IN_REVIEW = "in_review"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


CLOSED = frozenset({TaskStatus.DONE, TaskStatus.FAILED, TaskStatus.CANCELLED})


class RunState(StrEnum):
    """How far one attempt of one agent has come."""

    RUNNING = "running"
    WAITING_INPUT = "waiting_input"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    RELEASED = "released"
    FAILED = "failed"
    LOST = "lost"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


LIVE = frozenset({RunState.RUNNING, RunState.WAITING_INPUT})


class BlockerState(StrEnum):
    """How a task that blocks another one stands, as the blocked task knows it."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ActorKind(StrEnum):
    PERSON = "person"
    AGENT = "agent"
    SYSTEM = "system"


class Actor(msgspec.Struct, frozen=True):
    """Who does something: `id` is a user's, an agent's, or the name of one of our own processes."""

    kind: ActorKind
    id: str
    name: str = ""


class Run(msgspec.Struct, frozen=True):
    """One attempt of one agent. `epoch` is the lease's fencing token: per task, strictly increasing."""

    run_id: str
    number: int
    epoch: int
    agent_id: str
    state: RunState
    started_at_ms: int
    ended_at_ms: int | None = None
    reason: str = ""


class Deliverable(msgspec.Struct, frozen=True):
    """One version of a task's output; the content lies in the blob store under its SHA-256."""

    version: int
    run_id: str
    sha256: str
    size_bytes: int
    submitted_at_ms: int
    kind: str = "markdown"
    title: str = ""


class Review(msgspec.Struct, frozen=True):
    """A verdict on one version of the deliverable."""

    version: int
    verdict: str  # approve | request_changes
    note: str
    reviewer: Actor
    at_ms: int


class Question(msgspec.Struct, frozen=True):
    """What an agent asked a person in the middle of a run."""

    question_id: str
    run_id: str
    text: str
    asked_at_ms: int
    answer: str | None = None
    answered_by: Actor | None = None


class TaskState(msgspec.Struct, frozen=True):
    """Everything true of one task. `revision` counts accepted commands; `applied` names the last of them."""

    task_id: str
    workspace_id: str
    project_id: str
    number: int
    title: str
    brief: str
    created_by: Actor
    created_at_ms: int
    updated_at_ms: int
    status: TaskStatus = TaskStatus.READY
    needs: tuple[str, ...] = ()  # capabilities an agent must have
    priority: int = 3  # 1 highest … 5 lowest
    agent_id: str | None = None  # assigned to, or None: whoever is able
    blockers: dict[str, BlockerState] = {}
    runs: tuple[Run, ...] = ()  # oldest first, the last may be live; at most RUNS_KEPT, older ones live in SQL
    run_count: int = 0
    epoch: int = 0
    failures: int = 0  # failed or lost runs since a person last acted
    deliverables: tuple[Deliverable, ...] = ()
    last_review: Review | None = None
    question: Question | None = None
    changes_requested: bool = False
    needs_human: str = ""  # the sentence that says why a person must act; empty: nobody has to
    revision: int = 0
    applied: tuple[str, ...] = ()  # last command ids: Temporal dedupes within one execution only
    closed_at_ms: int | None = None
    schema: int = 1

    @property
    def live_run(self) -> Run | None:
        return self.runs[-1] if self.runs and self.runs[-1].state in LIVE else None

    @property
    def open_blockers(self) -> tuple[str, ...]:
        return tuple(task_id for task_id, state in self.blockers.items() if state is not BlockerState.DONE)

    @property
    def is_blocked(self) -> bool:
        return bool(self.open_blockers)

    @property
    def is_closed(self) -> bool:
        return self.status in CLOSED

    @property
    def is_claimable(self) -> bool:
        """May an agent take it now? The one definition that API, workflow and board share."""
        waits_for_agent = self.status is TaskStatus.READY or (
            self.status is TaskStatus.IN_PROGRESS and self.changes_requested and self.live_run is None
        )
        return waits_for_agent and not self.is_blocked and not self.needs_human


APPLIED_KEPT = 200  # command ids remembered; more than any client retries within its time-out
RUNS_KEPT = 20
REASON_KEPT = 500  # characters of why a run ended, once for each run kept; the event has all of it
FAILURES_BEFORE_HUMAN = 3  # runs that fail or get lost in a row before a person must look
MAX_BLOCKERS = 200  # keeps the state within one Temporal payload
