"""What happened to a task, in the past tense. Events are kept for ever as the task's activity."""

import msgspec

from controlplane.domain.state import Actor, TaskStatus


class _Event(msgspec.Struct, frozen=True, tag_field="kind", kw_only=True):
    """Base of all events: when, and who did it."""

    at_ms: int
    actor: Actor


class TaskCreated(_Event, tag="task_created", frozen=True, kw_only=True):
    task_id: str
    workspace_id: str
    project_id: str
    number: int
    title: str
    brief: str
    needs: tuple[str, ...]
    priority: int
    agent_id: str | None
    blockers: tuple[str, ...]
    status: TaskStatus


class TaskEdited(_Event, tag="task_edited", frozen=True, kw_only=True):
    title: str | None = None
    brief: str | None = None
    needs: tuple[str, ...] | None = None
    priority: int | None = None


class TaskMoved(_Event, tag="task_moved", frozen=True, kw_only=True):
    origin: TaskStatus
    to: TaskStatus


class TaskAssigned(_Event, tag="task_assigned", frozen=True, kw_only=True):
    agent_id: str | None
    previous_agent_id: str | None


class RunStarted(_Event, tag="run_started", frozen=True, kw_only=True):
    run_id: str
    number: int
    epoch: int
    agent_id: str


class RunEnded(_Event, tag="run_ended", frozen=True, kw_only=True):
    """Without a deliverable: released, failed, lost, cancelled or superseded (`state`)."""

    run_id: str
    agent_id: str
    state: str
    reason: str = ""
    message: str = ""


class DeliverableSubmitted(_Event, tag="deliverable_submitted", frozen=True, kw_only=True):
    run_id: str
    agent_id: str
    version: int
    sha256: str
    size_bytes: int
    format: str
    title: str


class DeliverableApproved(_Event, tag="deliverable_approved", frozen=True, kw_only=True):
    version: int
    note: str


class ChangesRequested(_Event, tag="changes_requested", frozen=True, kw_only=True):
    version: int
    note: str


class QuestionAsked(_Event, tag="question_asked", frozen=True, kw_only=True):
    run_id: str
    question_id: str
    text: str


class QuestionAnswered(_Event, tag="question_answered", frozen=True, kw_only=True):
    question_id: str
    text: str


class BlockersAdded(_Event, tag="blockers_added", frozen=True, kw_only=True):
    task_ids: tuple[str, ...]


class BlockerRemoved(_Event, tag="blocker_removed", frozen=True, kw_only=True):
    task_id: str


class BlockerResolved(_Event, tag="blocker_resolved", frozen=True, kw_only=True):
    task_id: str
    outcome: str


class HumanNeeded(_Event, tag="human_needed", frozen=True, kw_only=True):
    reason: str


class TaskCancelled(_Event, tag="task_cancelled", frozen=True, kw_only=True):
    reason: str


Event = (
    TaskCreated
    | TaskEdited
    | TaskMoved
    | TaskAssigned
    | RunStarted
    | RunEnded
    | DeliverableSubmitted
    | DeliverableApproved
    | ChangesRequested
    | QuestionAsked
    | QuestionAnswered
    | BlockersAdded
    | BlockerRemoved
    | BlockerResolved
    | HumanNeeded
    | TaskCancelled
)
