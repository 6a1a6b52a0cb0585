"""When one of the two stores is lost: the read model from the workflows, or the workflows from the read model.

Both are safe to run again, and beside a running product: what is there already is left alone.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial

import msgspec
from sqlalchemy import select
from temporalio.client import Client
from temporalio.common import Priority, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from controlplane.domain.state import CLOSED, TaskState
from controlplane.ports import Applied
from controlplane.projections.task import project
from controlplane.settings import Settings
from controlplane.store.database import Database, open_control
from controlplane.store.tables import Task
from controlplane.store.upsert import table_of
from workers.bootstrap import bootstrap
from workers.engine import engine_over
from workers.messages import TASK_QUEUE, LeaseTerms, TaskStart
from workers.process import open_parts
from workers.workflows.task import REVISION, TaskWorkflow


async def check(settings: Settings) -> None:
    """Says how far the read model agrees with the workflows."""
    async with AsyncExitStack() as stack:
        control = open_control(settings)
        stack.push_async_callback(control.close)
        client = await bootstrap(settings)
        drifted, total = [], 0
        async for task_id, revision in _workflows(client):
            total += 1
            if await _known_revision(control, task_id) != revision:
                drifted.append(task_id)
        sys.stdout.write(f"{total} task workflows, {len(drifted)} differ from the read model\n")
        for task_id in drifted:
            sys.stdout.write(f"  {task_id}\n")


async def rebuild(settings: Settings) -> None:
    """Writes every task that SQL does not have as its workflow has it. Needs running workers, for open tasks."""
    async with AsyncExitStack() as stack:
        parts = await open_parts(settings, stack)
        engine = engine_over(parts.client, settings, parts.control)
        written = 0
        async for task_id, revision in _workflows(parts.client):
            if await _known_revision(parts.control, task_id) == revision:
                continue
            state = await engine.snapshot(task_id)
            if state is None:
                continue
            description = await parts.client.get_workflow_handle(task_id).describe()
            applied = Applied(state, (), description.run_id or "")
            written += await parts.control.write(
                partial(
                    project,
                    applied=applied,
                    master_key=parts.master_key,
                    now_ms=parts.clock.now_ms(),
                    is_current_execution=True,
                )
            )
        sys.stdout.write(f"{written} tasks rebuilt\n")


async def reimport(settings: Settings) -> None:
    """Starts a workflow for every open task of the read model that Temporal does not know (its file was lost)."""
    async with AsyncExitStack() as stack:
        control = open_control(settings)
        stack.push_async_callback(control.close)
        client = await bootstrap(settings)
        started = 0
        for state in await _open_tasks(control):
            started += await _start(client, TaskStart(LeaseTerms.of(settings), state), state)
        sys.stdout.write(f"{started} tasks reimported\n")


async def _start(client: Client, start: TaskStart, state: TaskState) -> bool:
    try:
        await client.start_workflow(
            TaskWorkflow.run,
            start,
            id=state.task_id,
            task_queue=TASK_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            priority=Priority(priority_key=state.priority),
        )
    except WorkflowAlreadyStartedError:
        return False
    return True


async def _open_tasks(control: Database) -> list[TaskState]:
    task = table_of(Task).c
    query = select(task.state_json).where(task.status.not_in(CLOSED)).order_by(task.number)
    async with control.reading() as session:
        return [msgspec.json.decode(text, type=TaskState) for text in (await session.execute(query)).scalars()]


async def _workflows(client: Client) -> AsyncIterator[tuple[str, int | None]]:
    """Id and revision of every task that Temporal remembers, as its visibility store last heard."""
    query = "WorkflowType = 'Task' AND ExecutionStatus != 'ContinuedAsNew'"
    async for execution in client.list_workflows(query):
        yield execution.id, execution.typed_search_attributes.get(REVISION)


async def _known_revision(control: Database, task_id: str) -> int | None:
    task = table_of(Task).c
    async with control.reading() as session:
        return (await session.execute(select(task.revision).where(task.task_id == task_id))).scalar_one_or_none()
