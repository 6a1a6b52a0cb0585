"""An agent takes the next task it is able to do.

SQL proposes, the task itself disposes: the read model may be a moment behind, so a refusal only means "the next one".
"""

import hashlib
from dataclasses import dataclass

import msgspec
from pointsman.contract import ErrorCode, IdPrefix, derive_run_key
from sqlalchemy import Connection, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.commands.desk import CommandRefused, Desk, refused
from controlplane.commands.freezes import frozen_subjects
from controlplane.domain.commands import ClaimTask
from controlplane.domain.state import LIVE, WAITING, Actor, ActorKind, Run, TaskState
from controlplane.store.tables import Agent, Task
from controlplane.store.tables import Run as RunRow
from controlplane.store.upsert import table_of

PROPOSALS = 20  # refusals in a row after which the read model is so far behind that waiting is better
LOOKED_AT_FIRST = 60  # of a long queue mostly enough; fifty agents must not read a thousand rows at each change


@dataclass(frozen=True, slots=True)
class Claim:
    """A task in its agent's hands: the live run, and the key that is good while the run lives."""

    state: TaskState
    run: Run
    key: str


class ClaimCommands(Desk):
    """The verb of agents that look for work."""

    async def claim_next(
        self, agent_id: str, command_id: str, *, capabilities: list[str] | None = None, concurrency: int = 1
    ) -> Claim | None:
        """The first claimable task by priority, then age; None when there is none, or the agent's hands are full.

        Repeated with the same command id it returns the claim that id made, as long as that run lives. `capabilities`
        of None are those the agent registered with.
        """
        read_at = self.asked.now()
        async with self.database.reading() as session:
            agent = await session.get(Agent, agent_id)
            if agent is None:
                raise refused(ErrorCode.NOT_FOUND, "This agent is not registered.")
            held = await _held(session, agent_id)
            earlier = self._claimed_before(held, agent_id, command_id)
            if earlier or await _rests(session, agent) or hands_full(agent, held, concurrency):
                return earlier
            able = {one.strip().lower() for one in (agent.capabilities if capabilities is None else capabilities)}
            candidates = await proposals(session, agent, able)
        return await self._claim_first(agent, command_id, candidates, read_at)

    def _claimed_before(self, held: list[TaskState], agent_id: str, command_id: str) -> Claim | None:
        for state in held:
            if _claim_id(command_id, state.task_id) in state.applied:
                return self._claim_of(state, agent_id)
        return None

    async def _claim_first(self, agent: Agent, command_id: str, candidates: list[str], read_at: float) -> Claim | None:
        actor = Actor(ActorKind.AGENT, agent.agent_id, agent.name)
        for task_id in candidates:
            if self.asked.since(read_at, task_id):
                continue
            claim_id = _claim_id(command_id, task_id)
            command = ClaimTask(agent.agent_id, _run_id(claim_id))
            try:
                with self.asked.asking(task_id):
                    state = await self.send(actor, claim_id, task_id, command)
            except CommandRefused:
                continue
            claim = self._claim_of(state, agent.agent_id)
            if claim is not None:
                await self._note_claim(agent.agent_id)
                return claim
        return None

    async def claim_task(
        self, agent_id: str, command_id: str, task_ref: str, workspace_id: str, silence_seconds: float | None = None
    ) -> Claim:
        """This very task, for an agent that chooses for itself. Raises CommandRefused when it may not have it."""
        task = await self.find_task(task_ref, workspace_id)
        async with self.database.reading() as session:
            agent = await session.get(Agent, agent_id)
            if agent is None:
                raise refused(ErrorCode.NOT_FOUND, "This agent is not registered.")
            if await _rests(session, agent):
                raise refused(ErrorCode.ILLEGAL_TRANSITION, "This agent is paused; it takes no work now.")
        actor = Actor(ActorKind.AGENT, agent.agent_id, agent.name)
        claim_id = _claim_id(command_id, task.task_id)
        command = ClaimTask(agent.agent_id, _run_id(claim_id), silence_seconds)
        state = await self.send(actor, claim_id, task.task_id, command)
        claim = self._claim_of(state, agent.agent_id)
        if claim is None:
            raise refused(ErrorCode.ILLEGAL_TRANSITION, f"{task.ref} is in other hands by now.")
        await self._note_claim(agent.agent_id)
        return claim

    async def _note_claim(self, agent_id: str) -> None:
        agents = table_of(Agent)
        claimed = update(agents).where(agents.c.agent_id == agent_id).values(claimed_at_ms=self.clock.now_ms())

        def note(connection: Connection) -> None:
            connection.execute(claimed)

        await self.database.write(note)

    def _claim_of(self, state: TaskState, agent_id: str) -> Claim | None:
        run = state.live_run
        if run is None or run.agent_id != agent_id:
            return None
        return Claim(state, run, derive_run_key(self.master_key, run.run_id, run.epoch))


async def _rests(session: AsyncSession, agent: Agent) -> bool:
    """It takes no new work: paused, retired, or frozen, alone or with everybody."""
    if agent.is_paused or agent.retired_at_ms is not None:
        return True
    return bool(await frozen_subjects(session, [agent.agent_id, agent.workspace_id]))


def hands_full(agent: Agent, held: list[TaskState], concurrency: int) -> bool:
    """Runs that wait for a person, or stand still, take no hand."""
    busy = sum(state.live_run is not None and state.live_run.state not in WAITING for state in held)
    return busy >= min(concurrency, agent.max_concurrency or concurrency)


def _claim_id(command_id: str, task_id: str) -> str:
    return f"{command_id}/{task_id}"


def _run_id(claim_id: str) -> str:
    """The run that this claim makes, the same for each of its retries.

    The engine takes commands with one id for one command: killed in between, it may write down the retry and carry out
    the first try. Were their runs different, the agent would hold one that the task does not know.
    """
    return f"{IdPrefix.RUN}_{hashlib.sha256(claim_id.encode()).hexdigest()[:26].upper()}"


async def _held(session: AsyncSession, agent_id: str) -> list[TaskState]:
    runs, tasks = table_of(RunRow).c, table_of(Task).c
    states = await session.execute(
        select(tasks.state_json)
        .join(table_of(RunRow), runs.task_id == tasks.task_id)
        .where(runs.agent_id == agent_id, runs.state.in_([state.value for state in LIVE]))
    )
    return [msgspec.json.decode(text, type=TaskState) for text in states.scalars()]


async def proposals(session: AsyncSession, agent: Agent, able: set[str]) -> list[str]:
    """What this agent could claim now, best first, as far as the read model knows."""
    columns = table_of(Task).c
    is_free = or_(columns.agent_id.is_(None), columns.agent_id == agent.agent_id)
    waiting = (
        select(columns.task_id, columns.needs)
        .where(columns.workspace_id == agent.workspace_id, columns.is_claimable, is_free)
        .order_by(columns.priority, columns.created_at_ms, columns.number)
    )
    first = (await session.execute(waiting.limit(LOOKED_AT_FIRST))).all()
    proposed = [task_id for task_id, needs in first if set(needs) <= able]
    if len(proposed) < PROPOSALS and len(first) == LOOKED_AT_FIRST:
        proposed = [task_id for task_id, needs in await session.execute(waiting) if set(needs) <= able]
    return proposed[:PROPOSALS]
