"""The people of a run: one makes the tasks as the kills go on, one reviews, answers, and helps where help is asked for.

Everything they do is decided by the seed and by the task, never by the hour; only when they come to it depends on what
was killed meanwhile.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Any

from tests.chaos.client import PatientClient, Refused
from tests.chaos.graph import Node

AT_ONCE = 4  # tasks that are made at the same time
LOOK_SECONDS = 0.5
CHANGES_SHARE = 0.2  # of the first and second versions come back
REASSIGNED_SHARE = 0.12  # of the tasks are taken from their first agent's hands
CLOSED = frozenset({"done", "failed", "cancelled"})


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
        task = await self._client.command("/tasks", body, "task_created", brief, command_id=f"make/{node.number}")
        task_id = str(task["task_id"])
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
        path = f"/tasks/{task_id}/{verb}"
        await self._client.command(path, body, kind, mark, command_id=f"{verb}/{node.number}")


class Reviewer:
    """Looks at all tasks twice a second, and does for each version, question and call for help one thing once.

    Some tasks are given to another agent while the first one works: its run is superseded, and its key dies.
    """

    def __init__(self, client: PatientClient, seed: int, able: Mapping[str, Sequence[str]]) -> None:
        self._client = client
        self._seed = seed
        self._able = able  # agents by what they can do
        self._seen: set[str] = set()
        self.statuses: Counter[str] = Counter()
        self.helped = 0
        self.reassigned = 0

    async def work(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                tasks = await self._client.tasks()
                self.statuses = Counter(str(task["status"]) for task in tasks)
                for task in tasks:
                    self._look(group, task)
                await asyncio.sleep(LOOK_SECONDS)

    @property
    def closed(self) -> int:
        return sum(count for status, count in self.statuses.items() if status in CLOSED)

    def _look(self, group: asyncio.TaskGroup, task: dict[str, Any]) -> None:
        ref, task_id = task["ref"], task["task_id"]
        if task["status"] == "in_review" and task["versions"]:
            version = task["versions"][-1]["version"]
            self._once(group, f"review/{task_id}/{version}", self._review(task, version))
        if question := task["question"]:
            self._once(group, f"answer/{question['question_id']}", self._answer(task, question["question_id"]))
        if (run := task["run"]) and run["number"] == 1 and self._draw("reassign", task, 0) < REASSIGNED_SHARE:
            self._once(group, f"reassign/{ref}", self._reassign(task, run["agent"]))
        if task["needs_human"] and task["status"] not in CLOSED:
            # The revision tells one call for help from the next.
            self._once(group, f"help/{ref}/{task['revision']}", self._help(task))

    def _once(self, group: asyncio.TaskGroup, what: str, doing: Any) -> None:
        if what in self._seen:
            doing.close()
            return
        self._seen.add(what)
        group.create_task(_if_allowed(doing), name=what)

    async def _review(self, task: dict[str, Any], version: int) -> None:
        comes_back = version <= 2 and self._draw("review", task, version) < CHANGES_SHARE
        verdict = "request_changes" if comes_back else "approve"
        kind = "changes_requested" if verdict == "request_changes" else "deliverable_approved"
        mark = f"Verdict on {task['title']} v{version}."
        body = {"verdict": verdict, "note": mark, "version": version}
        await self._command(task, "review", body, kind, mark, f"review/{version}")

    async def _answer(self, task: dict[str, Any], question_id: str) -> None:
        mark = f"Answer to {question_id}."
        body = {"text": mark, "question_id": question_id}
        await self._command(task, "answer", body, "question_answered", mark, f"answer/{question_id}")

    async def _reassign(self, task: dict[str, Any], holder: str) -> None:
        """It may be handed in meanwhile: then a no is right."""
        others = [name for name in self._able.get(task["needs"][0], ()) if name != holder]
        if not others:
            return
        agent = Random(f"to {self._seed} {task['title']}").choice(others)
        path, command_id = f"/tasks/{task['task_id']}/assign", "assign/1"
        with suppress(Refused):
            await self._client.command(
                path, {"agent": agent}, "task_assigned", command_id=command_id, may_come_late=True
            )
            self.reassigned += 1

    async def _help(self, task: dict[str, Any]) -> None:
        """To edit a task is to have looked at it: the count of failures starts anew."""
        self.helped += 1
        mark = f"Looked at {task['title']} at revision {task['revision']}."
        await self._command(task, "edit", {"brief": mark}, "task_edited", mark, f"help/{task['revision']}")

    def _draw(self, what: str, task: dict[str, Any], number: int) -> float:
        return Random(f"{what} {self._seed} {task['title']} {number}").random()

    async def _command(
        self, task: dict[str, Any], verb: str, body: dict[str, Any], kind: str, mark: str, command_id: str
    ) -> None:
        path = f"/tasks/{task['task_id']}/{verb}"
        await self._client.command(path, body, kind, mark, command_id=command_id)


async def _if_allowed(doing: Any) -> None:
    with suppress(Refused):  # the client remembers it; the checks report it
        await doing
