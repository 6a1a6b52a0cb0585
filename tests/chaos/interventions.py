"""Who steps in: gives a task to another agent in the middle of its work, pauses and resumes, freezes and thaws.

Each task at work meets at most one of these. It may be handed in before the word arrives: then a no is right.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from random import Random

from tests.chaos.client import PatientClient
from tests.chaos.duties import Duty, Task, draw

REASSIGNED, PAUSED, FROZEN = 0.10, 0.18, 0.25  # of the tasks, cumulated
STOPPED_SECONDS = 3.0


class Operator:
    """One who has a hand in some of the first runs."""

    def __init__(self, client: PatientClient, seed: int, able: Mapping[str, Sequence[str]]) -> None:
        self._client = client
        self._seed = seed
        self._able = able  # agents by what they can do
        self.acts: Counter[str] = Counter()

    @property
    def told(self) -> str:
        return ", ".join(f"{count} {verb}" for verb, count in sorted(self.acts.items())) or "no interventions"

    def duties(self, task: Task) -> Iterator[Duty]:
        run, chance = task["run"], draw(self._seed, "operate", task)
        if run is None or run["number"] != 1 or chance >= FROZEN:
            return
        act: Callable[[], Awaitable[None]]
        if chance < REASSIGNED:
            act = partial(self._reassign, task, run["agent"])
        elif chance < PAUSED:
            act = partial(self._pause, task)
        else:
            act = partial(self._freeze, f"/tasks/{task['task_id']}", task["ref"])
        yield f"operate/{task['ref']}", act

    async def freeze_all(self) -> None:
        """The red button, and its release."""
        await self._freeze("", "everything")

    async def _reassign(self, task: Task, holder: str) -> None:
        others = [name for name in self._able.get(task["needs"][0], ()) if name != holder]
        if others:
            agent = Random(f"to {self._seed} {task['title']}").choice(others)
            mark = f"{task['title']} is better off with {agent}."
            await self._say(task, "assign", {"agent": agent, "reason": mark}, "task_assigned", mark)

    async def _pause(self, task: Task) -> None:
        paused, resumed = f"Paused: {task['title']}.", f"Resumed: {task['title']}."
        await self._say(task, "hold", {"reason": paused}, "task_held", paused)
        await asyncio.sleep(STOPPED_SECONDS)
        await self._say(task, "resume", {"reason": resumed}, "hold_lifted", resumed)

    async def _freeze(self, place: str, what: str) -> None:
        """No ledger: the rows are the truth, and the reconciler may tell a task in place of the request."""
        await self._client.act(f"{place}/freeze", {"reason": f"Frozen: {what}."}, "freeze/1")
        self.acts["freeze"] += 1
        await asyncio.sleep(STOPPED_SECONDS)
        await self._client.act(f"{place}/thaw", {"reason": f"Thawed: {what}."}, "thaw/1")

    async def _say(self, task: Task, verb: str, body: dict[str, str], kind: str, mark: str) -> None:
        await self._client.command(task["task_id"], verb, body, kind, mark, command_id=f"{verb}/1", may_come_late=True)
        self.acts[verb] += 1
