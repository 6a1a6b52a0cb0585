"""Which agents could be given a task, and of the others why they would not take it now."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import TaskState
from controlplane.domain.waiting import AgentSeen, obstacle_of
from controlplane.queries.card import CardView, Plate
from controlplane.queries.rows import AGENTS, rows
from controlplane.queries.why import waiting_facts


@dataclass(frozen=True, slots=True)
class Assignable:
    """An agent to whom it might be given. `why_not` is empty for one that would take it at once."""

    plate: Plate
    agent_id: str
    why_not: str
    at_work: int
    is_holder: bool  # it has the task now: giving it again means a fresh run


async def assignable_to(session: AsyncSession, state: TaskState, now_ms: int) -> tuple[Assignable, ...]:
    """All agents that have not retired; those who could take it at once first, then by name."""
    no_cards: Mapping[str, CardView] = {}
    facts = replace(await waiting_facts(session, state, no_cards, now_ms), assigned_agent_id=None)
    signs = {row.agent_id: row.call_sign for row in await rows(session, AGENTS.select())}

    def assignable(agent: AgentSeen) -> Assignable:
        is_holder = agent.agent_id == state.agent_id
        return Assignable(
            plate=Plate(agent.name, signs[agent.agent_id]),
            agent_id=agent.agent_id,
            why_not=obstacle_of(agent, facts).removeprefix("is "),
            at_work=agent.held,
            is_holder=is_holder,
        )

    found = [assignable(agent) for agent in facts.agents if not agent.is_retired]
    return tuple(sorted(found, key=lambda one: bool(one.why_not)))
