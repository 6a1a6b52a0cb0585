"""Tables of the control database. Times are UTC milliseconds, money is nano-USD, `workspace_id` stands on every row.

Who writes: `projections/` writes tasks, runs, edges, deliverables, events (guarded by execution id and revision);
the API writes people, agents, keys, comments, beats; the recorder writes usage roll-ups; the watch writes signals.
"""

from typing import Any

from sqlalchemy import JSON as SQL_JSON
from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

CONTROL_METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class ControlTable(SQLModel):
    """Base of the control database's tables."""

    metadata = CONTROL_METADATA


def _big(**options: Any) -> Any:
    return Field(sa_type=BigInteger, **options)


def _json(**options: Any) -> Any:
    return Field(sa_type=SQL_JSON, **options)


class Workspace(ControlTable, table=True):
    __tablename__ = "workspaces"
    workspace_id: str = Field(primary_key=True)
    name: str
    created_at_ms: int = _big()


class Project(ControlTable, table=True):
    __tablename__ = "projects"
    project_id: str = Field(primary_key=True)
    workspace_id: str = Field(index=True)
    name: str
    created_at_ms: int = _big()


class User(ControlTable, table=True):
    __tablename__ = "users"
    user_id: str = Field(primary_key=True)
    workspace_id: str = Field(index=True)
    email: str = Field(unique=True)
    name: str
    handle: str = Field(unique=True)  # what follows the @ in a mention
    role: str = "admin"
    password_hash: str | None = None  # argon2id; None: signs in by link
    created_at_ms: int = _big()


class Session(ControlTable, table=True):
    __tablename__ = "sessions"
    token_digest: str = Field(primary_key=True)
    user_id: str = Field(index=True)
    created_at_ms: int = _big()
    expires_at_ms: int = _big()
    seen_at_ms: int = _big()


class SignInLink(ControlTable, table=True):
    __tablename__ = "sign_in_links"
    token_digest: str = Field(primary_key=True)
    user_id: str
    expires_at_ms: int = _big()
    used_at_ms: int | None = _big(default=None)


class SignInTry(ControlTable, table=True):
    """Failed passwords, for the throttle that all `web` replicas share."""

    __tablename__ = "sign_in_tries"
    try_id: int | None = Field(default=None, primary_key=True)
    email: str = Field(index=True)
    at_ms: int = _big()


class Agent(ControlTable, table=True):
    __tablename__ = "agents"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)
    agent_id: str = Field(primary_key=True)
    workspace_id: str = Field(index=True)
    name: str  # lower case, what the SDK is given; shown with a capital
    call_sign: str  # the plate: two or three capitals
    kind: str = "external"  # external (SDK) | internal (our workers)
    capabilities: list[str] = _json(default_factory=list)
    definition: dict[str, Any] | None = _json(default=None)  # internal: {"model", "system", "tool_server", "max_steps"}
    is_paused: bool = False
    is_simulated: bool = False
    created_at_ms: int = _big()
    seen_at_ms: int | None = _big(default=None)  # last beat, poll or proxied byte


class Key(ControlTable, table=True):
    """Admin and agent keys. Run keys are derived; their digest stands on the run."""

    __tablename__ = "keys"
    key_id: str = Field(primary_key=True)
    workspace_id: str = Field(index=True)
    kind: str
    agent_id: str | None = Field(default=None, index=True)
    name: str
    key_digest: str = Field(unique=True)
    tail: str  # last four characters, to recognise it by
    created_at_ms: int = _big()
    revoked_at_ms: int | None = _big(default=None)


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
    status_since_ms: int = _big()
    agent_id: str | None = Field(default=None, index=True)  # assigned, or holding the live run
    needs: list[str] = _json(default_factory=list)
    priority: int = 3
    is_claimable: bool = False
    is_blocked: bool = False
    changes_requested: bool = False
    needs_human: str = ""
    question: str | None = None  # the open question's text
    run_id: str | None = None  # the live run
    run_state: str | None = None
    version: int = 0  # of the latest deliverable
    created_by: str = ""
    created_at_ms: int = _big()
    updated_at_ms: int = _big()
    closed_at_ms: int | None = _big(default=None)
    execution_id: str = ""  # Temporal's run id; with `revision` the guard against late writers
    execution_generation: int = 0
    revision: int = 0
    state_json: str = Field(sa_type=Text)


