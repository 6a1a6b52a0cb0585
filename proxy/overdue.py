"""Notices what has gone on for too long, with one timer for all calls instead of one for each.

Most calls are over long before anybody has to look at them, and a timer of one's own that is armed only to be cancelled
costs a call more than its route or its limits do (bench/README.md).
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Overdue(Generic[_T]):
    """Calls back, once, for what entered and has not left within `seconds`; at the earliest after half of them.

    Who is called back for has left. Belongs to one event loop; there is a timer only while something is in.
    """

    def __init__(self, seconds: float, on_overdue: Callable[[_T], None]) -> None:
        self._tick = seconds / 2
        self._on_overdue = on_overdue
        self._fresh: set[_T] = set()  # entered since the last tick
        self._ripe: set[_T] = set()  # entered before it
        self._timer: asyncio.TimerHandle | None = None

    def enter(self, one: _T) -> None:
        self._fresh.add(one)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._tick, self._turn)

    def leave(self, one: _T) -> None:
        """May be called for one that never entered, or has left."""
        self._fresh.discard(one)
        self._ripe.discard(one)

    def inside(self) -> list[_T]:
        """Who has entered and neither left nor been called back for."""
        return [*self._ripe, *self._fresh]

    def _turn(self) -> None:
        overdue, self._ripe, self._fresh = self._ripe, self._fresh, set()
        self._timer = asyncio.get_running_loop().call_later(self._tick, self._turn) if self._ripe else None
        while overdue:
            self._on_overdue(overdue.pop())
