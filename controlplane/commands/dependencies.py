"""Who waits for whom: no cycle gets in, however many people draw edges at once.

A task's workflow knows its own blockers only, so the check is ours. In one immediate transaction the edges are followed
and the new ones are *reserved*: a concurrent request already sees them. Then the task is asked. The reservation ends
with its answer; if we die in between it expires by itself, after the time in which the task could still say yes.

A reservation belongs to one request and is held even for an edge that is there: another request may remove that one
meanwhile, and a third one then must not draw the way back.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from pointsman.contract import ErrorCode
from sqlalchemy import delete, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.commands.desk import CommandRefused, Desk, refused
from controlplane.commands.references import refs_of
from controlplane.domain.commands import AddBlockers
from controlplane.domain.state import Actor, TaskState
from controlplane.store.tables import EdgeReservation, Task, TaskEdge
from controlplane.store.upsert import insert_into, table_of

RESERVED_MS = 600_000  # a command that timed out here may still wait for a worker there


class DependencyCommands(Desk):
    """Verbs about edges."""

    async def add_blockers(
        self,
        actor: Actor,
        command_id: str,
        task_ref: str,
        blockers: Sequence[str],
        workspace_id: str | None = None,
    ) -> TaskState:
        """Makes the task wait for others, given by ref. A cycle is refused, with its path: `["T-3", "T-1", "T-3"]`."""
        task = await self.find_task(task_ref, workspace_id)
        others = [await self.find_task(ref, task.workspace_id) for ref in blockers]
        blocker_ids = tuple(dict.fromkeys(other.task_id for other in others))
        await self._reserve(command_id, task.task_id, blocker_ids, task.workspace_id)
        try:
            state = await self.send(actor, command_id, task.task_id, AddBlockers(blocker_ids))
        except CommandRefused:
            await self._give_back(command_id, task.task_id, 0)
            raise
        await self._give_back(command_id, task.task_id, state.revision)
        return state

    async def _reserve(self, command_id: str, task_id: str, blocker_ids: tuple[str, ...], workspace_id: str) -> None:
        now_ms = self.clock.now_ms()
        reserved = table_of(EdgeReservation)
        async with self.database.transaction() as session:
            await session.execute(delete(reserved).where(reserved.c.until_ms < now_ms))
            graph = await _graph(session, workspace_id)
            for blocker_id in blocker_ids:
                path = find_path(graph, blocker_id, task_id)
                if path:
                    raise await _cycle(session, [task_id, *path])
            ends = {"task_id": task_id, "workspace_id": workspace_id, "until_ms": now_ms + RESERVED_MS}
            rows = [{**ends, "command_id": command_id, "blocker_id": blocker_id} for blocker_id in blocker_ids]
            if rows:
                insert = insert_into(session, EdgeReservation).values(rows)
                key = ["command_id", "task_id", "blocker_id"]
                until = {"until_ms": insert.excluded.until_ms}
                await session.execute(insert.on_conflict_do_update(index_elements=key, set_=until))

    async def _give_back(self, command_id: str, task_id: str, revision: int) -> None:
        """Once SQL shows the revision of the answer: until then nothing else would tell of the new edges."""
        reserved, tasks = table_of(EdgeReservation), table_of(Task)
        shown = select(tasks.c.task_id).where(tasks.c.task_id == task_id, tasks.c.revision >= revision)
        own = (reserved.c.command_id == command_id, reserved.c.task_id == task_id)
        async with self.database.transaction() as session:
            await session.execute(delete(reserved).where(*own, shown.exists()))


async def _graph(session: AsyncSession, workspace_id: str) -> dict[str, list[str]]:
    both = [
        select(columns.task_id, columns.blocker_id).where(columns.workspace_id == workspace_id)
        for columns in (table_of(TaskEdge).c, table_of(EdgeReservation).c)
    ]
    edges = await session.execute(union(*both).order_by("task_id", "blocker_id"))
    graph: dict[str, list[str]] = {}
    for task_id, blocker_id in edges:
        graph.setdefault(task_id, []).append(blocker_id)
    return graph


def find_path(graph: Mapping[str, Sequence[str]], start: str, goal: str) -> list[str]:
    """The tasks from `start` to `goal`, both included, along "waits for"; empty when there is no way."""
    came_from: dict[str, str | None] = {start: None}
    to_visit = [start]
    while to_visit:
        current = to_visit.pop()
        if current == goal:
            path: list[str] = []
            step: str | None = current
            while step is not None:
                path.append(step)
                step = came_from[step]
            return path[::-1]
        for blocker_id in graph.get(current, ()):
            if blocker_id not in came_from:
                came_from[blocker_id] = current
                to_visit.append(blocker_id)
    return []


async def _cycle(session: AsyncSession, path: list[str]) -> CommandRefused:
    numbers = await refs_of(session, path)
    refs = [numbers[task_id] for task_id in path]
    if path[0] == path[1]:
        sentence = "A task cannot wait for itself."
    else:
        known = ", ".join(f"{one} waits for {other}" for one, other in pairwise(refs[1:]))
        sentence = f"{refs[0]} cannot wait for {refs[1]}: {known} already."
    return refused(ErrorCode.DEPENDENCY_CYCLE, sentence, path=refs)
