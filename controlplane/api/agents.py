"""`/agents`: who works here."""

from fastapi import APIRouter, Response
from pointsman.contract import ErrorCode, KeyKind
from sqlalchemy import select

from controlplane.access.agents import agent_name, register_agent
from controlplane.api import bodies
from controlplane.api.callers import LiveCaller
from controlplane.api.deps import Deps
from controlplane.api.views import answer, iso
from controlplane.commands.desk import refused
from controlplane.store.tables import Agent

router = APIRouter(prefix="/agents")


@router.post("")
async def register(body: bodies.AgentRegistration, caller: LiveCaller, deps: Deps) -> Response:
    """Makes an agent, or changes what is given of one. An agent's key may speak of its own agent only."""
    name = checked_name(body.name)
    if caller.kind is not KeyKind.ADMIN and caller.name != name:
        raise refused(ErrorCode.FORBIDDEN, f"This key belongs to agent {caller.name!r}.")
    async with deps.control.transaction() as session:
        agent = await register_agent(
            session,
            caller.workspace_id,
            name,
            deps.clock.now_ms(),
            capabilities=body.capabilities,
            call_sign=body.call_sign,
        )
    return answer(_view(agent))


@router.get("")
async def list_agents(caller: LiveCaller, deps: Deps) -> Response:
    async with deps.control.reading() as session:
        agents = await session.execute(
            select(Agent).where(Agent.workspace_id == caller.workspace_id).order_by(Agent.name)  # type: ignore[arg-type]  # SQLModel types columns as their values
        )
        return answer({"agents": [_view(agent) for agent in agents.scalars()]})


def checked_name(text: str) -> str:
    """An agent's name as stored. Raises CommandRefused(invalid_request)."""
    try:
        return agent_name(text)
    except ValueError as error:
        raise refused(ErrorCode.INVALID_REQUEST, str(error), field="name") from None


def _view(agent: Agent) -> dict[str, object]:
    return {
        "agent_id": agent.agent_id,
        "name": agent.name,
        "call_sign": agent.call_sign,
        "kind": agent.kind,
        "capabilities": agent.capabilities,
        "is_paused": agent.is_paused,
        "is_simulated": agent.is_simulated,
        "created_at": iso(agent.created_at_ms),
        "seen_at": iso(agent.seen_at_ms),
    }
