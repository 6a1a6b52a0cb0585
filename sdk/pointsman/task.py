"""A claimed task in the hands of an agent. Its calls are those of `AsyncTask`, waited for."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pointsman import vendors
from pointsman.asking import Form
from pointsman.async_task import AsyncTask
from pointsman.loop_thread import LoopThread
from pointsman.models import Handoff
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

    @property
    def nudges(self) -> tuple[str, ...]:
        """What people have said to this run while it works, oldest first."""
        return self._task.nudges

    @property
    def is_paused(self) -> bool:
        """Held by a person, and its calls wait at the gateway; or its agent is paused, and is given nothing new."""
        return self._task.is_paused

    @property
    def is_upstream_changed(self) -> bool:
        """A task that this one builds on was reopened since the run began."""
        return self._task.is_upstream_changed

    def ask(
        self,
        text: str,
        *,
        choices: Sequence[str] = (),
        form: Form | None = None,
        expires_in_seconds: float | None = None,
    ) -> Any:
        """Asks a person and waits. The answer is words, one of `choices`, or what fits `form`; expired, it is None.

        `form` is a pydantic model, whose instance comes back, or the JSON Schema of a flat object.
        """
        return self._loop.run(self._task.ask(text, choices=choices, form=form, expires_in_seconds=expires_in_seconds))

    def approve(self, text: str, *, expires_in_seconds: float | None = None) -> bool:
        """Asks a person for a yes. No answer in time is a no."""
        return self._loop.run(self._task.approve(text, expires_in_seconds=expires_in_seconds))

    def checkpoint(self, state: Any, note: str = "") -> None:
        """Saves where the work stands, as JSON: after a restart the next run goes on from the last one saved."""
        self._loop.run(self._task.checkpoint(state, note))

    def last_checkpoint(self) -> Any:
        """What the last run of this task that saved anything saved; None when there is nothing to go on from."""
        return self._loop.run(self._task.last_checkpoint())

    def handoff(self) -> Handoff:
        """What earlier runs left: decisions, open questions, the latest work, the last tool results, the cost."""
        return self._loop.run(self._task.handoff())

    def subtask(self, title: str, *, brief: str = "", needs: Sequence[str] = (), **more: Any) -> str:
        """Makes a task below this one; its number, such as T-13. `more`: priority, agent, blockers."""
        return self._loop.run(self._task.subtask(title, brief=brief, needs=needs, **more))

    def blocked_on(self, text: str, *, tasks: Sequence[str] = ()) -> None:
        """Gives the task back until other tasks are done, or without any until what is outside is there."""
        self._loop.run(self._task.blocked_on(text, tasks=tasks))

    def comment(self, text: str) -> None:
        """Says something under the task; `@handle` calls a person."""
        self._loop.run(self._task.comment(text))

    def submit(
        self,
        content: str,
        *,
        title: str = "",
        format: str = "markdown",  # noqa: A002 - wire name
        language: str = "",
    ) -> int:
        """Hands in the deliverable and gives its version. The same content again is the same version."""
        return self._loop.run(self._task.submit(content, title=title, format=format, language=language))

    def submit_link(self, url: str, *, title: str = "") -> int:
        """Hands in a link: what was made stands elsewhere."""
        return self._loop.run(self._task.submit_link(url, title=title))

    def submit_file(self, path: str | Path, *, title: str = "", media_type: str = "") -> int:
        """Hands in a file; sent in parts, it goes on where it was after a failure."""
        return self._loop.run(self._task.submit_file(path, title=title, media_type=media_type))

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
