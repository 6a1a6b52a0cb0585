"""Sets the stage: agents with their keys in SQL, tasks by the JSON API, both only as far as they are missing."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from pointsman.api import Api, Request
from pointsman.connection import Connection
from pointsman.contract import KeyKind
from pointsman.models import Accepted, TaskDetails
from pointsman.patience import persist
from pydantic import BaseModel
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.access.agents import register_agent
from controlplane.access.callers import authenticate
from controlplane.access.keys import create_key
from controlplane.access.people import create_admin_if_none
from controlplane.demo.memory import Memory
from controlplane.demo.story import CAST, CHAPTERS, PROJECT, RECURRING, TOOL_SERVER, Chapter, Character
from controlplane.settings import Settings
from controlplane.store.database import Database, open_control
from controlplane.store.tables import Project
from controlplane.store.upsert import table_of

REVIEWER = "reviewer"
MAX_STEPS = 8
Received = TypeVar("Received", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Stage:
    """The running product as the demonstration uses it. `api` speaks as the demonstration's reviewer."""

    url: str
    control: Database
    memory: Memory
    api: Api

    async def ask(self, request: Request, shape: type[Received]) -> Received:
        """An answer, however long the server takes to come back. Raises RequestRefused."""
        answer = await persist(lambda: self.api.call(request, shape), asyncio.sleep, math.inf)
        return answer if answer is not None else shape()

    async def command(self, path: str, body: dict[str, Any], command_id: str, holder: str = REVIEWER) -> None:
        """Something to be done once, whatever happens between, by one of those whose key is remembered."""
        request = Request("POST", path, body, command_id=command_id)
        if holder == REVIEWER:
            await self.ask(request, Accepted)
            return
        async with Api(Connection(self.url, self.memory.keys[holder])) as api:
            await persist(lambda: api.call(request, Accepted), asyncio.sleep, math.inf)


@asynccontextmanager
async def set_stage(settings: Settings) -> AsyncIterator[Stage]:
    """The stage with its agents. The tasks follow by `create_tasks`, while the first of them are already worked on."""
    control = open_control(settings)
    try:
        memory = await _register(control, settings)
        async with Api(Connection(settings.web_url, memory.keys[REVIEWER])) as api:
            yield Stage(settings.web_url, control, memory, api)
    finally:
        await control.close()


async def _register(control: Database, settings: Settings) -> Memory:
    now_ms = time.time_ns() // 1_000_000
    async with control.transaction() as session:
        person = await create_admin_if_none(session, now_ms)
        memory = Memory.recall(settings.home, person.workspace_id)
        await _name_project(session, person.workspace_id)
        for character in CAST:
            agent_id = await _register_character(session, person.workspace_id, character, now_ms)
            if not character.is_internal:
                await _need_key(session, memory, character.name, now_ms, agent_id)
        await _need_key(session, memory, REVIEWER, now_ms, None)
    memory.keep(settings.home)
    return memory


async def _name_project(session: AsyncSession, workspace_id: str) -> None:
    """Gives the project its name, unless a person has given it one."""
    projects = table_of(Project)
    is_unnamed = (projects.c.workspace_id == workspace_id) & (projects.c.name == "Project")
    await session.execute(update(projects).where(is_unnamed).values(name=PROJECT))


async def _register_character(session: AsyncSession, workspace_id: str, character: Character, now_ms: int) -> str:
    definition = {
        "model": character.model,
        "system": character.system,
        "tool_server": TOOL_SERVER,
        "max_steps": MAX_STEPS,
    }
    agent = await register_agent(
        session,
        workspace_id,
        character.name,
        now_ms,
        capabilities=list(character.capabilities),
        call_sign=character.call_sign,
        kind="internal" if character.is_internal else "external",
        definition=definition if character.is_internal else None,
        is_simulated=True,
    )
    return agent.agent_id


async def _need_key(session: AsyncSession, memory: Memory, holder: str, now_ms: int, agent_id: str | None) -> None:
    if holder in memory.keys and await authenticate(session, memory.keys[holder]) is not None:
        return
    kind, name = (KeyKind.AGENT, f"demo {holder}") if agent_id else (KeyKind.ADMIN, "Demo reviewer")
    memory.keys[holder] = await create_key(session, kind, memory.workspace_id, name, now_ms, agent_id)


async def create_tasks(stage: Stage, settings: Settings) -> None:
    """The chapters that are not there yet, in the order of the story."""
    for chapter in CHAPTERS:
        if chapter.slug not in stage.memory.tasks:
            stage.memory.tasks[chapter.slug] = await _create(stage, chapter)
            stage.memory.keep(settings.home)
    await stage.command("/recurring", RECURRING, f"demo/{stage.memory.workspace_id}/recurring")


async def _create(stage: Stage, chapter: Chapter) -> str:
    body = {
        "title": chapter.title,
        "brief": chapter.brief,
        "needs": [chapter.needs],
        "priority": chapter.priority,
        "agent": chapter.agent,
        "blockers": [stage.memory.tasks[slug] for slug in chapter.blockers],
        "backlog": chapter.to_backlog or bool(chapter.hold),
    }
    if chapter.parent:
        body["parent"] = stage.memory.tasks[chapter.parent]
    if chapter.reviewers:
        body["review"] = {"reviewers": list(chapter.reviewers), "needed": "all"}
    command_id = f"demo/{stage.memory.workspace_id}/{chapter.slug}"
    created = await stage.ask(Request("POST", "/tasks", body, command_id=command_id), TaskDetails)
    if chapter.hold:  # held before it is ready, so that nobody begins it in between
        task = f"/tasks/{created.task_id}"
        await stage.command(f"{task}/hold", {"reason": chapter.hold}, f"{command_id}/hold")
        await stage.command(f"{task}/move", {"to": "ready"}, f"{command_id}/ready")
    return created.task_id
