"""What the server tells an agent, checked where it comes in. Fields of a newer server survive in `model_extra`."""

from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator


class _Received(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class TaskDetails(_Received):
    """The task as it stood when this run began."""

    task_id: str
    ref: str
    title: str
    brief: str = ""
    needs: tuple[str, ...] = ()
    priority: int = 3
    board_url: str | None = None


class RunGrant(_Received):
    """The right to act: `key` is the gateway key and the API key of this run alone and dies with it."""

    run_id: str
    number: int
    epoch: int
    key: str
    lease_ttl_seconds: float = 60.0
    beat_seconds: float = 15.0


class Comment(_Received):
    """What somebody wrote under the task."""

    text: str
    author: str = ""
    created_at: str | None = None


class Offer(_Received):
    """A claimed task with everything its run needs."""

    task: TaskDetails
    run: RunGrant
    gateway_url: str
    review_note: str | None = None
    previous_version_text: str | None = None
    comments: tuple[Comment, ...] = ()


class Directive(_Received):
    """What a run is told: `stop`, `pause`, `nudge` with a person's words, `upstream_changed`."""

    kind: str
    text: str = ""


class Beat(_Received):
    """The answer to a sign of life."""

    directives: tuple[Directive, ...] = ()

    @field_validator("directives", mode="before")
    @classmethod
    def _from_words(cls, value: Any) -> Any:
        """A server of the first version says bare words."""
        return [{"kind": one} if isinstance(one, str) else one for one in value or ()]


class Receipt(_Received):
    """A deliverable arrived as this version."""

    version: int


class Accepted(_Received):
    """A command was applied; what else the server says about it is not needed."""


class Answer(_Received):
    """What became of a question. While `outcome` is empty nobody has answered, unless an older server just says it."""

    answer: Any = None
    outcome: str = ""  # answered | expired

    @property
    def is_settled(self) -> bool:
        return bool(self.outcome) or self.answer is not None


class SavedState(_Received):
    """A checkpoint of this task: `state` is what `checkpoint` was given, None when there is none."""

    state: Any = None
    note: str = ""


class Handoff(_Received):
    """What an earlier agent left; the fields are told in the reference of the JSON API."""

    goal: str = ""
    brief: str = ""
    earlier: tuple[dict[str, Any], ...] = ()
    latest: dict[str, Any] | None = None
    decisions: tuple[dict[str, Any], ...] = ()
    open_questions: tuple[str, ...] = ()
    checkpoint: dict[str, Any] | None = None
    tool_results: tuple[dict[str, Any], ...] = ()
    costs: dict[str, Any] = {}


class NewTask(_Received):
    """A task that was just made."""

    task_id: str
    ref: str


class UploadState(_Received):
    """How much of a file has arrived; `sha256` once it is all there."""

    upload_id: str
    offset: int
    sha256: str | None = None


class Note(_Received):
    """What waits for an agent: a mention, a review it is asked for, a question about what it made."""

    note_id: str
    kind: str  # mention | review | clarification
    ref: str
    text: str
    version: int = 0


class Notes(_Received):
    notes: tuple[Note, ...] = ()


class Versions(_Received):
    """A task's deliverables, oldest first."""

    deliverables: tuple[Receipt, ...] = ()


class Problem(_Received):
    """RFC 9457, as far as we read it. `model_extra` holds the members of its kind."""

    title: str = ""
    detail: str = ""
    code: str = "internal"

    @property
    def sentence(self) -> str:
        return self.detail or self.title

    @property
    def members(self) -> dict[str, Any]:
        return dict(self.model_extra or {})
