"""The read model of a task, written anew from all that Temporal remembers of it.

A task's histories hold whatever its executions had SQL told, so that even its activity and the verdicts on old versions
come back, for as long as Temporal keeps them. What agents said by beats, and what people commented, is SQL's alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, delete
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from controlplane.domain.commands import without_content
from controlplane.domain.events import TaskCreated
from controlplane.ports import Applied, Clock, TaskEngine
from controlplane.projections.task import project
from controlplane.store.database import Database
from controlplane.store.tables import Task, TaskNumber
from controlplane.store.upsert import insert_for, table_of
from workers.messages import PROJECT_TASK, ProjectTask


@dataclass(frozen=True, slots=True)
class Rebuilder:
    """Safe beside a running product: each task is replaced within one transaction."""

    control: Database
    client: Client
    engine: TaskEngine
    clock: Clock
    master_key: bytes

    async def rebuild(self, task_id: str) -> bool:
        """False: Temporal does not know it. Raises EngineUnavailable: an open task is asked through its worker."""
        state = await self.engine.snapshot(task_id)
        if state is None:
            return False
        current = await self.client.get_workflow_handle(task_id).describe()
        told = await self._told(task_id, current.run_id or "")
        final = Applied(state, (), current.run_id or "")
        await self.control.write(
            partial(_rewrite, told=told, final=final, master_key=self.master_key, now_ms=self.clock.now_ms())
        )
        return True

    async def _told(self, task_id: str, current_id: str) -> list[Applied]:
        """What SQL was told by all executions, oldest first. Visibility may not know the current one yet."""
        found = [one async for one in self.client.list_workflows(f"WorkflowId = '{task_id}'")]
        earlier = [one.run_id for one in sorted(found, key=lambda one: one.start_time) if one.run_id != current_id]
        told: list[Applied] = []
        for execution_id in (*earlier, current_id):
            told += await self._told_by(task_id, execution_id)
        return told

    async def _told_by(self, task_id: str, execution_id: str) -> list[Applied]:
        told: list[Applied] = []
        try:
            async for event in self.client.get_workflow_handle(task_id, run_id=execution_id).fetch_history_events():
                told += await self._told_in(event)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:  # its retention has passed meanwhile
                raise
        return told

    async def _told_in(self, event: HistoryEvent) -> Sequence[Applied]:
        asked = event.activity_task_scheduled_event_attributes
        if asked.activity_type.name != PROJECT_TASK:
            return ()
        (request,) = await self.client.data_converter.decode(asked.input.payloads, [ProjectTask])
        applied: tuple[Applied, ...] = request.applied
        return applied


def _rewrite(connection: Connection, told: Sequence[Applied], final: Applied, master_key: bytes, now_ms: int) -> None:
    tasks = table_of(Task)
    connection.execute(delete(tasks).where(tasks.c.task_id == final.state.task_id))
    for applied in told:
        project(connection, applied, master_key, now_ms)
        if any(isinstance(event, TaskCreated) for event in applied.events):
            _give_number(connection, applied)
    project(connection, final, master_key, now_ms, is_current_execution=True)


def _give_number(connection: Connection, created: Applied) -> None:
    """So that a late retry of the command that made the task finds it."""
    state = created.state
    insert = insert_for(connection.dialect.name, TaskNumber).values(
        command_id=without_content(created.command_id),
        workspace_id=state.workspace_id,
        number=state.number,
        task_id=state.task_id,
    )
    connection.execute(insert.on_conflict_do_nothing())
