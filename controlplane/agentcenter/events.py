"""`/api/events/ingest`: who an agent is, that it lives, and how it says it stands.

What an agent says of its own state is heard and shown as its progress; how it stands is found out by ourselves. Each
answer carries the preflight: is there work, is it paused. It costs no model call to ask.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response
from pointsman.contract import ErrorCode

from controlplane.access.callers import Caller
from controlplane.agentcenter.identity import Body, introduce, live_runs
from controlplane.agentcenter.moves import move_to
from controlplane.agentcenter.words import status_word
from controlplane.api.callers import LiveCaller
from controlplane.api.commanding import CommandId
from controlplane.api.deps import ApiDeps, Deps
from controlplane.api.views import answer
from controlplane.commands.claims import proposals
from controlplane.commands.desk import refused
from controlplane.commands.references import refs_of
from controlplane.commands.runs import see_agent
from controlplane.store.tables import Agent

router = APIRouter()

AT_ONCE = 100
WORK_SHOWN = 5
MOVES = frozenset({"in_progress", "blocked"})  # what an event may do to a task; the rest is asked of the task itself


@router.post("/events/ingest")
async def ingest(body: Body, caller: LiveCaller, command_id: CommandId, deps: Deps) -> Response:
    """One event, or a list of them in `events`. Unknown ones are taken as a sign of life."""
    events = body.get("events", [body])
    if not isinstance(events, list) or not 0 < len(events) <= AT_ONCE:
        raise refused(ErrorCode.INVALID_REQUEST, f"Send one event, or up to {AT_ONCE} in `events`.", field="events")
    agent = caller
    for number, event in enumerate(events):
        if not isinstance(event, dict):
            raise refused(ErrorCode.INVALID_REQUEST, "An event is a JSON object.", field="events")
        agent = await introduce(deps, caller, {**body, **event})
        await _hear(deps, agent, f"{command_id}/{number}", event)
    return answer({"ok": True, "accepted": len(events), "agent_id": agent.agent_id, **await preflight(deps, agent)})


@router.get("/agents/{_agent}/preflight")
@router.get("/preflight")
async def ask_preflight(caller: LiveCaller, deps: Deps, agent_id: str = "", _agent: str = "") -> Response:
    """Whether waking up is worth anything."""
    return answer(await preflight(deps, await introduce(deps, caller, {"agent_id": agent_id or _agent})))


async def preflight(deps: ApiDeps, agent: Caller) -> dict[str, Any]:
    """Is there work, and may it work?"""
    async with deps.control.reading() as session:
        row = await session.get(Agent, agent.agent_id)
        is_paused = row is None or row.is_paused or row.retired_at_ms is not None
        waiting = await proposals(session, row, set(row.capabilities)) if row is not None and not is_paused else []
        refs = await refs_of(session, waiting[:WORK_SHOWN])
    held = [run.task_id for run in await live_runs(deps, agent)]
    return {
        "has_work": bool(waiting or held),
        "paused": is_paused,
        "upgrade_available": False,
        "work_items": [{"id": task_id, "ref": refs[task_id]} for task_id in waiting[:WORK_SHOWN]],
        "in_progress": held,
    }


async def _hear(deps: ApiDeps, agent: Caller, command_id: str, event: Mapping[str, Any]) -> None:
    async with deps.control.transaction() as session:
        await see_agent(session, agent.agent_id or "", deps.clock.now_ms())
    said = event.get("message") or event.get("progress") or event.get("summary")
    for run in await live_runs(deps, agent):
        await deps.beats.beat(run, str(said)[:500] if said else None)
    wished = status_word(str(event.get("status") or event.get("type") or event.get("event") or ""))
    task_ref = event.get("task_id") or event.get("taskId") or event.get("task")
    if task_ref and wished in MOVES:
        task = await deps.commands.find_task(str(task_ref), agent.workspace_id)
        await move_to(deps, agent, command_id, task, wished, str(event.get("reason") or said or ""))
