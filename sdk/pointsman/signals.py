"""Ctrl-C and SIGTERM end an agent as a person expects: waiting ends, a task at hand is given back, no traceback.

A program that has handlers of its own keeps them. Everywhere but in the main thread this does nothing.
"""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from pointsman.async_agent import AsyncAgent

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class StopAsked(BaseException):
    """Raised into a loop that waits for work, and caught by it. Never seen by the program."""


class Working(Protocol):
    """Somebody who has a task at hand or has not."""

    @property
    def is_working(self) -> bool: ...


def _is_untouched(number: signal.Signals) -> bool:
    handler = signal.getsignal(number)
    # asyncio.run puts its own in place of Python's: also nothing that the program has chosen.
    is_asyncios = getattr(getattr(handler, "func", None), "__module__", "") == "asyncio.runners"
    return handler in {signal.SIG_DFL, signal.default_int_handler} or is_asyncios


def _free_signals() -> list[signal.Signals]:
    if threading.current_thread() is not threading.main_thread():
        return []
    return [number for number in _SIGNALS if _is_untouched(number)]


@contextmanager
def stopping_cleanly(agent: Working) -> Iterator[None]:
    """While inside, a signal raises StopAsked in a waiting loop, and SystemExit(0) in a program that works."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(0) if agent.is_working else StopAsked

    before = {number: signal.signal(number, stop) for number in _free_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def stopping_cleanly_async(agent: "AsyncAgent") -> Iterator[None]:
    """While inside, a signal ends a waiting loop; a program that works exits after its task was given back."""
    loop = asyncio.get_running_loop()
    parting: list[asyncio.Task[None]] = []

    def exit_now(_: asyncio.Task[None]) -> None:
        raise SystemExit(0)

    def stop() -> None:
        if not agent.is_working:
            agent.stop()
        elif not parting:
            parting.append(loop.create_task(agent.give_back(), name="give the task back"))
            parting[0].add_done_callback(exit_now)

    taken = []
    for number in _free_signals():
        try:
            loop.add_signal_handler(number, stop)
        except (NotImplementedError, RuntimeError):  # Windows, or a loop outside of the main thread
            continue
        taken.append((number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL))
    try:
        yield
    finally:
        for number, handler in taken:
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
