"""`POST /agents/{agent}/…`: what people decide about an agent."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pointsman.contract import ErrorCode

from controlplane.access.callers import Caller
from controlplane.api.agents import described_agent
from controlplane.api.bodies import workspace
from controlplane.api.callers import PEOPLE, LiveCaller
from controlplane.api.commanding import CommandId, Reason
from controlplane.api.deps import ApiDeps, Deps
from controlplane.api.described import operation
from controlplane.api.freezing import act_on_freeze
from controlplane.api.once import once
from controlplane.api.views import answer
from controlplane.api.views.agents import AgentView
from controlplane.api.views.workspace import FrozenView
from controlplane.store.tables import Agent

router = APIRouter(prefix="/agents/{agent}", tags=["agents"])

Named = Annotated[
    str, Path(min_length=1, max_length=60, description="An agent's name, or its id.", examples=["drafty"])
]
UNKNOWN = (ErrorCode.NOT_FOUND,)


@router.post("/pause", **operation("agent_pause", PEOPLE, AgentView, refuses=UNKNOWN))
async def pause(agent: Named, caller: LiveCaller, command_id: CommandId, deps: Deps, reason: Reason) -> Response:
    """It takes no new work and is told to pause; what it holds stays its own."""
    change = partial(deps.commands.pause_agent, caller.actor, agent, reason, caller.workspace_id)
    return await _changed(deps, caller, command_id, change)


@router.post("/resume", **operation("agent_resume", PEOPLE, AgentView, refuses=UNKNOWN))
async def resume(agent: Named, caller: LiveCaller, command_id: CommandId, deps: Deps) -> Response:
    """It may work again."""
    change = partial(deps.commands.resume_agent, caller.actor, agent, caller.workspace_id)
    return await _changed(deps, caller, command_id, change)


@router.post("/retire", **operation("agent_retire", PEOPLE, AgentView, refuses=UNKNOWN))
async def retire(agent: Named, caller: LiveCaller, command_id: CommandId, deps: Deps) -> Response:
    """It takes no new work ever; what it holds it may finish, and its history stays."""
    change = partial(deps.commands.retire_agent, caller.actor, agent, caller.workspace_id)
    return await _changed(deps, caller, command_id, change)


@router.post("/edit", **operation("agent_edit", PEOPLE, AgentView, refuses=UNKNOWN))
async def edit(
    agent: Named, body: workspace.AgentEdit, caller: LiveCaller, command_id: CommandId, deps: Deps
) -> Response:
    """Changes what it can do, and how much at once; what is not said stays."""
    change = partial(
        deps.commands.edit_agent,
        caller.workspace_id,
        agent,
        capabilities=body.capabilities,
        max_concurrency=body.max_concurrency,
    )
    return await _changed(deps, caller, command_id, change)


@router.post("/freeze", **operation("agent_freeze", PEOPLE, FrozenView, refuses=UNKNOWN))
async def freeze(agent: Named, caller: LiveCaller, command_id: CommandId, deps: Deps, reason: Reason) -> Response:
    """Stops the agent and everything it works on at once: its keys, live streams and queued calls."""
    return await act_on_freeze(deps, caller, command_id, deps.commands.freeze, "agent", agent, reason)


@router.post("/thaw", **operation("agent_thaw", PEOPLE, FrozenView, refuses=UNKNOWN))
async def thaw(agent: Named, caller: LiveCaller, command_id: CommandId, deps: Deps, reason: Reason) -> Response:
    """Lets the agent and its tasks go on; what was frozen for another reason stays frozen."""
    return await act_on_freeze(deps, caller, command_id, deps.commands.thaw, "agent", agent, reason)


async def _changed(deps: ApiDeps, caller: Caller, command_id: str, change: Callable[[], Awaitable[Agent]]) -> Response:
    async def act() -> Response:
        agent = await change()
        async with deps.control.reading() as session:
            return answer(await described_agent(session, agent))

    return await once(deps, caller, command_id, act)
