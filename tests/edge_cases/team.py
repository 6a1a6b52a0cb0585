"""A small team at work, for the edge cases: real commands, rules and SQL; tasks live in memory instead of Temporal."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from pointsman.contract import ErrorCode, KeyKind
from sqlalchemy import select

from controlplane.access.agents import register_agent
from controlplane.access.callers import Caller
from controlplane.access.people import Person
from controlplane.commands import Claim, CommandRefused, CommandService
from controlplane.domain.commands import Command, LoseRun
from controlplane.domain.refusals import Refusal
from controlplane.domain.state import Actor, ActorKind, TaskState
from controlplane.domain.waiting import Reason
from controlplane.gateway.destinations import Destinations
from controlplane.gateway.policy import SqlPolicySource
from controlplane.queries.handoff import Handoff, handoff_of
from controlplane.queries.why import why_waiting
from controlplane.settings import Settings
from controlplane.store.database import Database, open_calls
from controlplane.store.tables import Agent, Notice, Task, User
from controlplane.store.upsert import table_of
from tests.fakes.databases import opened
from tests.fakes.engine import MemoryEngine
from tests.unit.controlplane.conftest import StillClock

SYSTEM = Actor(ActorKind.SYSTEM, "workers", "Pointsman")


@dataclass
class Team:
    """Maya, the admin, and agents by name. Every command gets an id of its own."""

    settings: Settings
    service: CommandService
    database: Database
    engine: MemoryEngine
    clock: StillClock
    admin: Person
    agents: dict[str, Agent] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def command_id(self) -> str:
        return f"cmd_{next(self.numbers)}"

    async def hire(self, name: str, *capabilities: str) -> str:
        """An agent that is there; its id."""
        async with self.database.transaction() as session:
            self.agents[name] = await register_agent(session, self.admin.workspace_id, name, self.clock.ms)
        if capabilities:
            await self.service.edit_agent(self.admin.workspace_id, name, capabilities=capabilities)
        return self.agents[name].agent_id

    async def invite(self, name: str) -> Actor:
        """A person more."""
        handle = name.lower()
        row = {"user_id": f"u_{handle}", "email": f"{handle}@example.com", "handle": handle, "created_at_ms": 1}
        async with self.database.transaction() as session:
            session.add(User(workspace_id=self.admin.workspace_id, name=name, **row))
        return Actor(ActorKind.PERSON, f"u_{handle}", name)

    async def task(self, title: str = "Write it", **options: Any) -> TaskState:
        self.clock.ms += 1  # so that the older one is the first
        person, workspace_id = self.admin.actor, self.admin.workspace_id
        return await self.service.create_task(person, self.command_id(), workspace_id, None, title, **options)

    async def claim(self, agent: str, **options: Any) -> Claim | None:
        return await self.service.claim_next(self.agents[agent].agent_id, self.command_id(), **options)

    async def begin(self, agent: str, **options: Any) -> Caller:
        """Takes what there is to take; who then speaks for the run."""
        claim = await self.claim(agent, **options)
        assert claim is not None, await self.why()
        return self.caller(claim)

    def caller(self, claim: Claim) -> Caller:
        run, task_id = claim.run, claim.state.task_id
        whose = (self.admin.workspace_id, run.agent_id, run.agent_id)
        return Caller(KeyKind.RUN, run.run_id, *whose, run.run_id, task_id, run.epoch)

    def agent(self, name: str) -> Actor:
        return Actor(ActorKind.AGENT, self.agents[name].agent_id, name)

    async def say(self, task_id: str, command: Command, actor: Actor | None = None) -> TaskState:
        return await self.service.execute(actor or self.admin.actor, self.command_id(), task_id, command)

    async def is_refused(self, task_id: str, command: Command, actor: Actor | None = None) -> Refusal:
        try:
            await self.say(task_id, command, actor)
        except CommandRefused as no:
            return no.refusal
        raise AssertionError(f"{command} was accepted")

    async def lose(self, caller: Caller, *, others_are_able: bool = True) -> TaskState:
        """As the engine does when nothing was heard of the run."""
        self.clock.ms += 1
        lost = LoseRun(caller.run_id or "", caller.epoch, "No beat and no call for 90 s.", others_are_able)
        return await self.say(caller.task_id or "", lost, SYSTEM)

    def state(self, task_id: str) -> TaskState:
        return self.engine.tasks[task_id]

    async def row(self, task_id: str) -> Task:
        async with self.database.reading() as session:
            row = await session.get(Task, task_id)
        assert row is not None
        return row

    async def notices(self, kind: str | None = None) -> list[tuple[str, str]]:
        """What calls people now: whom, and with which words."""
        columns = table_of(Notice).c
        async with self.database.reading() as session:
            found = (await session.execute(select(Notice).where(columns.resolved_at_ms.is_(None)))).scalars()
            return sorted((one.user_id, one.text) for one in found if kind in {None, one.kind})

    async def why(self, task_id: str | None = None) -> tuple[Reason, ...]:
        task_id = task_id or next(iter(self.engine.tasks))
        async with self.database.reading() as session:
            return await why_waiting(session, self.admin.workspace_id, task_id, self.clock.ms) or ()

    async def handoff(self, task_id: str) -> Handoff:
        calls = open_calls(self.settings)
        try:
            packet = await handoff_of(self.database, calls, self.service.blobs, task_id)
        finally:
            await calls.close()
        assert packet is not None
        return packet

    @contextmanager
    def gateway(self) -> Iterator[SqlPolicySource]:
        """The policy of a gateway that reads the same database."""
        with opened(self.settings.home.control_database) as connection:
            destinations = Destinations(self.settings, {})
            yield SqlPolicySource(connection, self.clock, lambda: self.clock.ms / 1000, destinations, "full")


def is_lease_lost(no: CommandRefused) -> bool:
    return no.refusal.code is ErrorCode.LEASE_LOST
