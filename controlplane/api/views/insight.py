"""What a task has made, cost and said, why it waits, and what the next agent gets with it."""

from controlplane.api.views.answers import ActorView, Moment, NanoUsd, View
from controlplane.api.views.tasks import TaskLink
from controlplane.domain.state import TaskStatus


class ActivityView(View, frozen=True):
    """Something that happened or was said. What belongs to its `kind` stands beside these fields."""

    at: Moment
    kind: str
    actor: ActorView


class ActivityPage(View, frozen=True):
    activity: list[ActivityView]
    next_cursor: str | None


class CommentView(View, frozen=True):
    comment_id: str
    author: ActorView
    text: str
    created_at: Moment


class CommentPage(View, frozen=True):
    comments: list[CommentView]
    next_cursor: str | None


class CommentedView(View, frozen=True):
    comment_id: str


class CallView(View, frozen=True):
    """One model or tool call; an empty outcome is a call in flight."""

    call_id: str
    kind: str
    run_id: str | None
    provider: str
    model: str
    endpoint: str
    outcome: str
    status: int
    error_code: str
    is_stream: bool
    is_simulated: bool
    while_waiting: bool
    after_revocation: bool
    subagent: str
    input_tokens: int
    cache_read_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost_nano_usd: NanoUsd
    cost_bound_nano_usd: NanoUsd
    total_us: int
    started_at: Moment
    ended_at: Moment | None


class CallPage(View, frozen=True):
    calls: list[CallView]
    next_cursor: str | None


class TaskCostsView(View, frozen=True):
    """`failed` is what runs used that came to nothing, `waiting` what was spent while it only waited."""

    total_nano_usd: NanoUsd
    failed_nano_usd: NanoUsd
    waiting_nano_usd: NanoUsd
    bound_nano_usd: NanoUsd
    runs: int
    calls: int
    unknown_calls: int


class ReasonView(View, frozen=True):
    """One reason why nothing happens; `refs` are the tasks or agents that it is about."""

    code: str
    sentence: str
    refs: list[str]


class WhyView(View, frozen=True):
    """Why it isn't running, the first to be settled first; nothing for a task at work, or closed."""

    reasons: list[ReasonView]


class LinkView(View, frozen=True):
    """One task of the chain. `depth` counts steps from the task that was asked about."""

    task_id: str
    ref: str
    title: str
    status: TaskStatus
    depth: int
    waits_for: list[TaskLink]
    is_leaf: bool


class ChainView(View, frozen=True):
    """Everything that the task waits for, directly or through others; the leaves are where it really stands still."""

    links: list[LinkView]


class EarlierRunView(View, frozen=True):
    number: int
    agent: str
    state: str
    reason: str
    ended_at: Moment | None


class DecisionView(View, frozen=True):
    """What a person has settled: an answer, or a verdict with its note."""

    kind: str
    asked: str
    said: str
    by: str
    at: Moment


class LatestWorkView(View, frozen=True):
    """The last version there is, with its beginning."""

    version: int
    kind: str
    title: str
    sha256: str
    size_bytes: int
    excerpt: str


class SavedStateView(View, frozen=True):
    run_id: str
    sha256: str
    size_bytes: int
    note: str
    at: Moment


class ToolResultView(View, frozen=True):
    call_id: str
    label: str
    tool: str
    excerpt: str
    at: Moment


class HandoffView(View, frozen=True):
    """The packet for the next agent. Everything but the goal may be empty: then there was nothing of it."""

    task_id: str
    ref: str
    goal: str
    brief: str
    earlier: list[EarlierRunView]
    latest: LatestWorkView | None
    decisions: list[DecisionView]
    open_questions: list[str]
    checkpoint: SavedStateView | None
    tool_results: list[ToolResultView]
    costs: TaskCostsView
