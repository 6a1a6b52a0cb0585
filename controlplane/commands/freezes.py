"""The emergency stop, and its release: a task with its tree, one agent, or everything.

Rows of the table `freezes` are the truth. One transaction writes them, and the gateway acts on them within a look: keys
are held, live streams are cut. The holds of the tasks follow; killed in between, the reconciler puts and lifts them
until tasks and rows agree.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Literal

from pointsman.contract import ErrorCode
from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.access.agents import find_agent
from controlplane.commands.desk import CommandRefused, Desk, refused
from controlplane.domain.commands import Command, HoldTask, LiftHold
from controlplane.domain.state import CLOSED, LIVE, Actor, HoldKind, TaskState
from controlplane.ports import EngineUnavailable
from controlplane.store.outbox import announce
from controlplane.store.tables import Freeze, Run, Task
from controlplane.store.upsert import insert_into, table_of

Scope = Literal["task", "agent", "workspace"]
AT_ONCE = 8  # tasks that are told side by side

log = logging.getLogger(__name__)


class FreezeCommands(Desk):
    """Freeze and thaw."""

    async def freeze(
        self, actor: Actor, command_id: str, scope: Scope, reference: str, reason: str, workspace_id: str
    ) -> list[str]:
        """Stops it now; the ids of the tasks that stand still for it. Repeated, it changes nothing."""
        root_id = await self._root(scope, reference, workspace_id)
        now_ms = self.clock.now_ms()
        async with self.database.transaction() as session:
            task_ids = await _tasks_under(session, scope, root_id)
            subjects = [("task", task_id) for task_id in task_ids]
            if scope != "task":
                subjects.append((scope, root_id))
            rows = [_row(kind, one, workspace_id, root_id, reason, actor, now_ms) for kind, one in subjects]
            if rows:
                await session.execute(insert_into(session, Freeze).on_conflict_do_nothing(), rows)
            for _, subject_id in subjects:
                announce(session, workspace_id, "freeze", subject_id, now_ms)
        await self._tell(actor, command_id, task_ids, HoldTask(HoldKind.FREEZE, reason))
        return task_ids

    async def thaw(
        self, actor: Actor, command_id: str, scope: Scope, reference: str, reason: str, workspace_id: str
    ) -> list[str]:
        """Lets it go on; the ids of the tasks that do. What was frozen for another reason stays frozen."""
        root_id = await self._root(scope, reference, workspace_id)
        now_ms = self.clock.now_ms()
        columns = table_of(Freeze).c
        is_meant = or_(columns.root_id == root_id, (columns.scope == scope) & (columns.subject_id == root_id))
        async with self.database.transaction() as session:
            gone = await session.execute(
                delete(table_of(Freeze))
                .where(columns.workspace_id == workspace_id, is_meant)
                .returning(columns.scope, columns.subject_id)
            )
            subjects = [(row.scope, row.subject_id) for row in gone]
            for _, subject_id in subjects:
                announce(session, workspace_id, "freeze", subject_id, now_ms)
        task_ids = [subject_id for kind, subject_id in subjects if kind == "task"]
        await self._tell(actor, command_id, task_ids, LiftHold(HoldKind.FREEZE, reason))
        return task_ids

    async def freeze_with_parent(self, actor: Actor, command_id: str, state: TaskState) -> TaskState:
        """A task that is made below a frozen one stands still with it."""
        columns = table_of(Freeze).c
        async with self.database.reading() as session:
            above = await session.execute(
                select(columns.root_id, columns.reason).where(
                    columns.scope == "task", columns.subject_id == state.parent_id
                )
            )
            frozen = above.first()
        if frozen is None:
            return state
        async with self.database.transaction() as session:
            row = _row(
                "task", state.task_id, state.workspace_id, frozen.root_id, frozen.reason, actor, self.clock.now_ms()
            )
            await session.execute(insert_into(session, Freeze).values(**row).on_conflict_do_nothing())
            announce(session, state.workspace_id, "freeze", state.task_id, self.clock.now_ms())
        hold = HoldTask(HoldKind.FREEZE, frozen.reason)
        return await self.send(actor, f"{command_id}/freeze", state.task_id, hold)

    async def _root(self, scope: Scope, reference: str, workspace_id: str) -> str:
        if scope == "workspace":
            return workspace_id
        if scope == "task":
            return (await self.find_task(reference, workspace_id)).task_id
        async with self.database.reading() as session:
            agent = await find_agent(session, workspace_id, reference)
        if agent is None:
            raise refused(ErrorCode.NOT_FOUND, f"There is no agent {reference!r}.", agent=reference)
        return agent.agent_id

    async def _tell(self, actor: Actor, command_id: str, task_ids: Sequence[str], command: Command) -> None:
        """Tells each task. One that cannot be reached now is told by the reconciler."""
        turns = asyncio.Semaphore(AT_ONCE)

        async def tell(task_id: str) -> None:
            async with turns:
                try:
                    await self.send(actor, f"{command_id}/{task_id}", task_id, command)
                except (CommandRefused, EngineUnavailable) as why:
                    log.warning("a task was not told of a freeze", extra={"task_id": task_id, "reason": str(why)})

        async with asyncio.TaskGroup() as group:
            for task_id in task_ids:
                group.create_task(tell(task_id), name=f"freeze {task_id}")


def _row(
    scope: str, subject_id: str, workspace_id: str, root_id: str, reason: str, actor: Actor, now_ms: int
) -> dict[str, object]:
    return {
        "scope": scope,
        "subject_id": subject_id,
        "workspace_id": workspace_id,
        "root_id": root_id,
        "reason": reason,
        "actor_kind": actor.kind.value,
        "actor_id": actor.id,
        "actor_name": actor.name,
        "at_ms": now_ms,
    }


async def _tasks_under(session: AsyncSession, scope: Scope, root_id: str) -> list[str]:
    if scope == "task":
        return [task_id for task_id, status in await tree_of(session, root_id) if status not in CLOSED]
    run = table_of(Run).c
    is_meant = run.workspace_id == root_id if scope == "workspace" else run.agent_id == root_id
    live = select(run.task_id).where(is_meant, run.state.in_([state.value for state in LIVE])).distinct()
    return list((await session.execute(live)).scalars())


async def tree_of(session: AsyncSession, task_id: str) -> list[tuple[str, str]]:
    """The task and everything below it: id and status, parents first. Ends even if data held a cycle."""
    task = table_of(Task).c
    found: dict[str, str] = {}
    level = [task_id]
    is_below = task.task_id == task_id
    while level:
        rows = await session.execute(select(task.task_id, task.status).where(is_below))
        fresh = {row.task_id: row.status for row in rows if row.task_id not in found}
        found |= fresh
        level = list(fresh)
        is_below = task.parent_id.in_(level)
    return list(found.items())


async def frozen_subjects(session: AsyncSession, subject_ids: Sequence[str]) -> dict[str, str]:
    """Which of these tasks, agents or workspaces are frozen, and why."""
    columns = table_of(Freeze).c
    rows = await session.execute(select(columns.subject_id, columns.reason).where(columns.subject_id.in_(subject_ids)))
    return {row.subject_id: row.reason for row in rows}
