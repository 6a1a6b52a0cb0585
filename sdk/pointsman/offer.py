"""What a task says about itself: the same words for the synchronous and the asynchronous one."""

from typing_extensions import override  # pydantic brings it; in typing from Python 3.12 on

from pointsman.models import Comment, Offer, RunGrant


class OfferedTask:
    """Read-only facts of a claimed task, as they stood when the run began."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer

    @override
    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.ref} {self.title!r} run {self.run.number}>"

    @property
    def id(self) -> str:
        return self._offer.task.task_id

    @property
    def ref(self) -> str:
        """The task's number as people say it, such as T-12."""
        return self._offer.task.ref

    @property
    def number(self) -> int:
        return int(self.ref.rpartition("-")[2])

    @property
    def title(self) -> str:
        return self._offer.task.title

    @property
    def brief(self) -> str:
        """What is wanted; the title, when nobody wrote more."""
        return self._offer.task.brief or self._offer.task.title

    @property
    def needs(self) -> tuple[str, ...]:
        return self._offer.task.needs

    @property
    def run(self) -> RunGrant:
        """This attempt: `run_id`, `number`, `epoch`, the lease's times."""
        return self._offer.run

    @property
    def review_note(self) -> str | None:
        """What a person wants changed, when the last version came back."""
        return self._offer.review_note

    @property
    def previous_version(self) -> str | None:
        """The text of the last submitted version, if there is one."""
        return self._offer.previous_version_text

    @property
    def comments(self) -> tuple[Comment, ...]:
        return self._offer.comments

    @property
    def board_url(self) -> str | None:
        return self._offer.task.board_url

    @property
    def gateway_url(self) -> str:
        """Where model and tool calls go to be counted on this task, without a trailing slash."""
        return self._offer.gateway_url.rstrip("/")

    @property
    def gateway_key(self) -> str:
        """The key of this run: every call made with it is this run's, and it dies with the run."""
        return self._offer.run.key

    @property
    def openai_base_url(self) -> str:
        return self.gateway_url + "/v1"

    @property
    def anthropic_base_url(self) -> str:
        """Without `/v1`: Anthropic's clients add it themselves."""
        return self.gateway_url

    def mcp_url(self, server: str) -> str:
        """The streamable-HTTP address of a configured tool server; show `gateway_key` as the bearer token."""
        return f"{self.gateway_url}/mcp/{server}"
