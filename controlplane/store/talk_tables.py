"""What is said beside the workflows: comments, notices, directives, late and half-arrived work."""

from sqlalchemy import Index, Text
from sqlmodel import Field

from controlplane.store.base import ControlTable, big


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
    name: str = ""
    media_type: str = ""
    language: str = ""
    submitted_at_ms: int = big()
    adopted_version: int | None = None
    discarded_at_ms: int | None = big(default=None)


class Comment(ControlTable, table=True):
    __tablename__ = "comments"
    comment_id: str = Field(primary_key=True)  # derived from the command id: a retry is the same comment
    workspace_id: str
    task_id: str = Field(index=True)
    author_kind: str
    author_id: str
    author_name: str
    text: str = Field(sa_type=Text)
    at_ms: int = big()


class Notice(ControlTable, table=True):
    """One item behind the bell, addressed to a person; bound to what it is about, so that it resolves itself."""

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_open", "user_id", "resolved_at_ms"),)
    notice_id: str = Field(primary_key=True)  # derived from cause and addressee
    workspace_id: str
    user_id: str
    task_id: str
    kind: str  # mention | review | question | approval | clarification | help | overdue | gate | stuck | incident
    text: str
    created_at_ms: int = big()
    seen_at_ms: int | None = big(default=None)
    resolved_at_ms: int | None = big(default=None)


class AgentNote(ControlTable, table=True):
    """What waits for an agent: a mention, a review it is asked for, a clarification. Read when the agent asks."""

    __tablename__ = "agent_notes"
    __table_args__ = (Index("ix_agent_notes_open", "agent_id", "resolved_at_ms"),)
    note_id: str = Field(primary_key=True)  # derived from cause and addressee
    workspace_id: str
    agent_id: str
    task_id: str
    kind: str  # mention | review | clarification
    text: str
    version: int = 0  # of the deliverable it is about
    created_at_ms: int = big()
    resolved_at_ms: int | None = big(default=None)


class Directive(ControlTable, table=True):
    """What a run is told at its next beat, once: a nudge, a changed upstream. Stop and pause are read off its state."""

    __tablename__ = "directives"
    directive_id: str = Field(primary_key=True)  # from task, revision and position of its event
    workspace_id: str
    run_id: str = Field(index=True)
    task_id: str
    kind: str  # nudge | upstream_changed
    text: str
    at_ms: int = big()
    delivered_at_ms: int | None = big(default=None)


class Checkpoint(ControlTable, table=True):
    """The last state a run saved, for the next run to go on from. The content lies in the blob store."""

    __tablename__ = "checkpoints"
    run_id: str = Field(primary_key=True)
    workspace_id: str
    task_id: str = Field(index=True)
    epoch: int
    sha256: str
    size_bytes: int
    note: str = ""
    at_ms: int = big()


class Upload(ControlTable, table=True):
    """A file on its way in, in parts; `received_bytes` is where to go on. Forgotten a day after its last part."""

    __tablename__ = "uploads"
    upload_id: str = Field(primary_key=True)
    workspace_id: str
    owner_id: str  # run, agent or key that began it
    name: str
    media_type: str
    size_bytes: int = big()
    received_bytes: int = big(default=0)
    expected_sha256: str | None = None  # what the client said it would be
    sha256: str | None = None  # once complete
    created_at_ms: int = big()
    touched_at_ms: int = big()


class Freeze(ControlTable, table=True):
    """An emergency stop of one subject: the gateway holds back its keys and cuts its streams at once, from this row.

    A frozen tree is one row for each of its tasks, with `root_id` naming where somebody pressed the button. The task's
    own hold of kind `freeze` follows; the reconciler puts it where we died in between.
    """

    __tablename__ = "freezes"
    scope: str = Field(primary_key=True)  # task | agent | workspace
    subject_id: str = Field(primary_key=True)
    workspace_id: str = Field(index=True)
    root_id: str
    reason: str
    actor_kind: str
    actor_id: str
    actor_name: str
    at_ms: int = big()
