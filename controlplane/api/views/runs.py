"""What an agent is told: a task to work on, how its run stands, and what it asked for."""

from typing import Any, Literal

from controlplane.api.views.answers import Moment, View
from controlplane.api.views.tasks import TaskView


class GrantView(View, frozen=True):
    """The right to act. `key` is good at this API and at the gateway, for this run alone, while it lives."""

    run_id: str
    number: int
    epoch: int
    key: str
    lease_ttl_seconds: float
    beat_seconds: float


class SaidHereView(View, frozen=True):
    author: str
    text: str
    created_at: Moment


class OfferView(View, frozen=True):
    """A claimed task with everything its run needs."""

    task: TaskView
    run: GrantView
    gateway_url: str
    review_note: str | None
    previous_version_text: str | None
    comments: list[SaidHereView]


class DirectiveView(View, frozen=True):
    """What the run should do or know: `stop` now, `pause` until it is gone, or something said once."""

    kind: Literal["stop", "pause", "nudge", "upstream_changed"]
    text: str


class BeatView(View, frozen=True):
    lease: Literal["held"]
    directives: list[DirectiveView]


class ReceiptView(View, frozen=True):
    """The version that the content became."""

    version: int


class DoneView(View, frozen=True):
    """It is done; there is nothing more to say."""


class AskedView(View, frozen=True):
    question_id: str


class AnswerView(View, frozen=True):
    """`outcome` is empty while nobody answered; `expired` means no. `answer` fits what was asked."""

    answer: Any
    outcome: Literal["", "answered", "expired"]


class CheckpointView(View, frozen=True):
    """The last state that an earlier run of the task left, or this one; `state` is null for what is no JSON."""

    run_id: str
    sha256: str
    size_bytes: int
    note: str
    at: Moment
    state: Any


class KeptView(View, frozen=True):
    sha256: str


class ObstacleView(View, frozen=True):
    """A person was asked under this id; or null: the run has let go of its task, which waits now."""

    question_id: str | None
