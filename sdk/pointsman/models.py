"""What the server tells an agent, checked where it comes in. Fields of a newer server survive in `model_extra`."""

from typing import Any

from pydantic import BaseModel, ConfigDict


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


class Beat(_Received):
    """The answer to a sign of life."""

    directives: tuple[str, ...] = ()


class Receipt(_Received):
    """A deliverable arrived as this version."""

    version: int


class Accepted(_Received):
    """A command was applied; what else the server says about it is not needed."""


class Answer(_Received):
    """The answer to a question; None while nobody gave one."""

    answer: str | None = None


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
