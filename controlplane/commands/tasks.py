"""Creating tasks, and everything a person decides about one."""

from pointsman.contract import ErrorCode, IdPrefix, new_id
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.access.agents import find_agent
from controlplane.commands.desk import refused
from controlplane.commands.freezes import FreezeCommands, tree_of
from controlplane.commands.references import find_task
from controlplane.commands.reviews import ReviewWish, resolve_review
from controlplane.domain.commands import AssignTask, CancelTask, CreateTask, without_content
from controlplane.domain.state import CLOSED, Actor, TaskState
from controlplane.store.tables import Project, Task, TaskNumber
from controlplane.store.upsert import table_of


class TaskCommands(FreezeCommands):
    """Verbs about a task as a whole."""

    async def create_task(
        self,
        actor: Actor,
        command_id: str,
        workspace_id: str,
        project_id: str | None,
        title: str,
        *,
        brief: str = "",
        needs: tuple[str, ...] = (),
        priority: int = 3,
        agent: str | None = None,
        blockers: tuple[str, ...] = (),
        to_backlog: bool = False,
        parent: str | None = None,
        review: ReviewWish | None = None,
    ) -> TaskState:
        """A new task, or the one this command id made before. `agent` by name or id, `blockers` and `parent` by ref."""
        async with self.database.transaction() as session:
            project = await _project(session, workspace_id, project_id)
            agent_id = await agent_id_of(session, workspace_id, agent)
            blocker_ids = tuple(dict.fromkeys([await _existing(session, workspace_id, ref) for ref in blockers]))
            parent_id = await _parent(session, workspace_id, parent)
            rule = await resolve_review(session, workspace_id, review)
            number, task_id = await _number(session, workspace_id, command_id, self.clock.now_ms())
        command = CreateTask(
            task_id=task_id,
            workspace_id=workspace_id,
            project_id=project,
            number=number,
            title=title,
            brief=brief,
            needs=tuple(dict.fromkeys(need.strip().lower() for need in needs if need.strip())),
            priority=priority,
            agent_id=agent_id,
            blockers=blocker_ids,
            to_backlog=to_backlog,
            parent_id=parent_id,
            review=rule,
        )
        state = await self.send(actor, command_id, task_id, command)
        return await self.freeze_with_parent(actor, command_id, state) if parent_id else state

    async def assign(
        self,
        actor: Actor,
        command_id: str,
        task_ref: str,
        agent: str | None,
        workspace_id: str | None = None,
        reason: str = "",
        expected_revision: int | None = None,
    ) -> TaskState:
        """To an agent by name or id, or with None to whoever is able."""
        task = await self.find_task(task_ref, workspace_id)
        async with self.database.reading() as session:
            agent_id = await agent_id_of(session, task.workspace_id, agent)
        return await self.send(actor, command_id, task.task_id, AssignTask(agent_id, reason), expected_revision)

    async def cancel_tree(
        self,
        actor: Actor,
        command_id: str,
        task_ref: str,
        reason: str = "",
        workspace_id: str | None = None,
        *,
        with_subtasks: bool = False,
    ) -> TaskState:
        """Cancels the task, and on request every open task below it first: a retry finds those closed already."""
        task = await self.find_task(task_ref, workspace_id)
        if with_subtasks:
            async with self.database.reading() as session:
                below = [task_id for task_id, status in await tree_of(session, task.task_id) if status not in CLOSED]
            for task_id in reversed([one for one in below if one != task.task_id]):
                await self.send(actor, f"{command_id}/{task_id}", task_id, CancelTask(reason))
        return await self.send(actor, command_id, task.task_id, CancelTask(reason))


async def agent_id_of(session: AsyncSession, workspace_id: str, reference: str | None) -> str | None:
    """An agent's id by name or id. Raises CommandRefused when there is no such agent."""
    if not reference:
        return None
    agent = await find_agent(session, workspace_id, reference)
    if agent is None:
        raise refused(ErrorCode.INVALID_REQUEST, f"There is no agent {reference!r}.", field="agent")
    return agent.agent_id


async def _existing(session: AsyncSession, workspace_id: str, reference: str) -> str:
    task = await find_task(session, reference, workspace_id)
    if task is None:
        raise refused(ErrorCode.INVALID_REQUEST, f"There is no task {reference!r} to wait for.", field="blockers")
    return task.task_id


async def _parent(session: AsyncSession, workspace_id: str, reference: str | None) -> str | None:
    if not reference:
        return None
    parent = await find_task(session, reference, workspace_id)
    if parent is None:
        raise refused(ErrorCode.INVALID_REQUEST, f"There is no task {reference!r} to be part of.", field="parent")
    return parent.task_id


async def _project(session: AsyncSession, workspace_id: str, project_id: str | None) -> str:
    columns = table_of(Project).c
    query = select(columns.project_id).where(columns.workspace_id == workspace_id).order_by(columns.created_at_ms)
    found = await session.execute(query.where(columns.project_id == project_id) if project_id else query)
    project = found.scalars().first()
    if project is None:
        raise refused(ErrorCode.INVALID_REQUEST, f"There is no project {project_id!r}.", field="project_id")
    return str(project)


async def _number(session: AsyncSession, workspace_id: str, command_id: str, now_ms: int) -> tuple[int, str]:
    """The next number, given before the workflow starts: a retry finds it again, a crash leaves a gap."""
    command_id = without_content(command_id)  # the same id with another body must meet the task it made
    known = await session.get(TaskNumber, command_id)
    if known is None:
        known = TaskNumber(
            command_id=command_id,
            workspace_id=workspace_id,
            number=await _last_number(session, workspace_id) + 1,
            task_id=new_id(IdPrefix.TASK, now_ms),
        )
        session.add(known)
    elif known.workspace_id != workspace_id:
        raise refused(ErrorCode.IDEMPOTENCY_MISMATCH, "This command id was used for another task.")
    return known.number, known.task_id


async def _last_number(session: AsyncSession, workspace_id: str) -> int:
    """Looks at the tasks too: they may have been imported into a database that never gave them a number."""
    last = 0
    for columns in (table_of(TaskNumber).c, table_of(Task).c):
        found = await session.execute(select(func.max(columns.number)).where(columns.workspace_id == workspace_id))
        last = max(last, found.scalar() or 0)
    return last
