"""A claimed task in the hands of an agent. Its calls are those of `AsyncTask`, waited for."""

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pointsman import vendors
from pointsman.async_task import AsyncTask
from pointsman.loop_thread import LoopThread
from pointsman.offer import OfferedTask

if TYPE_CHECKING:
    from anthropic import Anthropic
    from openai import OpenAI


class Task(OfferedTask):
    """One run of one task. It ends once: by submit, release or fail, or because the server took it away.

    Every call raises LeaseLost when the run was taken away. As a context manager it reports an exception of the block
    as the run's failure and lets it pass; a block that is only interrupted gives the task back.
    """

    def __init__(self, task: AsyncTask, loop: LoopThread) -> None:
        super().__init__(task._offer)  # noqa: SLF001 - the two are one class in two voices
        self._task = task
        self._loop = loop

    @property
    def is_lost(self) -> bool:
        """Was the run taken away? Then stop: nothing of it counts any more."""
        return self._task.is_lost

    @property
    def is_open(self) -> bool:
        """Neither ended by this program nor taken away."""
        return self._task.is_open

    def progress(self, text: str) -> None:
        """Shows on the card what is being done. Does not wait for the server; of several in a hurry the last counts."""
        self._loop.run(self._task.progress(text))

    def ask(self, text: str) -> str:
        """Asks a person, waits for the answer and keeps the lease alive meanwhile."""
        return self._loop.run(self._task.ask(text))

    def comment(self, text: str) -> None:
        """Says something under the task; `@handle` calls a person."""
        self._loop.run(self._task.comment(text))

    def submit(self, content: str, *, title: str = "", format: str = "markdown") -> int:  # noqa: A002 - wire name
        """Hands in the deliverable and gives its version. The same content again is the same version."""
        return self._loop.run(self._task.submit(content, title=title, format=format))

    def release(self, reason: str = "") -> None:
        """Gives the task back, which is not a failure: another agent may take it at once."""
        self._loop.run(self._task.release(reason))

    def fail(self, message: str = "", *, reason: str = "failed") -> None:
        """Says that this attempt failed. The task goes back to the queue, or to a person after three in a row."""
        self._loop.run(self._task.fail(message, reason=reason))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.run(self._task.part_with(error))

    def openai(self, **options: Any) -> "OpenAI":
        """OpenAI's client, pointed at the gateway with this run's key."""
        return vendors.openai_client(self, options)

    def anthropic(self, **options: Any) -> "Anthropic":
        """Anthropic's client, pointed at the gateway with this run's key."""
        return vendors.anthropic_client(self, options)
