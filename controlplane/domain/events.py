"""What happened to a task, in the past tense. Events are kept for ever as the task's activity."""

from typing import Any

import msgspec

from controlplane.domain.state import Actor, HoldKind, HumanCause, ReviewRule, TaskStatus


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
    parent_id: str | None = None
    review: ReviewRule = ReviewRule()


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
    reason: str = ""


class RunStarted(_Event, tag="run_started", frozen=True, kw_only=True):
    run_id: str
    number: int
    epoch: int
    agent_id: str
    silence_seconds: float | None = None


class RunEnded(_Event, tag="run_ended", frozen=True, kw_only=True):
    """Without a deliverable: released, failed, lost, cancelled or superseded (`state`)."""

    run_id: str
    agent_id: str
    state: str
    reason: str = ""
    message: str = ""


class RunResumed(_Event, tag="run_resumed", frozen=True, kw_only=True):
    """Lost, and back before anybody took over."""

    run_id: str
    agent_id: str


class RunNudged(_Event, tag="run_nudged", frozen=True, kw_only=True):
    run_id: str
    agent_id: str
    note: str


class RestartAsked(_Event, tag="restart_asked", frozen=True, kw_only=True):
    from_checkpoint: bool
    reason: str


class AgentAvoided(_Event, tag="agent_avoided", frozen=True, kw_only=True):
    """It fell silent on this task twice in a row: somebody else should try."""

    agent_id: str


class DeliverableSubmitted(_Event, tag="deliverable_submitted", frozen=True, kw_only=True):
    run_id: str
    agent_id: str
    version: int
    sha256: str
    size_bytes: int
    format: str
    title: str
    name: str = ""
    media_type: str = ""
    language: str = ""
    is_late: bool = False  # adopted by a person after its run had lost the task


class ReviewSet(_Event, tag="review_set", frozen=True, kw_only=True):
    review: ReviewRule


class ApprovalGiven(_Event, tag="approval_given", frozen=True, kw_only=True):
    """One yes of several that are needed, or the yes of the first pass."""

    version: int
    note: str
    is_first_pass: bool = False


class ClarificationAsked(_Event, tag="clarification_asked", frozen=True, kw_only=True):
    version: int
    text: str


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
    answer_kind: str = "text"
    choices: tuple[str, ...] = ()
    form: dict[str, Any] = {}
    expires_at_ms: int | None = None


class QuestionAnswered(_Event, tag="question_answered", frozen=True, kw_only=True):
    question_id: str
    text: str
    value: Any = None


class QuestionExpired(_Event, tag="question_expired", frozen=True, kw_only=True):
    question_id: str


class TaskHeld(_Event, tag="task_held", frozen=True, kw_only=True):
    hold: HoldKind
    reason: str


class HoldLifted(_Event, tag="hold_lifted", frozen=True, kw_only=True):
    hold: HoldKind
    reason: str


class HelpGiven(_Event, tag="help_given", frozen=True, kw_only=True):
    note: str


class BlockersAdded(_Event, tag="blockers_added", frozen=True, kw_only=True):
    task_ids: tuple[str, ...]


class BlockerRemoved(_Event, tag="blocker_removed", frozen=True, kw_only=True):
    task_id: str


class BlockerResolved(_Event, tag="blocker_resolved", frozen=True, kw_only=True):
    task_id: str
    outcome: str
    revision: int = 0


class UpstreamChanged(_Event, tag="upstream_changed", frozen=True, kw_only=True):
    """A task it has built on was reopened. Nobody is stopped for it; agent and reviewer are told."""

    task_id: str
    run_id: str | None


class HumanNeeded(_Event, tag="human_needed", frozen=True, kw_only=True):
    reason: str
    cause: HumanCause | None = None


class TaskCancelled(_Event, tag="task_cancelled", frozen=True, kw_only=True):
    reason: str


class TaskFailed(_Event, tag="task_failed", frozen=True, kw_only=True):
    reason: str


class TaskCompleted(_Event, tag="task_completed", frozen=True, kw_only=True):
    reason: str


class TaskReopened(_Event, tag="task_reopened", frozen=True, kw_only=True):
    reason: str


Event = (
    TaskCreated
    | TaskEdited
    | TaskMoved
    | TaskAssigned
    | RunStarted
    | RunEnded
    | RunResumed
    | RunNudged
    | RestartAsked
    | AgentAvoided
    | DeliverableSubmitted
    | ReviewSet
    | ApprovalGiven
    | ClarificationAsked
    | DeliverableApproved
    | ChangesRequested
    | QuestionAsked
    | QuestionAnswered
    | QuestionExpired
    | TaskHeld
    | HoldLifted
    | HelpGiven
    | BlockersAdded
    | BlockerRemoved
    | BlockerResolved
    | UpstreamChanged
    | HumanNeeded
    | TaskCancelled
    | TaskFailed
    | TaskCompleted
    | TaskReopened
)
