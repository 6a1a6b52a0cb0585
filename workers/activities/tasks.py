"""What a task workflow asks of SQL and of other tasks."""

from dataclasses import dataclass

from sqlalchemy import select
from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from controlplane.domain.commands import Envelope, ResolveBlocker
from controlplane.domain.state import Actor, ActorKind, TaskStatus
from controlplane.ports import Clock
from controlplane.projections.task import project
from controlplane.store.database import Database
from controlplane.store.tables import Process, Run, Task, TaskEdge
from workers.messages import (
    CHECK_BLOCKERS,
    CONFIRM_LOSS,
    HOLD_LEASE,
    NOTIFY_DEPENDENTS,
    PROJECT_TASK,
    CheckBlockers,
    LeaseHeld,
    NotifyDependents,
    ProjectTask,
    SilenceSuspected,
    SilenceVerdict,
)
from workers.suspicion import Presence, judge

_CLOSED = (TaskStatus.DONE, TaskStatus.FAILED, TaskStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class TaskActivities:
    """The activities of the queue `tasks`."""

    control: Database
    client: Client
    clock: Clock
    master_key: bytes

    @activity.defn(name=PROJECT_TASK)
    async def project_task(self, request: ProjectTask) -> None:
        """One transaction; the projection's guard makes a repeated or late one harmless."""
        now_ms = self.clock.now_ms()
        async with self.control.transaction() as session:
            for applied in request.applied:
                await project(session, applied, self.master_key, now_ms)

    @activity.defn(name=CHECK_BLOCKERS)
    async def check_blockers(self, request: CheckBlockers) -> dict[str, str]:
        """Reads only. Called after the edges were committed: a blocker that closes later will read them."""
        rows = select(Task.task_id, Task.status).where(Task.task_id.in_(request.blocker_ids), Task.status.in_(_CLOSED))
        async with self.control.reading() as session:
            return {task_id: status for task_id, status in await session.execute(rows)}

    @activity.defn(name=NOTIFY_DEPENDENTS)
    async def notify_dependents(self, request: NotifyDependents) -> None:
        """One signal for each waiting task; a task that heard it before changes nothing."""
        dependents = select(TaskEdge.task_id).where(TaskEdge.blocker_id == request.task_id).order_by(TaskEdge.task_id)
        async with self.control.reading() as session:
            task_ids = (await session.execute(dependents)).scalars().all()
        for index, task_id in enumerate(task_ids):
            if index >= _resume_at():
                await self._resolve(task_id, request)
                activity.heartbeat(index + 1)

    async def _resolve(self, task_id: str, request: NotifyDependents) -> None:
        envelope = Envelope(
            f"resolve/{request.task_id}/{request.revision}",
            Actor(ActorKind.SYSTEM, "workers", "Pointsman"),
            self.clock.now_ms(),
            ResolveBlocker(request.task_id, request.outcome),
        )
        await signal_resolution(self.client, task_id, envelope)

    @activity.defn(name=HOLD_LEASE)
    async def hold_lease(self, lease: LeaseHeld) -> None:  # noqa: ARG002 - read in Temporal's history by people
        """Begins a lease and leaves it to the agent's beats: nobody completes it, silence or its run's end closes it."""
        activity.raise_complete_async()

    @activity.defn(name=CONFIRM_LOSS)
    async def confirm_loss(self, suspicion: SilenceSuspected) -> SilenceVerdict:
        """Reads only; see `workers/suspicion.py`."""
        async with self.control.reading() as session:
            run = (
                await session.execute(select(Run.started_at_ms, Run.seen_at_ms).where(Run.run_id == suspicion.run_id))
            ).one_or_none()
            processes = (await session.execute(select(Process.name, Process.started_at_ms, Process.alive_at_ms))).all()
        if run is None:
            return SilenceVerdict(is_lost=False, reason="the read model does not know this run yet")
        return judge(
            self.clock.now_ms(),
            int(suspicion.silence_seconds * 1000),
            max(run.started_at_ms, run.seen_at_ms or 0),
            [Presence(name, started, alive) for name, started, alive in processes],
        )


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
