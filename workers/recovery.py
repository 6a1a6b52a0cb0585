"""When one of the two stores is lost: the read model from the workflows, or the workflows from the read model.

Both are safe to run again, and beside a running product: what is there already is left alone. Killed between two tasks,
the next run goes on.
"""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import msgspec
from sqlalchemy import select
from temporalio.client import Client, WorkflowExecution
from temporalio.common import Priority, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from controlplane.commands.references import find_task
from controlplane.domain.state import CLOSED, TaskState
from controlplane.settings import Settings
from controlplane.store.database import Database, open_control
from controlplane.store.tables import Task
from controlplane.store.upsert import table_of
from workers.bootstrap import bootstrap
from workers.engine import engine_over
from workers.messages import TASK_QUEUE, LeaseTerms, TaskStart
from workers.process import open_parts
from workers.rebuild import Rebuilder
from workers.workflows.task import REVISION, TaskWorkflow


async def check(settings: Settings) -> None:
    """Says how far the read model agrees with the workflows."""
    async with AsyncExitStack() as stack:
        control = open_control(settings)
        stack.push_async_callback(control.close)
        client = await bootstrap(settings)
        drifted, total = [], 0
        for task_id, revision in await _workflows(client):
            total += 1
            if await _known_revision(control, task_id) != revision:
                drifted.append(task_id)
        sys.stdout.write(f"{total} task workflows, {len(drifted)} differ from the read model\n")
        for task_id in drifted:
            sys.stdout.write(f"  {task_id}\n")


async def rebuild(settings: Settings, references: Sequence[str] = ()) -> None:
    """Writes every task that SQL does not have as its workflow has it, or just these. Needs running workers, for open
    tasks. Raises EngineUnavailable.
    """
    async with AsyncExitStack() as stack:
        parts = await open_parts(settings, stack)
        engine = engine_over(parts.client, settings, parts.control)
        rebuilder = Rebuilder(parts.control, parts.client, engine, parts.clock, parts.master_key)
        written = 0
        async for task_id in _to_rebuild(parts.client, parts.control, references):
            written += await rebuilder.rebuild(task_id)
        sys.stdout.write(f"{written} tasks rebuilt\n")


async def _to_rebuild(client: Client, control: Database, references: Sequence[str]) -> AsyncIterator[str]:
    for reference in references:
        async with control.reading() as session:
            known = await find_task(session, reference)
        yield known.task_id if known else reference
    if references:
        return
    for task_id, revision in await _workflows(client):
        if await _known_revision(control, task_id) != revision:
            yield task_id


async def reimport(settings: Settings) -> None:
    """Starts a workflow for every open task of the read model that has none (its file was lost, or it was killed).

    Closed tasks need none: reopened, they begin from the read model.
    """
    async with AsyncExitStack() as stack:
        control = open_control(settings)
        stack.push_async_callback(control.close)
        client = await bootstrap(settings)
        started = 0
        for state in await _open_tasks(control):
            started += await _start(client, TaskStart(LeaseTerms.of(settings), state), state)
        sys.stdout.write(f"{started} tasks reimported\n")


async def refresh(settings: Settings) -> None:
    """Has every open task continue as new, onto the code of today: afterwards no history needs the code of before."""
    client = await bootstrap(settings)
    asked = 0
    async for execution in client.list_workflows("WorkflowType = 'Task' AND ExecutionStatus = 'Running'"):
        await client.get_workflow_handle_for(TaskWorkflow.run, execution.id).signal(TaskWorkflow.refresh)
        asked += 1
    sys.stdout.write(f"{asked} tasks asked to continue as new\n")


async def _start(client: Client, start: TaskStart, state: TaskState) -> bool:
    try:
        await client.start_workflow(
            TaskWorkflow.run,
            start,
            id=state.task_id,
            task_queue=TASK_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
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


async def _workflows(client: Client) -> list[tuple[str, int | None]]:
    """Id and revision of every task that Temporal remembers, as its visibility store last heard.

    A reopened task has several executions; the last one tells.
    """
    latest: dict[str, WorkflowExecution] = {}
    async for execution in client.list_workflows("WorkflowType = 'Task' AND ExecutionStatus != 'ContinuedAsNew'"):
        known = latest.get(execution.id)
        if known is None or known.start_time < execution.start_time:
            latest[execution.id] = execution
    return [(task_id, one.typed_search_attributes.get(REVISION)) for task_id, one in latest.items()]


async def _known_revision(control: Database, task_id: str) -> int | None:
    task = table_of(Task).c
    async with control.reading() as session:
        return (await session.execute(select(task.revision).where(task.task_id == task_id))).scalar_one_or_none()
