"""What people decide about an agent, and what waits for it."""

from collections.abc import Sequence
from typing import Any

from pointsman.contract import ErrorCode
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.access.agents import find_agent
from controlplane.commands.desk import Desk, refused
from controlplane.domain.state import Actor
from controlplane.store.outbox import announce
from controlplane.store.tables import Agent, AgentNote
from controlplane.store.upsert import table_of

MAX_CONCURRENCY = 1_000


class AgentCommands(Desk):
    """Verbs about agents. SQL alone: no workflow holds an agent."""

    async def pause_agent(self, actor: Actor, agent: str, reason: str, workspace_id: str) -> Agent:
        """It takes no new work and is told to pause; what it holds stays its own."""
        why = reason.strip() or f"paused by {actor.name}"
        return await self._change(workspace_id, agent, {"is_paused": True, "pause_reason": why})

    async def resume_agent(self, _actor: Actor, agent: str, workspace_id: str) -> Agent:
        """It may work again."""
        return await self._change(workspace_id, agent, {"is_paused": False, "pause_reason": ""})

    async def retire_agent(self, _actor: Actor, agent: str, workspace_id: str) -> Agent:
        """It takes no new work ever; what it holds it may finish, and its history stays."""
        return await self._change(workspace_id, agent, {"retired_at_ms": self.clock.now_ms()})

    async def edit_agent(
        self,
        workspace_id: str,
        agent: str,
        *,
        capabilities: Sequence[str] | None = None,
        max_concurrency: int | None = None,
    ) -> Agent:
        """What is None stays. `max_concurrency` of 0 means as many tasks as it asks for."""
        changes: dict[str, Any] = {}
        if capabilities is not None:
            changes["capabilities"] = sorted({one.strip().lower() for one in capabilities} - {""})
        if max_concurrency is not None:
            if not 0 <= max_concurrency <= MAX_CONCURRENCY:
                raise refused(
                    ErrorCode.INVALID_REQUEST, f"Between 0 and {MAX_CONCURRENCY} at once.", field="max_concurrency"
                )
            changes["max_concurrency"] = max_concurrency
        return await self._change(workspace_id, agent, changes)

    async def _change(self, workspace_id: str, reference: str, changes: dict[str, Any]) -> Agent:
        async with self.database.transaction() as session:
            agent = await existing_agent(session, workspace_id, reference)
            if all(getattr(agent, field) == value for field, value in changes.items()):
                return agent
            for field, value in changes.items():
                setattr(agent, field, value)
            session.add(agent)
            announce(session, workspace_id, "agent", agent.agent_id, self.clock.now_ms())
            await session.flush()
            return agent

    async def notes(self, agent_id: str, limit: int = 50) -> list[AgentNote]:
        """What waits for the agent, oldest first."""
        columns = table_of(AgentNote).c
        async with self.database.reading() as session:
            open_ones = select(AgentNote).where(columns.agent_id == agent_id, columns.resolved_at_ms.is_(None))
            found = await session.execute(open_ones.order_by(columns.created_at_ms, columns.note_id).limit(limit))
            return list(found.scalars())

    async def resolve_note(self, agent_id: str, note_id: str) -> bool:
        """The agent has dealt with it. False: it has no such note."""
        columns = table_of(AgentNote).c
        async with self.database.transaction() as session:
            done = await session.execute(
                update(table_of(AgentNote))
                .where(columns.note_id == note_id, columns.agent_id == agent_id)
                .values(resolved_at_ms=self.clock.now_ms())
                .returning(columns.note_id)
            )
            return done.first() is not None


async def existing_agent(session: AsyncSession, workspace_id: str, reference: str) -> Agent:
    """By name or id. Raises CommandRefused(not_found)."""
    agent = await find_agent(session, workspace_id, reference)
    if agent is None:
        raise refused(ErrorCode.NOT_FOUND, f"There is no agent {reference!r}.", agent=reference)
    return agent
