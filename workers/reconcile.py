"""Repairs what no workflow could say: one that was terminated by hand, or lost, told nobody how it stands."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import select
from temporalio.client import Client
from temporalio.service import RPCError

from controlplane.domain.commands import Envelope, ResolveBlocker
from controlplane.domain.state import CLOSED, BlockerState, TaskState
from controlplane.ports import Clock
from controlplane.store.database import Database
from controlplane.store.tables import Task, TaskEdge
from controlplane.store.upsert import table_of
from workers.activities.tasks import signal_resolution
from workers.messages import SYSTEM

AT_ONCE = 500  # tasks read by one statement

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Misbelief:
    """A task takes one that it waits for to be open, done, failed or cancelled, and it is not."""

    state: TaskState
    blocker_id: str
    outcome: BlockerState
    revision: int  # the blocker's


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Idempotent: what it says has the same command id each time, and a task that heard it changes nothing.

    It says it to the very revision that it looked at: a task that has changed since may know better.
    """

    control: Database
    client: Client
    clock: Clock

    async def correct_blockers(self) -> int:
        """Tells every open task how those it waits for stand, where it thinks otherwise; how many it told."""
        missed = await self._missed()
        for one in missed:
            envelope = Envelope(
                f"reconcile/{one.blocker_id}/{one.outcome}/{one.state.revision}",
                SYSTEM,
                self.clock.now_ms(),
                ResolveBlocker(one.blocker_id, one.outcome, one.revision),
                one.state.revision,
            )
            try:
                await signal_resolution(self.client, one.state.task_id, envelope)
            except RPCError as error:  # the next minute tries again
                about = {"task_id": one.state.task_id, "reason": str(error)}
                log.warning("a blocker could not be corrected", extra=about)
        return len(missed)

    async def _missed(self) -> list[Misbelief]:
        waiting, blocker, edge = table_of(Task).alias(), table_of(Task).alias(), table_of(TaskEdge)
        edges = (
            select(edge.c.task_id, edge.c.blocker_id, blocker.c.status, blocker.c.revision)
            .join(waiting, edge.c.task_id == waiting.c.task_id)
            .join(blocker, edge.c.blocker_id == blocker.c.task_id)
            .where(waiting.c.status.not_in(CLOSED))
        )
        async with self.control.reading() as session:
            rows = (await session.execute(edges)).all()
        true = [(row.task_id, row.blocker_id, _outcome(row.status), row.revision) for row in rows]
        states = await self._states(sorted({task_id for task_id, *_ in true}))
        return list(_misbeliefs(states, true))

    async def _states(self, task_ids: Sequence[str]) -> dict[str, TaskState]:
        task = table_of(Task).c
        states: dict[str, TaskState] = {}
        async with self.control.reading() as session:
            for first in range(0, len(task_ids), AT_ONCE):
                texts = select(task.state_json).where(task.task_id.in_(task_ids[first : first + AT_ONCE]))
                for text in (await session.execute(texts)).scalars():
                    state = msgspec.json.decode(text, type=TaskState)
                    states[state.task_id] = state
        return states


def _misbeliefs(
    states: dict[str, TaskState], true: Sequence[tuple[str, str, BlockerState, int]]
) -> Iterator[Misbelief]:
    for task_id, blocker_id, outcome, revision in true:
        state = states.get(task_id)
        believed = None if state is None else state.blockers.get(blocker_id)
        if state is not None and believed is not None and believed is not outcome:
            yield Misbelief(state, blocker_id, outcome, revision)


def _outcome(status: str) -> BlockerState:
    return BlockerState(status) if status in CLOSED else BlockerState.OPEN
