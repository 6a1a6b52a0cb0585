"""What a task workflow asks of SQL and of other tasks."""

from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace
from sqlalchemy import Connection, select
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from controlplane.domain.commands import Envelope, ResolveBlocker
from controlplane.domain.state import CLOSED, WAITING, TaskState
from controlplane.ports import Applied, Clock
from controlplane.projections.known import Known, look_up
from controlplane.projections.task import project
from controlplane.store.database import Database
from controlplane.store.tables import Agent, Freeze, Process, Run, Task, TaskEdge
from controlplane.store.upsert import table_of
from workers.known import read_state
from workers.messages import (
    CHECK_BLOCKERS,
    CONFIRM_LOSS,
    HOLD_LEASE,
    NOTIFY_DEPENDENTS,
    PROJECT_TASK,
    READ_TASK,
    SYSTEM,
    CheckBlockers,
    LeaseHeld,
    NotifyDependents,
    ProjectTask,
    ReadTask,
    SilenceSuspected,
    SilenceVerdict,
    closed_as,
)
from workers.suspicion import Presence, judge


@dataclass(frozen=True, slots=True)
class TaskActivities:
    """The activities of the queue `tasks`."""

    control: Database
    client: Client
    clock: Clock
    master_key: bytes

    @activity.defn(name=PROJECT_TASK)
    async def project_task(self, request: ProjectTask) -> None:
        """One transaction, or none when SQL has it all; by the projection's guard a late one is harmless."""
        known = await self.control.read(partial(look_up, applied=request.applied))
        if not known.missing:
            return
        # A successor projects what its predecessor left to it, so a batch may come from two executions.
        executions = {applied.execution_id: applied for applied in known.missing}
        current = {name: await self._is_current(applied, known) for name, applied in executions.items()}
        now_ms = self.clock.now_ms()

        def write(connection: Connection) -> None:
            for applied in known.missing:
                is_current = current[applied.execution_id]
                project(connection, applied, self.master_key, now_ms, is_current_execution=is_current)

        await self.control.write(write)

    async def _is_current(self, applied: Applied, known: Known) -> bool | None:
        """Asks Temporal when SQL knows the task from another execution, so once for each: after a reset the current
        one is behind in revisions, and the late retry of a dead one may be ahead.
        """
        if known.execution_id in {None, applied.execution_id}:
            return None
        description = await self.client.get_workflow_handle(applied.state.task_id).describe()
        return description.run_id == applied.execution_id

    @activity.defn(name=CHECK_BLOCKERS)
    async def check_blockers(self, request: CheckBlockers) -> dict[str, str]:
        """Reads only. Called after the edges were committed: a blocker that closes later will read them."""
        task = table_of(Task).c
        closed = select(task.task_id, task.status, task.revision).where(
            task.task_id.in_(request.blocker_ids), task.status.in_(CLOSED)
        )
        async with self.control.reading() as session:
            return {row.task_id: closed_as(row.status, row.revision) for row in await session.execute(closed)}

    @activity.defn(name=NOTIFY_DEPENDENTS)
    async def notify_dependents(self, request: NotifyDependents) -> None:
        """One signal for each waiting task; a task that heard it before changes nothing."""
        edge = table_of(TaskEdge).c
        dependents = select(edge.task_id).where(edge.blocker_id == request.task_id).order_by(edge.task_id)
        async with self.control.reading() as session:
            task_ids = (await session.execute(dependents)).scalars().all()
        for index in range(_resume_at(), len(task_ids)):
            await signal_resolution(self.client, task_ids[index], self._resolution(request))
            activity.heartbeat(index + 1)

    def _resolution(self, request: NotifyDependents) -> Envelope:
        return Envelope(
            f"resolve/{request.task_id}/{request.revision}",
            SYSTEM,
            self.clock.now_ms(),
            ResolveBlocker(request.task_id, request.outcome, request.revision),
        )

    @activity.defn(name=HOLD_LEASE)
    async def hold_lease(self, lease: LeaseHeld) -> None:
        """Begins a lease. Nobody completes it: the agent's beats keep it, and silence or its run's end closes it.

        The argument is for people who read the history.
        """
        activity.raise_complete_async()

    @activity.defn(name=CONFIRM_LOSS)
    async def confirm_loss(self, suspicion: SilenceSuspected) -> SilenceVerdict:
        """Reads only; see `workers/suspicion.py`."""
        run, process = table_of(Run).c, table_of(Process).c
        signs = select(*run).where(run.run_id == suspicion.run_id)
        presences = select(process.name, process.started_at_ms, process.alive_at_ms)
        async with self.control.reading() as session:
            sign = (await session.execute(signs)).one_or_none()
            processes = [Presence(*row) for row in await session.execute(presences)]
            is_frozen = sign is not None and await _is_frozen(session, sign.task_id, sign.agent_id, sign.workspace_id)
            is_ours = sign is not None and await _is_ours(session, sign.agent_id)
        if sign is None:
            return SilenceVerdict(is_lost=False, reason="the read model does not know this run yet")
        if is_frozen or sign.state in WAITING:
            return SilenceVerdict(is_lost=False, reason="it owes no beat while it waits or stands still")
        if is_ours and await self._goes_on_by_itself(suspicion.run_id):
            return SilenceVerdict(is_lost=False, reason="its own workflow goes on")
        verdict = judge(
            self.clock.now_ms(),
            int(suspicion.silence_seconds * 1000),
            max(sign.started_at_ms, sign.seen_at_ms or 0, suspicion.since_ms),
            processes,
            is_ours=is_ours,
        )
        return replace(verdict, others_are_able=await self._are_others_able(sign.task_id, sign.agent_id))

    async def _goes_on_by_itself(self, run_id: str) -> bool:
        """Temporal holds an agent of ours like its task: after an outage it is where it was, and ends by itself."""
        try:
            description = await self.client.get_workflow_handle(f"run/{run_id}").describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:  # not begun yet, or gone with Temporal's file
                return False
            raise
        return description.status is WorkflowExecutionStatus.RUNNING

    async def _are_others_able(self, task_id: str, agent_id: str) -> bool:
        task, agent = table_of(Task).c, table_of(Agent).c
        others = (
            select(agent.capabilities, task.needs)
            .where(task.task_id == task_id, agent.workspace_id == task.workspace_id)
            .where(agent.agent_id != agent_id, agent.retired_at_ms.is_(None))
        )
        async with self.control.reading() as session:
            return any(set(needs) <= set(able) for able, needs in await session.execute(others))

    @activity.defn(name=READ_TASK)
    async def read_task(self, request: ReadTask) -> TaskState | None:
        """Reads only."""
        return await read_state(self.control, request.task_id)


async def _is_frozen(session: AsyncSession, *subject_ids: str) -> bool:
    freeze = table_of(Freeze).c
    return (await session.execute(select(freeze.scope).where(freeze.subject_id.in_(subject_ids)))).first() is not None


async def _is_ours(session: AsyncSession, agent_id: str) -> bool:
    agent = await session.get(Agent, agent_id)
    return agent is not None and agent.kind == "internal"


async def signal_resolution(client: Client, task_id: str, envelope: Envelope) -> None:
    """Tells a task that one it waits for has closed. A task that is closed or gone needs no telling."""
    try:
        await client.get_workflow_handle(task_id).signal("resolve_blocker", envelope)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise


def _resume_at() -> int:
    details = activity.info().heartbeat_details
    return int(details[0]) if details else 0
