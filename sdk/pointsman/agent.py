"""The agent for programs without asyncio. Beats and the channel live in a daemon thread, whatever the program does."""

import atexit
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from pointsman.async_agent import AsyncAgent
from pointsman.loop_thread import LoopThread
from pointsman.models import Note
from pointsman.signals import StopAsked, stopping_cleanly
from pointsman.task import Task


class Agent:
    """A registered worker. `POINTSMAN_URL` and `POINTSMAN_KEY` say where and who, unless given."""

    def __init__(
        self, name: str, capabilities: Iterable[str] = (), *, url: str | None = None, key: str | None = None
    ) -> None:
        self._agent = AsyncAgent(name, capabilities, url=url, key=key)
        self._loop: LoopThread | None = None

    @property
    def name(self) -> str:
        return self._agent.name

    @property
    def is_working(self) -> bool:
        """Is a task in the hands of the program right now?"""
        return self._agent.is_working

    def tasks(self) -> Iterator[Task]:
        """Claims one ready task after the other, and waits for work without end; `stop()`, Ctrl-C and SIGTERM end it.

        Leaving the loop gives the task back. Asking for the next one without a submit fails the run as
        `not_submitted`. Raises InvalidKey or ServerUnreachable when the very first contact fails.
        """
        try:
            with stopping_cleanly(self):
                while (task := self.next_task()) is not None:
                    yield task
        except StopAsked:
            return
        finally:
            self.close()

    def next_task(self) -> Task | None:
        """The next claimed task, as soon as there is one; None after `stop()`. Ends the run before it."""
        loop = self._open()
        task = loop.run(self._agent.next_task())
        return None if task is None else Task(task, loop)

    def notes(self) -> tuple[Note, ...]:
        """What waits for this agent beside its tasks: mentions, reviews it is asked for, questions on what it made."""
        return self._open().run(self._agent.notes())

    def resolve(self, note: Note) -> None:
        """The note is dealt with."""
        self._open().run(self._agent.resolve(note))

    def review(self, ref: str, verdict: str, note: str = "", *, version: int | None = None) -> None:
        """Says what this agent thinks of a deliverable: approve, request_changes, or ask, the last two with a note."""
        self._open().run(self._agent.review(ref, verdict, note, version=version))

    def read(self, ref: str, version: int | None = None) -> str:
        """The text of a task's deliverable, the latest version unless another is asked for."""
        return self._open().run(self._agent.read(ref, version))

    def stop(self) -> None:
        """Asks for no further task, from any thread. A run under way goes on until its agent asks for the next."""
        self._open().soon(self._agent.stop)

    def close(self) -> None:
        """Gives the task back, hangs up, and ends the thread. The agent may be used again afterwards."""
        loop, self._loop = self._loop, None
        if loop is None:
            return
        atexit.unregister(self.close)
        try:
            loop.run(self._agent.aclose())
        finally:
            loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> LoopThread:
        if self._loop is None:
            self._loop = LoopThread(f"pointsman {self.name}")
            # A program that ends in the middle of a run gives its task back rather than let it wait for the TTL.
            atexit.register(self.close)
        return self._loop
