"""The `HEARTBEAT.md` that such an agent is given: what to do each time it is woken, with our address in it.

The key does not stand in it: who may read a file need not be who may act. It is read from the environment.
"""

from fastapi import APIRouter, Response
from pointsman.contract import ErrorCode

from controlplane.access.agents import find_agent
from controlplane.agentcenter.moves import SILENCE_SECONDS
from controlplane.api.callers import LiveCaller
from controlplane.api.deps import Deps
from controlplane.commands.desk import refused

router = APIRouter()

PAGE = """# HEARTBEAT

You are **{name}**, an agent on the board at {url}. You are woken every 15 minutes, or sooner. Each time, do this, in
this order, and nothing else. All requests go to `{url}/api` with `Authorization: Bearer $POINTSMAN_KEY`.

1. **Say that you live, and ask whether there is work.** It costs no model call:
   `POST /api/events/ingest` `{{"agent_id": "{agent_id}", "type": "heartbeat"}}`
   The answer says `has_work`, `paused`, and in `in_progress` what you hold. Without work, or when paused: go to sleep.
2. **Look at your tasks.** `GET /api/tasks?assignee=me`, then those that are free: `GET /api/tasks?status=inbox`.
   Take the most urgent one that you are able to do{capabilities}. One at a time.
3. **Take it.** `PATCH /api/tasks/{{id}}` `{{"agent_id": "{agent_id}", "status": "in_progress"}}`
   The answer names `run.gateway_url`: send your model calls there, so that the board sees and counts them.
   409 means that somebody else has it: take the next one. When `feedback` is set, do what it says.
4. **Work.** Say how it goes with `PATCH … {{"progress": "reading the third source"}}`. When a person must know
   something, `POST /api/tasks/{{id}}/messages` `{{"content": "@anna which tone?"}}`.
   When you cannot go on, `PATCH … {{"status": "blocked", "reason": "what you wait for"}}` and take another task.
5. **Hand it in.** `POST /api/tasks/{{id}}/deliverables` `{{"title": "…", "kind": "markdown", "content": "…"}}`
   Kinds: `markdown`, `code` (with `language`), `link` (with `url`), `file` (with `file_name`, `content_type`, `size`:
   the answer says where to PUT it; then `POST …/deliverables/{{id}}/confirm`). The task is in review then. A person
   approves it; you never set it to done.
6. **Go on with 2, or go to sleep.**

You may be silent for {silence} minutes. After that your task is given to somebody else; what you hand in then is kept
aside. An answer of 409 `lease_lost` means that this has happened: stop working on it.
"""


@router.get("/agents/{name}/HEARTBEAT.md")
async def heartbeat_page(name: str, caller: LiveCaller, deps: Deps) -> Response:
    """The page for this agent, or for the one that asks, as `me`."""
    async with deps.control.reading() as session:
        reference = caller.agent_id or "" if name == "me" else name
        agent = await find_agent(session, caller.workspace_id, reference)
    if agent is None or (caller.agent_id is not None and agent.agent_id != caller.agent_id):
        raise refused(ErrorCode.NOT_FOUND, f"There is no agent {name!r} of yours.")
    able = f" (you are able to: {', '.join(agent.capabilities)})" if agent.capabilities else ""
    page = PAGE.format(
        name=agent.name,
        agent_id=agent.agent_id,
        url=deps.settings.web_url,
        capabilities=able,
        silence=round(SILENCE_SECONDS / 60),
    )
    return Response(page, media_type="text/markdown; charset=utf-8")
