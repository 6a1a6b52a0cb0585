"""The people who look at the board twice a second, and do for each thing that they find what is to be done, once.

Everything they do is decided by the seed and by the task, never by the hour; only when they come to it depends on what
was killed meanwhile.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from random import Random
from typing import Any, Protocol

from tests.chaos.client import PatientClient, Refused

LOOK_SECONDS = 0.5
CLOSED = frozenset({"done", "failed", "cancelled"})

Task = dict[str, Any]
Duty = tuple[str, Callable[[], Awaitable[None]]]  # a name that is the same for the same thing, and what to do


class Person(Protocol):
    """Somebody with an eye on the board."""

    def duties(self, task: Task) -> Iterator[Duty]: ...


class Rounds:
    """Shows every task to everybody again and again."""

    def __init__(self, client: PatientClient, people: Sequence[Person]) -> None:
        self._client = client
        self._people = people
        self._begun: set[str] = set()
        self.statuses: Counter[str] = Counter()

    async def walk(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                tasks = await self._client.tasks()
                self.statuses = Counter(str(task["status"]) for task in tasks)
                for name, act in [duty for task in tasks for one in self._people for duty in one.duties(task)]:
                    if name not in self._begun:
                        self._begun.add(name)
                        group.create_task(_if_allowed(act), name=name)
                await asyncio.sleep(LOOK_SECONDS)

    @property
    def closed(self) -> int:
        return sum(count for status, count in self.statuses.items() if status in CLOSED)


async def _if_allowed(act: Callable[[], Awaitable[None]]) -> None:
    with suppress(Refused):  # the client remembers it; the checks report it
        await act()


def draw(seed: int, what: str, task: Task, number: int = 0) -> float:
    """From 0 to 1, the same for the same task whenever it is looked at."""
    return Random(f"{what} {seed} {task['title']} {number}").random()
