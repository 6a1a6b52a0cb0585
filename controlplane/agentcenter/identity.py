"""Which agent is meant: an agent's key says it; with a workspace's key the request does, by id or by name."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Request
from pointsman.contract import ErrorCode, KeyKind
from sqlalchemy import select

from controlplane.access.agents import find_agent, register_agent
from controlplane.access.callers import Caller
from controlplane.api.callers import LiveCaller, holder_of
from controlplane.api.deps import ApiDeps, Deps
from controlplane.commands.desk import refused
from controlplane.domain.state import LIVE
from controlplane.store.tables import Agent, Run
from controlplane.store.upsert import table_of

AGENT_HEADER = "x-agent-id"


async def read_body(request: Request) -> dict[str, Any]:
    """The JSON object that was sent; what is no object is refused. Nothing sent is an empty one."""
    if not await request.body():
        return {}
    try:
        body = await request.json()
    except ValueError:
        raise refused(ErrorCode.INVALID_REQUEST, "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise refused(ErrorCode.INVALID_REQUEST, "The body is a JSON object.")
    return body


Body = Annotated[dict[str, Any], Depends(read_body)]


async def acting_agent(request: Request, caller: LiveCaller, body: Body, deps: Deps) -> Caller:
    """The caller as that agent. Raises CommandRefused when a workspace's key names none."""
    if caller.kind is KeyKind.AGENT:
        return caller
    if caller.kind is not KeyKind.ADMIN:
        raise refused(ErrorCode.FORBIDDEN, "This needs an agent's key, or a workspace's key and an agent_id.")
    name = agent_reference(body) or request.query_params.get("agent_id") or request.headers.get(AGENT_HEADER)
    if not name:
        raise refused(ErrorCode.INVALID_REQUEST, "With a workspace's key, say which agent in `agent_id`.")
    async with deps.control.reading() as session:
        agent = await find_agent(session, caller.workspace_id, name)
    if agent is None:
        raise refused(ErrorCode.NOT_FOUND, f"There is no agent {name!r}. It introduces itself at /api/events/ingest.")
    return as_agent(caller, agent)


ActingAgent = Annotated[Caller, Depends(acting_agent)]


def as_agent(caller: Caller, agent: Agent) -> Caller:
    """A workspace's key in the hands of one of its agents."""
    return Caller(KeyKind.AGENT, caller.key_id, caller.workspace_id, agent.name, agent.agent_id)


def agent_reference(body: Mapping[str, Any]) -> str:
    """The agent that a body names: `agent_id`, `agentId`, or `agent` as a name or an object."""
    agent = body.get("agent_id") or body.get("agentId") or body.get("agent") or ""
    if isinstance(agent, Mapping):
        agent = agent.get("id") or agent.get("name") or ""
    return str(agent).strip()


async def introduce(deps: ApiDeps, caller: Caller, body: Mapping[str, Any]) -> Caller:
    """The agent that an event is about, registered if it is new: AgentCenter's *identity sync*."""
    about = body.get("agent")
    details: Mapping[str, Any] = about if isinstance(about, Mapping) else body
    name = str(details.get("name") or body.get("agent_name") or caller.name).strip()
    given = details.get("capabilities") or details.get("skills")
    capabilities = [str(one) for one in given] if isinstance(given, list) else None
    async with deps.control.transaction() as session:
        known = await find_agent(session, caller.workspace_id, caller.agent_id or agent_reference(body) or name)
        try:
            agent = await register_agent(
                session,
                caller.workspace_id,
                known.name if known else name,
                deps.clock.now_ms(),
                capabilities=capabilities,
            )
        except ValueError as error:
            raise refused(ErrorCode.INVALID_REQUEST, str(error), field="name") from None
    return as_agent(caller, agent)


async def live_run(deps: ApiDeps, agent: Caller, task_id: str) -> Caller | None:
    """The agent as the run that it has on this task; None without one."""
    return next((run for run in await live_runs(deps, agent) if run.task_id == task_id), None)


async def live_runs(deps: ApiDeps, agent: Caller) -> list[Caller]:
    """The agent as each of its live runs."""
    columns = table_of(Run).c
    async with deps.control.reading() as session:
        found = await session.execute(
            select(Run).where(columns.agent_id == agent.agent_id, columns.state.in_([state.value for state in LIVE]))
        )
        return [holder_of(run, agent, run.epoch) for run in found.scalars()]
