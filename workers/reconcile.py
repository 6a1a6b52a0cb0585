"""Repairs what no workflow could say: one that was terminated by hand, or lost, told nobody that it closed."""

import logging
from dataclasses import dataclass

import msgspec
from sqlalchemy import select
from temporalio.client import Client
from temporalio.service import RPCError

from controlplane.domain.commands import Envelope, ResolveBlocker
from controlplane.domain.state import CLOSED, Actor, ActorKind, BlockerState, TaskState
from controlplane.ports import Clock
from controlplane.store.database import Database
from controlplane.store.tables import Task, TaskEdge
from controlplane.store.upsert import table_of
from workers.activities.tasks import signal_resolution

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Idempotent: what it says has the same command id each time, and a task that heard it changes nothing."""

    control: Database
    client: Client
    clock: Clock

    async def resolve_closed_blockers(self) -> int:
        """Tells every open task of the blockers that closed without its knowing; how many it told."""
        missed = await self._missed()
        for state, blocker_id, outcome in missed:
            envelope = Envelope(
                f"reconcile/{blocker_id}/{outcome}/{state.revision}",
                Actor(ActorKind.SYSTEM, "workers", "Pointsman"),
                self.clock.now_ms(),
                ResolveBlocker(blocker_id, outcome),
            )
            try:
                await signal_resolution(self.client, state.task_id, envelope)
            except RPCError as error:  # the next minute tries again
                log.warning("a blocker could not be resolved", extra={"task_id": state.task_id, "reason": str(error)})
        return len(missed)

    async def _missed(self) -> list[tuple[TaskState, str, str]]:
        waiting, blocker, edge = table_of(Task).alias(), table_of(Task).alias(), table_of(TaskEdge)
        query = (
            select(waiting.c.state_json, blocker.c.task_id, blocker.c.status)
            .join(edge, edge.c.task_id == waiting.c.task_id)
            .join(blocker, blocker.c.task_id == edge.c.blocker_id)
            .where(waiting.c.is_blocked, waiting.c.status.not_in(CLOSED), blocker.c.status.in_(CLOSED))
        )
        async with self.control.reading() as session:
            rows = (await session.execute(query)).all()
        states = [(msgspec.json.decode(text, type=TaskState), task_id, status) for text, task_id, status in rows]
        return [one for one in states if one[0].blockers.get(one[1]) is BlockerState.OPEN]
