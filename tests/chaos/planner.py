"""Who makes the tasks of a run: as the kills go on, several at once, each after those that it waits for."""

import asyncio
from collections.abc import Callable
from typing import Any

from tests.chaos.client import PatientClient
from tests.chaos.graph import Node

AT_ONCE = 4  # tasks that are made at the same time


class Planner:
    """Makes the tasks in the order of the graph, and no faster than `may_make` allows."""

    def __init__(self, client: PatientClient, nodes: tuple[Node, ...], may_make: Callable[[], int]) -> None:
        self._client = client
        self._nodes = nodes
        self._may_make = may_make
        self._places = asyncio.Semaphore(AT_ONCE)
        self.task_ids: dict[int, str] = {}

    @property
    def is_done(self) -> bool:
        return len(self.task_ids) == len(self._nodes)

    async def make_all(self) -> None:
        made = [asyncio.Event() for _ in self._nodes]
        async with asyncio.TaskGroup() as group:
            for node in self._nodes:
                group.create_task(self._make_in_turn(node, made), name=node.title)

    async def _make_in_turn(self, node: Node, made: list[asyncio.Event]) -> None:
        for blocker in node.all_blockers:
            await made[blocker].wait()
        while self._may_make() <= node.number:
            await asyncio.sleep(0.1)
        async with self._places:
            self.task_ids[node.number] = await self._make(node)
        made[node.number].set()

    async def _make(self, node: Node) -> str:
        """One command for most; a late edge or a cancellation takes more."""
        brief = f"Made as number {node.number}, level {node.level}."
        body = {
            "title": node.title,
            "brief": brief,
            "needs": [node.needs],
            "priority": node.priority,
            "blockers": [self._made(number) for number in node.blockers],
            "backlog": bool(node.late_blockers),
        }
        task_id = await self._client.make_task(body, brief, f"make/{node.number}")
        if node.late_blockers:
            late = [self._made(number) for number in node.late_blockers]
            await self._say(node, task_id, "blockers", {"tasks": late}, "blockers_added")
            await self._say(node, task_id, "move", {"to": "ready"}, "task_moved")
        if node.is_called_off:
            reason = f"Called off: {node.title}"
            await self._say(node, task_id, "cancel", {"reason": reason}, "task_cancelled", reason)
        return task_id

    def _made(self, number: int) -> str:
        return self.task_ids[number]

    async def _say(self, node: Node, task_id: str, verb: str, body: dict[str, Any], kind: str, mark: str = "") -> None:
        await self._client.command(task_id, verb, body, kind, mark, command_id=f"{verb}/{node.number}")
