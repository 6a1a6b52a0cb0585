"""The read model of tasks: what their workflows decided, as the board, the API and the gateway read it."""

from typing import Any

from sqlalchemy import BigInteger, Index, Text, UniqueConstraint
from sqlmodel import Field

from controlplane.store.base import ControlTable, big, json_column


class TaskNumber(ControlTable, table=True):
    """Hands out `T-12` before the workflow starts; a retried command finds the task it made. Gaps are allowed."""

    __tablename__ = "task_numbers"
    __table_args__ = (UniqueConstraint("workspace_id", "number"),)
    command_id: str = Field(primary_key=True)
    workspace_id: str
    number: int
    task_id: str = Field(unique=True)


class Task(ControlTable, table=True):
    """The read model of a task workflow. `state_json` is the whole state: enough to start the workflow anew."""

    __tablename__ = "tasks"
    __table_args__ = (
        UniqueConstraint("workspace_id", "number"),
        Index("ix_tasks_board", "workspace_id", "status", "updated_at_ms"),
        Index("ix_tasks_claimable", "workspace_id", "is_claimable", "priority"),
    )
    task_id: str = Field(primary_key=True)
    workspace_id: str
    project_id: str = Field(index=True)
    number: int
    title: str
    status: str
    status_since_ms: int = big()
    parent_id: str | None = Field(default=None, index=True)
    agent_id: str | None = Field(default=None, index=True)  # assigned, or holding the live run
    needs: list[str] = json_column(default_factory=list)
    priority: int = 3
    is_claimable: bool = False
    is_blocked: bool = False
    changes_requested: bool = False
    needs_human: str = ""
    needs_human_kind: str = ""  # a HumanKind: what choices a person has
    holds: list[str] = json_column(default_factory=list)  # kinds of the holds on it
    has_changed_upstream: bool = False
    review_problem: str = ""  # why nobody can satisfy its review; empty: somebody can
    question: str | None = None  # the open question's text
    run_id: str | None = None  # the live run
    run_state: str | None = None
    version: int = 0  # of the latest deliverable
    created_by: str = ""
    created_at_ms: int = big()
    updated_at_ms: int = big()
    closed_at_ms: int | None = big(default=None)
    execution_id: str = ""  # Temporal's run id; with `revision` the guard against late writers
    execution_generation: int = 0
    revision: int = 0
    state_json: str = Field(sa_type=Text)


class TaskEdge(ControlTable, table=True):
    """Who waits for whom, as the tasks themselves say."""

    __tablename__ = "task_edges"
    task_id: str = Field(primary_key=True)
    blocker_id: str = Field(primary_key=True, index=True)
    workspace_id: str


class EdgeReservation(ControlTable, table=True):
    """An edge that a request asks for, between the check for cycles and its task's answer. It counts until then."""

    __tablename__ = "edge_reservations"
    command_id: str = Field(primary_key=True)
    task_id: str = Field(primary_key=True)
    blocker_id: str = Field(primary_key=True)
    workspace_id: str
    until_ms: int = big()  # after it, nobody will say yes any more


class TaskEvent(ControlTable, table=True):
    """The activity of a task. The primary key makes a replayed projection harmless."""

    __tablename__ = "task_events"
    task_id: str = Field(primary_key=True)
    revision: int = Field(primary_key=True)
    position: int = Field(primary_key=True)
    workspace_id: str
    kind: str
    actor_kind: str
    actor_id: str
    actor_name: str
    at_ms: int = big()
    body: dict[str, Any] = json_column(default_factory=dict)
    command_id: str = ""


class Run(ControlTable, table=True):
    __tablename__ = "runs"
    __table_args__ = (Index("ix_runs_agent_state", "agent_id", "state"),)
    run_id: str = Field(primary_key=True)
    workspace_id: str
    task_id: str = Field(index=True)
    task_number: int
    agent_id: str
    number: int
    epoch: int
    state: str
    key_digest: str = Field(index=True)
    started_at_ms: int = big()
    ended_at_ms: int | None = big(default=None)
    reason: str = ""
    seen_at_ms: int | None = big(default=None)  # last beat or proxied byte: what `confirm_loss` looks at
    progress: str = ""
    progress_at_ms: int | None = big(default=None)
    revision: int = 0  # of the task when last projected


class DeliverableRow(ControlTable, table=True):
    __tablename__ = "deliverables"
    task_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    workspace_id: str
    run_id: str
    sha256: str
    size_bytes: int
    format: str  # markdown | text | code | link | file
    title: str
    name: str = ""  # of a file
    media_type: str = ""
    language: str = ""  # of code
    submitted_at_ms: int = big()
    verdict: str | None = None
    note: str = ""
    reviewed_by: str = ""
    reviewed_at_ms: int | None = big(default=None)


class Verdict(ControlTable, table=True):
    """What one reviewer said of one version: with a rule of several reviewers there are several."""

    __tablename__ = "verdicts"
    task_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    reviewer_id: str = Field(primary_key=True)
    workspace_id: str
    reviewer_kind: str  # person | agent
    reviewer_name: str
    verdict: str  # approve | request_changes
    note: str = ""
    at_ms: int = big()


class RecurringTask(ControlTable, table=True):
    """What a schedule makes, and when. The engine's own schedule is made from this row, which is the truth."""

    __tablename__ = "recurring_tasks"
    recurring_id: str = Field(primary_key=True)
    workspace_id: str = Field(index=True)
    title: str
    cron: str
    time_zone: str = "UTC"
    template: dict[str, Any] = json_column(default_factory=dict)  # the body of the task it makes
    overlap: str = "skip"  # skip | allow
    is_paused: bool = False
    created_by: str = ""
    created_at_ms: int = big()
    deleted_at_ms: int | None = big(default=None)


class Occurrence(ControlTable, table=True):
    """One time a recurring task was due: always a row, whatever became of it."""

    __tablename__ = "occurrences"
    recurring_id: str = Field(primary_key=True)
    due_at_ms: int = Field(primary_key=True, sa_type=BigInteger)
    workspace_id: str
    outcome: str  # ran | skipped | missed
    reason: str = ""
    task_id: str | None = None
    at_ms: int = big()
