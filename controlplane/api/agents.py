"""`/agents`, `/agent-templates`: who works here, and the roles that agents are made from."""

from typing import Any, TypeVar

from fastapi import APIRouter, Response
from pointsman.contract import ErrorCode, IdPrefix, KeyKind, new_id
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.access.agents import agent_name, register_agent
from controlplane.access.callers import Caller
from controlplane.access.templates import BUILT_IN, Template, find_template, templates_of
from controlplane.api.bodies import workspace as bodies
from controlplane.api.callers import PEOPLE, PEOPLE_AND_AGENTS, LiveCaller
from controlplane.api.commanding import CommandId
from controlplane.api.deps import ApiDeps, Deps
from controlplane.api.described import operation
from controlplane.api.once import once
from controlplane.api.paging import Page, page_of, read_page
from controlplane.api.views import answer
from controlplane.api.views.agents import AgentPage, AgentView, TemplatePage, TemplateView, agent_view
from controlplane.commands.desk import refused
from controlplane.commands.freezes import frozen_subjects
from controlplane.store.tables import Agent, AgentTemplate
from controlplane.store.upsert import insert_into, table_of

router = APIRouter(tags=["agents"])

Said = TypeVar("Said")

AGENTS = table_of(Agent).c


@router.post("/agents", **operation("agent_register", PEOPLE_AND_AGENTS, AgentView))
async def register(body: bodies.AgentRegistration, caller: LiveCaller, command_id: CommandId, deps: Deps) -> Response:
    """Makes an agent, or changes what is said of one. An agent's key speaks of its own agent, and not of its limits."""
    name = checked_name(body.name)
    if caller.kind is not KeyKind.ADMIN:
        _check_own(body, name, caller)

    async def act() -> Response:
        return answer(await _register(deps, caller, body, name))

    return await once(deps, caller, command_id, act)


def _check_own(body: bodies.AgentRegistration, name: str, caller: Caller) -> None:
    if caller.name != name:
        raise refused(ErrorCode.FORBIDDEN, f"This key belongs to agent {caller.name!r}.")
    if body.template is not None or body.max_concurrency is not None:
        raise refused(ErrorCode.FORBIDDEN, "An agent's role and limits are set with an admin key.")


async def _register(deps: ApiDeps, caller: Caller, body: bodies.AgentRegistration, name: str) -> AgentView:
    async with deps.control.transaction() as session:
        template = None
        if body.template is not None:
            template = await find_template(session, caller.workspace_id, body.template)
            if template is None:
                raise refused(ErrorCode.INVALID_REQUEST, f"There is no template {body.template!r}.", field="template")
        agent = await register_agent(
            session,
            caller.workspace_id,
            name,
            deps.clock.now_ms(),
            capabilities=_either(body.capabilities, template.capabilities if template else None),
            call_sign=body.call_sign,
            template=template.name if template else None,
            max_concurrency=_either(body.max_concurrency, template.max_concurrency if template else None),
        )
        return await described_agent(session, agent)


@router.get("/agents", **operation("agent_list", PEOPLE_AND_AGENTS, AgentPage))
async def list_agents(caller: LiveCaller, deps: Deps, page: Page) -> Response:
    """Everybody who works here, by name; also those that have retired."""
    query = select(table_of(Agent)).where(AGENTS.workspace_id == caller.workspace_id)
    async with deps.control.reading() as session:
        rows, next_cursor = await read_page(session, query, [AGENTS.name], page)
        frozen = await frozen_subjects(session, [row["agent_id"] for row in rows])
    views = [agent_view(Agent(**row), is_frozen=row["agent_id"] in frozen) for row in rows]
    return answer(AgentPage(agents=views, next_cursor=next_cursor))


@router.get("/agent-templates", **operation("template_list", PEOPLE_AND_AGENTS, TemplatePage))
async def list_templates(caller: LiveCaller, deps: Deps, page: Page) -> Response:
    """The roles that agents are made from, by name: built-in ones, and the workspace's own."""
    async with deps.control.reading() as session:
        templates = await templates_of(session, caller.workspace_id)
    shown, next_cursor = page_of(templates, lambda one: (one.name,), page)
    return answer(TemplatePage(templates=[_template(one) for one in shown], next_cursor=next_cursor))


@router.post("/agent-templates", **operation("template_make", PEOPLE, TemplateView))
async def make_template(body: bodies.NewTemplate, caller: LiveCaller, command_id: CommandId, deps: Deps) -> Response:
    """Makes a role of the workspace's own, or changes it. Agents that were made from it stay as they are."""
    name = checked_name(body.name)
    if any(one.name == name for one in BUILT_IN):
        raise refused(ErrorCode.INVALID_REQUEST, f"{name!r} is a built-in role; take another name.", field="name")

    async def act() -> Response:
        return answer(await _make_template(deps, caller, body, name))

    return await once(deps, caller, command_id, act)


async def _make_template(deps: ApiDeps, caller: Caller, body: bodies.NewTemplate, name: str) -> TemplateView:
    now_ms = deps.clock.now_ms()
    row: dict[str, Any] = {
        "description": body.description.strip(),
        "capabilities": sorted({one.strip().lower() for one in body.capabilities} - {""}),
        "max_concurrency": body.max_concurrency,
    }
    identity = {"template_id": new_id(IdPrefix.AGENT, now_ms), "workspace_id": caller.workspace_id, "name": name}
    async with deps.control.transaction() as session:
        insert = insert_into(session, AgentTemplate).values(**identity, **row, created_at_ms=now_ms)
        await session.execute(insert.on_conflict_do_update(index_elements=["workspace_id", "name"], set_=row))
    return TemplateView(name=name, is_built_in=False, **row)


async def described_agent(session: AsyncSession, agent: Agent) -> AgentView:
    """The agent, and whether it is frozen."""
    frozen = await frozen_subjects(session, [agent.agent_id])
    return agent_view(agent, is_frozen=agent.agent_id in frozen)


def checked_name(text: str) -> str:
    """An agent's name as stored. Raises CommandRefused(invalid_request)."""
    try:
        return agent_name(text)
    except ValueError as error:
        raise refused(ErrorCode.INVALID_REQUEST, str(error), field="name") from None


def _template(template: Template) -> TemplateView:
    return TemplateView(
        name=template.name,
        description=template.description,
        capabilities=list(template.capabilities),
        max_concurrency=template.max_concurrency,
        is_built_in=template.is_built_in,
    )


def _either(said: Said | None, otherwise: Said | None) -> Said | None:
    return otherwise if said is None else said
