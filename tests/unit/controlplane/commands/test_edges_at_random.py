"""Edges drawn and removed at random by several clients of two processes, while the engine answers late or not at all.

The truth is in the engine: after each command that it applies, its tasks must not wait for each other in a circle.
"""

import asyncio
from dataclasses import dataclass, field
from random import Random

import pytest

from controlplane.commands import CommandRefused, CommandService
from controlplane.commands.dependencies import find_path
from controlplane.domain.commands import CompleteTask, Envelope, RemoveBlocker, ReopenTask
from controlplane.domain.decide import Refusal
from controlplane.ports import Applied, EngineUnavailable
from controlplane.store.database import open_control
from tests.fakes.engine import MemoryEngine

TASKS = 3
CLIENTS = 6
STEPS = 25


@dataclass
class UnsteadyEngine(MemoryEngine):
    """Takes its time before and after, and sometimes does not answer; looks for a circle after each command."""

    random: Random = field(default_factory=Random)
    loss: float = 0.0

    async def execute(self, task_id: str, envelope: Envelope) -> Applied | Refusal:
        await self._dawdle()
        is_lost = self.random.random() < self.loss
        if is_lost and self.random.random() < 0.5:
            raise EngineUnavailable("away")
        outcome = await super().execute(task_id, envelope)
        assert circle(self) == [], envelope
        await self._dawdle()
        if is_lost:
            raise EngineUnavailable("deaf")
        return outcome

    async def _dawdle(self) -> None:
        for _ in range(self.random.choice([0, 0, 3, 40, 200])):
            await asyncio.sleep(0)


def circle(engine: MemoryEngine) -> list[str]:
    """A task that waits for itself through others, with its way; nothing where there is none."""
    graph = {task_id: list(state.blockers) for task_id, state in engine.tasks.items()}
    for task_id, blockers in graph.items():
        for blocker_id in blockers:
            if path := find_path(graph, blocker_id, task_id):
                return [task_id, *path]
    return []


@dataclass
class Client:
    """One person or script, which repeats what was not answered."""

    name: str
    service: CommandService
    random: Random
    accepted: int = 0
    refused: int = 0

    async def work(self, admin, task_ids: list[str]) -> None:
        for step in range(STEPS):
            await self._try(admin, f"{self.name}_{step}", *self.random.sample(task_ids, 2))

    async def _try(self, admin, command_id: str, task_id: str, other_id: str) -> None:
        verb = self.random.choice(["draw", "draw", "draw", "erase", "erase", "close", "reopen"])
        for _ in range(3):
            try:
                match verb:
                    case "draw":
                        await self.service.add_blockers(admin.actor, command_id, task_id, [other_id])
                    case "erase":
                        await self.service.execute(admin.actor, command_id, task_id, RemoveBlocker(other_id))
                    case "close":
                        await self.service.execute(admin.actor, command_id, task_id, CompleteTask())
                    case _:
                        await self.service.execute(admin.actor, command_id, task_id, ReopenTask())
            except CommandRefused:
                self.refused += 1
                return
            except EngineUnavailable:
                continue
            self.accepted += 1
            return


@pytest.mark.parametrize("seed", range(8))
async def test_no_circle_ever_exists_however_edges_are_drawn_and_erased_at_once(
    seed, service, settings, database, clock, admin
):
    engine = UnsteadyEngine(random=Random(seed))
    other = open_control(settings)
    services = [CommandService(each, engine, service.blobs, clock, service.master_key) for each in (database, other)]
    task_ids = [
        (await services[0].create_task(admin.actor, f"make_{n}", admin.workspace_id, None, f"Task {n}")).task_id
        for n in range(TASKS)
    ]
    engine.loss = 0.05
    clients = [Client(f"c{n}", services[n % 2], Random(f"{seed}/{n}")) for n in range(CLIENTS)]
    try:
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(client.work(admin, task_ids), name=client.name)
    finally:
        await other.close()
    assert circle(engine) == []
    assert sum(client.accepted for client in clients) > 10
    assert sum(client.refused for client in clients) > 10
