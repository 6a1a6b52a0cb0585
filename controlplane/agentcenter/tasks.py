"""`/api/tasks`: read them, move them, hand in deliverables, say something."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pointsman.contract import ErrorCode
from sqlalchemy import select

from controlplane.access.agents import find_agent
from controlplane.access.callers import Caller
from controlplane.agentcenter.identity import ActingAgent, Body, live_run
from controlplane.agentcenter.moves import claim, move_to
from controlplane.agentcenter.words import status_word, task_of
from controlplane.api.callers import LiveCaller
from controlplane.api.commanding import CommandId
from controlplane.api.deps import ApiDeps, Deps
from controlplane.api.views import answer
from controlplane.api.views.task_reading import task_views
from controlplane.commands.contents import Submission, store_submission
from controlplane.commands.desk import refused
from controlplane.commands.references import TaskReference
from controlplane.commands.uploads import Announcement
from controlplane.domain.state import CLOSED, TaskState
from controlplane.store.states import state_of
from controlplane.store.tables import Task
from controlplane.store.upsert import table_of

router = APIRouter()

PAGE = 100


@router.get("/tasks")
async def list_tasks(
    caller: LiveCaller,
    deps: Deps,
    assignee: str | None = None,
    status: str | None = None,
    project: str | None = None,
    agent_id: str = "",
    limit: Annotated[int, Query(ge=1, le=PAGE)] = PAGE,
) -> Response:
    """What is open, most urgent first. `assignee` is an agent's id or name, or `me`; a status is AgentCenter's."""
    columns = table_of(Task).c
    query = select(columns.state_json).where(columns.workspace_id == caller.workspace_id)
    wished = None if status is None else status_word(status)
    if wished not in {"done", "failed", "cancelled"}:
        query = query.where(columns.status.not_in(CLOSED))
    if project:
        query = query.where(columns.project_id == project)
    async with deps.control.reading() as session:
        texts = (await session.execute(query.order_by(columns.priority, columns.created_at_ms))).scalars().all()
        states = [msgspec.json.decode(text, type=TaskState) for text in texts]
        views = await task_views(session, states, deps.settings.web_url)
        wanted = (caller.agent_id or agent_id) if assignee == "me" else assignee
        agent = await find_agent(session, caller.workspace_id, wanted) if wanted else None
    mine = {agent.agent_id, agent.name} if agent else set()
    tasks = [
        task
        for state, task in zip(states, map(task_of, views), strict=True)
        if (wished is None or task["status"] == wished)
        and (assignee is None or bool(mine & {task["assignee"], state.agent_id}))
    ]
    return answer({"tasks": tasks[:limit], "total": len(tasks)})


@router.get("/tasks/{ref}")
async def show(ref: str, caller: LiveCaller, deps: Deps) -> Response:
    """One task."""
    task = await deps.commands.find_task(ref, caller.workspace_id)
    return await _task(deps, task)


@router.patch("/tasks/{ref}")
async def change(ref: str, body: Body, agent: ActingAgent, command_id: CommandId, deps: Deps) -> Response:
    """Moves it to `status`; `reason` (or `note`, `message`) says why. Progress is shown on the card."""
    task = await deps.commands.find_task(ref, agent.workspace_id)
    reason = str(body.get("reason") or body.get("blocked_reason") or body.get("note") or body.get("message") or "")
    if "status" in body:
        await move_to(deps, agent, command_id, task, status_word(str(body["status"])), reason)
    progress = body.get("progress")
    run = await live_run(deps, agent, task.task_id)
    if progress is not None and run is not None:
        await deps.commands.sign_of_life(run, str(progress)[:500])
    return await _task(deps, task, run)


@router.api_route("/tasks/{ref}/deliverables", methods=["POST", "PATCH"])
@router.patch("/tasks/{ref}/deliverables/{_deliverable}")
async def deliver(
    ref: str, body: Body, agent: ActingAgent, command_id: CommandId, deps: Deps, _deliverable: str = ""
) -> Response:
    """Hands in a deliverable, or a new version of it after changes were requested. A file comes in three steps."""
    task = await deps.commands.find_task(ref, agent.workspace_id)
    run = await live_run(deps, agent, task.task_id) or await claim(deps, agent, f"{command_id}/claim", task)
    kind = str(body.get("kind") or body.get("type") or "markdown").lower()
    if kind == "file" and not body.get("upload_id"):
        return await _presign(deps, run, command_id, body)
    wished = Submission(
        kind=kind,
        content=_text(body, "content", "body", "code", "text") if kind not in {"link", "file"} else None,
        url=_text(body, "url", "content", "link") if kind == "link" else None,
        upload_id=_text(body, "upload_id") if kind == "file" else None,
        language=str(body.get("language") or "") if kind == "code" else "",
        title=str(body.get("title") or "")[:200],
    )
    return await _hand_in(deps, run, task, wished)


@router.put("/uploads/{upload_id}/content", status_code=204)
async def put_file(upload_id: str, request: Request, caller: LiveCaller, deps: Deps) -> Response:
    """The second step of a file: its bytes."""
    length = request.headers.get("content-length", "")
    known = int(length) if length.isdigit() else None
    await deps.uploads.append(caller, upload_id, 0, request.stream(), known)
    return Response(status_code=204)


@router.post("/tasks/{ref}/deliverables/{upload_id}/confirm")
async def confirm_file(ref: str, upload_id: str, body: Body, agent: ActingAgent, deps: Deps) -> Response:
    """The third step of a file: it is handed in."""
    task = await deps.commands.find_task(ref, agent.workspace_id)
    run = await live_run(deps, agent, task.task_id)
    if run is None:
        raise refused(ErrorCode.LEASE_LOST, f"You are not at work on {task.ref} any more.")
    title = str(body.get("title") or "")[:200]
    return await _hand_in(deps, run, task, Submission("file", upload_id=upload_id, title=title))


@router.post("/tasks/{ref}/messages", status_code=201)
async def say(ref: str, body: Body, agent: ActingAgent, command_id: CommandId, deps: Deps) -> Response:
    """A comment; `@handle` calls a person, a team or an agent."""
    text = _text(body, "content", "message", "text", "body") or ""
    comment_id = await deps.commands.comment(agent.actor, command_id, ref, text, agent.workspace_id)
    return answer({"id": comment_id, "content": text}, 201)


def _text(body: dict[str, Any], *names: str) -> str | None:
    return next((str(body[name]) for name in names if isinstance(body.get(name), str)), None)


async def _presign(deps: ApiDeps, run: Caller, command_id: str, body: dict[str, Any]) -> Response:
    name = _text(body, "file_name", "filename", "name", "title") or "file"
    size = body.get("size") or body.get("size_bytes") or body.get("file_size")
    if not isinstance(size, int) or size < 0:
        raise refused(ErrorCode.INVALID_REQUEST, "Say how large the file is, in `size`.", field="size")
    media_type = _text(body, "content_type", "contentType", "media_type") or "application/octet-stream"
    view = await deps.uploads.begin(run, command_id, Announcement(name, media_type.lower(), size))
    where = f"{deps.settings.web_url}/api/uploads/{view.upload_id}/content"
    return answer({"id": view.upload_id, "status": "pending", "upload_url": where, "method": "PUT"}, 201)


async def _hand_in(deps: ApiDeps, run: Caller, task: TaskReference, wished: Submission) -> Response:
    content = await store_submission(deps.blobs, deps.uploads, run, wished)
    version = await deps.commands.submit_content(run, content)
    made = {"id": f"v{version}", "version": version, "title": content.title, "kind": content.kind, "status": "review"}
    return answer({**made, "task": await _view(deps, task)}, 201)


async def _task(deps: ApiDeps, task: TaskReference, run: Caller | None = None) -> Response:
    view = await _view(deps, task)
    if run is not None:
        view["run"] = {"run_id": run.run_id, "epoch": run.epoch, "gateway_url": deps.settings.proxy_url}
    return answer(view)


async def _view(deps: ApiDeps, task: TaskReference) -> dict[str, Any]:
    async with deps.control.reading() as session:
        state = await state_of(session, task.task_id)
        if state is None:
            raise refused(ErrorCode.NOT_FOUND, f"{task.ref} is just being made.")
        (view,) = await task_views(session, [state], deps.settings.web_url)
    return task_of(view)