class TaskEdge(ControlTable, table=True):
    """Who waits for whom. An edge is *tentative* between the cycle check and the task's own yes; then it is NULL."""

    __tablename__ = "task_edges"
    task_id: str = Field(primary_key=True)
    blocker_id: str = Field(primary_key=True, index=True)
    workspace_id: str
    tentative_until_ms: int | None = _big(default=None)  # after it, nobody will say yes any more: it does not count


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
    at_ms: int = _big()
    body: dict[str, Any] = _json(default_factory=dict)
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
    started_at_ms: int = _big()
    ended_at_ms: int | None = _big(default=None)
    reason: str = ""
    seen_at_ms: int | None = _big(default=None)  # last beat or proxied byte: what `confirm_loss` looks at
    progress: str = ""
    progress_at_ms: int | None = _big(default=None)
    revision: int = 0  # of the task when last projected


class DeliverableRow(ControlTable, table=True):
    __tablename__ = "deliverables"
    task_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    workspace_id: str
    run_id: str
    sha256: str
    size_bytes: int
    format: str
    title: str
    submitted_at_ms: int = _big()
    verdict: str | None = None
    note: str = ""
    reviewed_by: str = ""
    reviewed_at_ms: int | None = _big(default=None)


class LateDeliverable(ControlTable, table=True):
    """What a run submitted after it had lost its task: kept aside, never silently dropped."""

    __tablename__ = "late_deliverables"
    run_id: str = Field(primary_key=True)
    sha256: str = Field(primary_key=True)
    workspace_id: str
    task_id: str = Field(index=True)
    size_bytes: int
    format: str
    title: str
    submitted_at_ms: int = _big()


class Comment(ControlTable, table=True):
    __tablename__ = "comments"
    comment_id: str = Field(primary_key=True)  # derived from the command id: a retry is the same comment
    workspace_id: str
    task_id: str = Field(index=True)
    author_kind: str
    author_id: str
    author_name: str
    text: str = Field(sa_type=Text)
    at_ms: int = _big()


class Notice(ControlTable, table=True):
    """One item behind the bell, addressed to a person; bound to what it is about, so that it resolves itself."""

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_open", "user_id", "resolved_at_ms"),)
    notice_id: str = Field(primary_key=True)  # derived from cause and addressee
    workspace_id: str
    user_id: str
    task_id: str
    kind: str  # mention | review | question | help | stuck
    text: str
    created_at_ms: int = _big()
    seen_at_ms: int | None = _big(default=None)
    resolved_at_ms: int | None = _big(default=None)


class Signal(ControlTable, table=True):
    """What the watch found out about a task by the clock. Absent: nothing to say."""

    __tablename__ = "signals"
    task_id: str = Field(primary_key=True)
    workspace_id: str
    signal: str  # stuck | watch
    reason: str
    since_ms: int = _big()
    evidence: dict[str, Any] = _json(default_factory=dict)


class RunUsage(ControlTable, table=True):
    """What a run has used, set absolutely by the recorder from the calls, so that writing it twice changes nothing."""

    __tablename__ = "run_usage"
    run_id: str = Field(primary_key=True)
    workspace_id: str
    task_id: str = Field(index=True)
    agent_id: str | None = None
    calls: int = 0
    tool_calls: int = 0
    errors: int = 0
    unknown_calls: int = 0
    input_tokens: int = _big(default=0)
    cache_read_tokens: int = _big(default=0)
    cache_write_tokens: int = _big(default=0)
    output_tokens: int = _big(default=0)
    cost_nano_usd: int = _big(default=0)
    live_cost_nano_usd: int = _big(default=0)  # estimate for calls in flight
    live_calls: int = 0
    bound_nano_usd: int = _big(default=0)  # upper bound of unknown calls
    substate: str = ""  # thinking | writing | tool: NAME, of the call in flight
    is_simulated: bool = False
    last_call_at_ms: int | None = _big(default=None)


class Outbox(ControlTable, table=True):
    """Every change that somebody may wait for, in order. Readers remember the last `seq` they saw."""

    __tablename__ = "outbox"
    __table_args__ = {"sqlite_autoincrement": True}
    seq: int | None = Field(
        default=None,
        sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    )
    workspace_id: str
    topic: str  # task | usage | signal | comment | notice | agent | key | process
    subject_id: str  # the task's, agent's, key's … id
    at_ms: int = _big()


class Process(ControlTable, table=True):
    """Our processes, as they last said of themselves; `confirm_loss` forgives what they could not hear."""

    __tablename__ = "processes"
    name: str = Field(primary_key=True)  # web | proxy | recorder | workers | temporal
    pid: int
    started_at_ms: int = _big()
    alive_at_ms: int = _big()
    died_at_ms: int | None = _big(default=None)  # said by the supervisor, forgotten at its next start


class Leader(ControlTable, table=True):
    __tablename__ = "leaders"
    role: str = Field(primary_key=True)
    holder: str
    until_ms: int = _big()
