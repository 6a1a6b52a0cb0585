"""Gives ready tasks to the agents that live in our workers, and takes ended runs out of their hands.

Woken by the feed, so that a ready task is begun within a second. Killed between a claim and its start, the next pass
starts what is claimed: a run's workflow id is made from the run, so starting it twice is starting it once.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pointsman.contract import IdPrefix, new_id
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from temporalio.client import Client
from temporalio.common import Priority, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from controlplane.commands.service import CommandService
from controlplane.domain.state import LIVE, RunState
from controlplane.feed.changes import Resync
from controlplane.feed.feed import Feed, Subscription
from controlplane.ports import EngineUnavailable
from controlplane.store.tables import Agent, Run
from controlplane.store.upsert import table_of
from workers.agent_messages import DEFAULT_MAX_STEPS, AgentRunStart
from workers.leadership import Leadership
from workers.messages import AGENT_QUEUE
from workers.workflows.agent_run import AgentRunWorkflow

LOOK_ANYWAY_SECONDS = 5.0  # an agent that was paused, a leader that died: rare, and not on the feed
USUAL_CONCURRENCY = 1  # of an agent that has no limit of its own
WAKING = frozenset({"task", "run", "agent", "freeze"})
# A run that ended with a deliverable needs no cancelling: its workflow is about to end by itself.
_TAKEN_AWAY = frozenset({RunState.CANCELLED, RunState.SUPERSEDED, RunState.LOST, RunState.RELEASED, RunState.FAILED})

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Dispatcher:
    """One process's dispatcher; it acts only while it leads."""

    service: CommandService
    client: Client
    feed: Feed
    leadership: Leadership
    beat_seconds: float
    _started: set[str] = field(default_factory=set)

    async def run(self) -> None:
        """Until cancelled."""
        async with self.feed.running(), self.feed.subscribe() as changes:
            try:
                while True:
                    await self._look()
                    await _wait_for_change(changes)
            finally:
                await self.leadership.resign()

    async def _look(self) -> None:
        try:
            if await self.leadership.is_mine():
                await self.dispatch()
        except (OperationalError, EngineUnavailable, RPCError) as error:
            log.warning("internal agents got no work now", extra={"reason": str(error)})

    async def dispatch(self) -> None:
        """One claim for every free agent, starts what is claimed, stops what was taken away.

        A claim wakes the next pass, so that an agent with free hands claims again after all others had theirs. A run
        that is paused or frozen is left alone: its next call waits at the gateway.
        """
        for agent in await self._agents():
            concurrency = agent.max_concurrency or USUAL_CONCURRENCY
            await self.service.claim_next(agent.agent_id, new_id(IdPrefix.COMMAND), concurrency=concurrency)
        live = await self._live_runs()
        for start in live:
            if start.run_id not in self._started:
                await self._start(start)
        gone = self._started - {start.run_id for start in live}
        for run_id in await self._taken_away(gone):
            await self._stop(run_id)
        self._started -= gone

    async def _agents(self) -> Sequence[Agent]:
        """Those that may take work, whoever waited longest first."""
        agent = table_of(Agent).c
        query = (
            select(Agent)
            .where(agent.kind == "internal", agent.is_paused.is_(False), agent.retired_at_ms.is_(None))
            .order_by(agent.claimed_at_ms.asc().nulls_first(), agent.agent_id)
        )
        async with self.service.database.reading() as session:
            return (await session.execute(query)).scalars().all()

    async def _live_runs(self) -> list[AgentRunStart]:
        run, agent = table_of(Run), table_of(Agent)
        query = (
            select(run.c.task_id, run.c.run_id, run.c.epoch, run.c.agent_id, agent.c.definition)
            .join(agent, agent.c.agent_id == run.c.agent_id)
            .where(agent.c.kind == "internal", run.c.state.in_([state.value for state in LIVE]))
        )
        async with self.service.database.reading() as session:
            rows = (await session.execute(query)).all()
        return [
            AgentRunStart(task_id, run_id, epoch, agent_id, _max_steps(definition), self.beat_seconds)
            for task_id, run_id, epoch, agent_id, definition in rows
        ]

    async def _start(self, start: AgentRunStart) -> None:
        with suppress(WorkflowAlreadyStartedError):  # by the leader before us, or by us before a restart
            await self.client.start_workflow(
                AgentRunWorkflow.run,
                start,
                id=start.workflow_id,
                task_queue=AGENT_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                priority=Priority(fairness_key=start.agent_id[:64]),
            )
        self._started.add(start.run_id)

    async def _taken_away(self, run_ids: set[str]) -> Sequence[str]:
        run = table_of(Run).c
        query = select(run.run_id).where(run.run_id.in_(run_ids), run.state.in_(_TAKEN_AWAY))
        async with self.service.database.reading() as session:
            return (await session.execute(query)).scalars().all()

    async def _stop(self, run_id: str) -> None:
        try:
            await self.client.get_workflow_handle(f"run/{run_id}").cancel()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:  # it has ended by itself
                raise


def _max_steps(definition: dict[str, Any] | None) -> int:
    return int((definition or {}).get("max_steps") or DEFAULT_MAX_STEPS)


async def _wait_for_change(changes: Subscription) -> None:
    """Until something happened that may concern an agent, or for a few seconds."""
    try:
        async with asyncio.timeout(LOOK_ANYWAY_SECONDS):
            async for batch in changes:
                if isinstance(batch, Resync) or any(change.topic in WAKING for change in batch):
                    return
    except TimeoutError:
        return
