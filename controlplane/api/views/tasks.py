"""A task, as everybody sees it."""

from typing import Any, Literal

from controlplane.api.views.answers import ActorView, Moment, NanoUsd, View
from controlplane.domain.state import BlockerState, HoldKind, HumanCause, RunState, TaskStatus


class TaskLink(View, frozen=True):
    """Another task, by both of its names."""

    task_id: str
    ref: str


class BlockerView(View, frozen=True):
    task_id: str
    ref: str
    state: BlockerState


class SubtasksView(View, frozen=True):
    """How far the parts have come, derived from the sub-tasks whenever it is asked."""

    total: int
    done: int
    closed: int


class HoldView(View, frozen=True):
    """Why it does not go on. Several may stand at once; each is lifted by its kind."""

    kind: HoldKind
    reason: str
    by: str
    at: Moment


class NeedsHumanView(View, frozen=True):
    """Why a person must act, and how they may: paths below `/tasks/{ref}/`, the likeliest first."""

    reason: str
    cause: HumanCause | None
    choices: list[str]


class ApprovalView(View, frozen=True):
    by: ActorView
    note: str
    at: Moment


class ReviewView(View, frozen=True):
    """Who may approve, how many must, and who has. Without reviewers any person may."""

    reviewers: list[ActorView]
    needed: int
    first_pass: ActorView | None
    waits_for_first_pass: bool
    approvals: list[ApprovalView]
    missing: int
    can_approve: list[ActorView]
    problem: str | None


class QuestionView(View, frozen=True):
    """What the agent asks a person. `form` is the JSON Schema of an object."""

    question_id: str
    text: str
    kind: Literal["text", "choice", "form", "approval"]
    choices: list[str]
    form: dict[str, Any]
    asked_at: Moment
    expires_at: Moment | None


class ClarificationView(View, frozen=True):
    """What a reviewer wants to know before the verdict."""

    version: int
    text: str
    asked_by: ActorView
    asked_at: Moment


class RunView(View, frozen=True):
    """One attempt of one agent."""

    run_id: str
    number: int
    epoch: int
    state: RunState
    agent: str
    started_at: Moment


class VersionView(View, frozen=True):
    """One version of the deliverable; `format` is the older word for `kind`."""

    version: int
    run_id: str
    title: str
    kind: str
    format: str
    name: str
    media_type: str
    language: str
    sha256: str
    size_bytes: int
    submitted_at: Moment
    verdict: str | None
    note: str
    reviewed_by: str | None


class CheckpointMark(View, frozen=True):
    """That a run left a state to go on from; the state itself is read by the next run."""

    run_id: str
    note: str
    size_bytes: int
    at: Moment


class UsageView(View, frozen=True):
    """What all runs of the task used together; the *live* and *unknown* figures are estimates and bounds."""

    calls: int
    tool_calls: int
    errors: int
    unknown_calls: int
    input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int
    cost_nano_usd: NanoUsd
    live_cost_nano_usd: NanoUsd
    live_calls: int
    bound_nano_usd: NanoUsd
    is_simulated: bool


class CostsView(View, frozen=True):
    """The cost, of it what was spent while the task only waited, and what runs cost that came to nothing."""

    total_nano_usd: NanoUsd
    wait_nano_usd: NanoUsd
    failed_nano_usd: NanoUsd


class TaskView(View, frozen=True):
    """A task. `revision` is its ETag: send it as `If-Match` to act only on what you saw."""

    task_id: str
    ref: str
    title: str
    brief: str
    status: TaskStatus
    agent: str | None
    needs: list[str]
    priority: int
    project_id: str
    parent: TaskLink | None
    subtasks: SubtasksView | None
    is_blocked: bool
    blockers: list[BlockerView]
    holds: list[HoldView]
    changes_requested: bool
    needs_human: NeedsHumanView | None
    review: ReviewView
    clarification: ClarificationView | None
    question: QuestionView | None
    upstream_changed: list[TaskLink]
    avoids: list[str]
    run: RunView | None
    checkpoint: CheckpointMark | None
    versions: list[VersionView]
    usage: UsageView
    costs: CostsView
    revision: int
    created_by: str
    created_at: Moment
    updated_at: Moment
    closed_at: Moment | None
    board_url: str


class TaskPage(View, frozen=True):
    tasks: list[TaskView]
    next_cursor: str | None
