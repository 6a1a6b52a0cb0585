"""What is true of one task, as one immutable value that Temporal keeps and SQL copies."""

from enum import StrEnum
from typing import Any

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
    WAITING_APPROVAL = "waiting_approval"
    PAUSED = "paused"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    RELEASED = "released"
    FAILED = "failed"
    LOST = "lost"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


LIVE = frozenset({RunState.RUNNING, RunState.WAITING_INPUT, RunState.WAITING_APPROVAL, RunState.PAUSED})
WAITING = LIVE - {RunState.RUNNING}  # alive, but it need not beat and takes none of its agent's hands


class HoldKind(StrEnum):
    """Why a task is kept from going on. One hold of each kind; lifting one leaves the others."""

    OPERATOR = "operator"
    FREEZE = "freeze"
    BUDGET = "budget"
    SCHEDULE = "schedule"
    EXTERNAL = "external"  # its agent waits for something outside


class HumanCause(StrEnum):
    """Why a person must act, which decides what choices they are given."""

    FAILURES = "failures"
    LOST_TWICE = "lost_twice"
    REJECTIONS = "rejections"
    WAKES = "wakes"
    BLOCKER_FAILED = "blocker_failed"
    BLOCKER_CANCELLED = "blocker_cancelled"


BLOCKER_CAUSES = frozenset({HumanCause.BLOCKER_FAILED, HumanCause.BLOCKER_CANCELLED})


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


class Hold(msgspec.Struct, frozen=True):
    """Who keeps the task from going on, and why."""

    kind: HoldKind
    reason: str
    actor: Actor
    at_ms: int


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
    silence_seconds: float | None = None  # how long it may be silent, where that is not the usual


class Deliverable(msgspec.Struct, frozen=True):
    """One version of a task's output; the content lies in the blob store under its SHA-256."""

    version: int
    run_id: str
    sha256: str
    size_bytes: int
    submitted_at_ms: int
    agent_id: str = ""  # who made it; its run may be forgotten before it is adopted
    kind: str = "markdown"  # markdown | text | code | link | file
    title: str = ""
    name: str = ""  # of a file
    media_type: str = ""
    language: str = ""  # of code


class Review(msgspec.Struct, frozen=True):
    """A verdict on one version of the deliverable."""

    version: int
    verdict: str  # approve | request_changes
    note: str
    reviewer: Actor
    at_ms: int


class ReviewRule(msgspec.Struct, frozen=True):
    """Who may approve, and how many of them must. No reviewers: any person of the workspace.

    `first_pass` is an agent that looks before people are called; its yes alone never finishes a task.
    """

    reviewers: tuple[Actor, ...] = ()
    needed: int = 1
    first_pass: Actor | None = None


class Clarification(msgspec.Struct, frozen=True):
    """What a reviewer wants to know before the verdict."""

    version: int
    text: str
    asked_by: Actor
    at_ms: int


class Question(msgspec.Struct, frozen=True):
    """What an agent asked a person in the middle of a run. Open while `outcome` is empty; expiry means no."""

    question_id: str
    run_id: str
    text: str
    asked_at_ms: int
    kind: str = "text"  # text | choice | form | approval
    choices: tuple[str, ...] = ()
    form: dict[str, Any] = {}  # JSON Schema of an object
    expires_at_ms: int | None = None
    answer: Any = None
    outcome: str = ""  # answered | expired
    answered_by: Actor | None = None

    @property
    def is_open(self) -> bool:
        return not self.outcome and self.answer is None


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
    parent_id: str | None = None
    agent_id: str | None = None  # assigned to, or None: whoever is able
    blockers: dict[str, BlockerState] = {}
    blocker_revisions: dict[str, int] = {}  # of each blocker, when it was last heard of
    runs: tuple[Run, ...] = ()  # oldest first, the last may be live; at most RUNS_KEPT, older ones live in SQL
    run_count: int = 0
    epoch: int = 0
    checkpoint_floor: int = 0  # checkpoints of epochs up to this one are not to be gone on from
    failures: int = 0  # failed or lost runs since a person last acted
    helped_at_ms: int = 0  # when a person last acted: what went wrong before is not held against it again
    avoids: tuple[str, ...] = ()  # agents that fell silent on it twice in a row
    holds: dict[str, Hold] = {}  # by HoldKind
    deliverables: tuple[Deliverable, ...] = ()
    review: ReviewRule = ReviewRule()
    verdicts: tuple[Review, ...] = ()  # on the latest version
    rejections: int = 0  # in a row, since a person last helped
    clarification: Clarification | None = None
    last_review: Review | None = None
    question: Question | None = None
    changes_requested: bool = False
    upstream_changed: tuple[str, ...] = ()  # tasks it built on that were reopened since
    needs_human: str = ""  # the sentence that says why a person must act; empty: nobody has to
    human_cause: HumanCause | None = None
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
        return waits_for_agent and not self.is_blocked and not self.needs_human and not self.holds

    @property
    def resumable_run(self) -> Run | None:
        """The run that was lost although its agent may live: nobody has taken over, so it may go on."""
        return self.lost_run if self.status is TaskStatus.READY else None

    @property
    def lost_run(self) -> Run | None:
        """The last run, if it was lost and its epoch is the latest: a person's other decision moves the epoch on."""
        run = self.runs[-1] if self.runs else None
        return run if run is not None and run.state is RunState.LOST and run.epoch == self.epoch else None

    @property
    def author_id(self) -> str | None:
        """The agent whose run made the latest version."""
        if not self.deliverables:
            return None
        latest = self.deliverables[-1]
        return latest.agent_id or next((run.agent_id for run in self.runs if run.run_id == latest.run_id), None)


APPLIED_KEPT = 200  # command ids remembered; more than any client retries within its time-out
RUNS_KEPT = 20
REASON_KEPT = 500  # characters of why a run ended, once for each run kept; the event has all of it
FAILURES_BEFORE_HUMAN = 3  # runs that fail or get lost in a row before a person must look
REJECTIONS_BEFORE_HUMAN = 3  # verdicts in a row that ask for changes
WAKES_PER_HOUR = 6  # runs begun within an hour: more is a storm, not work
MAX_REVIEWERS = 50
MAX_BLOCKERS = 200  # keeps the state within one Temporal payload
