"""`/tasks/{ref}/…`: what a task has made, cost and said."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from sqlalchemy import select

from controlplane.api import bodies
from controlplane.api.callers import LiveCaller
from controlplane.api.commanding import CommandId
from controlplane.api.deps import Deps
from controlplane.api.views import answer, iso
from controlplane.store.call_tables import Call
from controlplane.store.tables import Comment, TaskEvent
from controlplane.store.upsert import table_of

router = APIRouter(prefix="/tasks/{ref}")

NS_IN_MS = 1_000_000
CALL_FIELDS = (
    "call_id",
    "kind",
    "run_id",
    "provider",
    "model",
    "endpoint",
    "outcome",
    "status",
    "error_code",
    "is_stream",
    "is_simulated",
    "input_tokens",
    "cache_read_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost_nano_usd",
    "cost_bound_nano_usd",
    "total_us",
)


@router.get("/calls")
async def calls(ref: str, caller: LiveCaller, deps: Deps, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> Response:
    """The latest model and tool calls of the task, newest first; an empty outcome is a call in flight."""
    task = await deps.commands.find_task(ref, caller.workspace_id)
    columns = table_of(Call).c
    query = (
        select(columns.started_at_ns, columns.ended_at_ns, *(columns[name] for name in CALL_FIELDS))
        .where(columns.task_id == task.task_id)
        .order_by(columns.started_at_ns.desc())
        .limit(limit)
    )
    async with deps.calls.reading() as session:
        rows = (await session.execute(query)).mappings().all()
    return answer({"calls": [_call_view(dict(row)) for row in rows]})


def _call_view(row: dict[str, Any]) -> dict[str, Any]:
    started, ended = row.pop("started_at_ns"), row.pop("ended_at_ns")
    return {**row, "started_at": iso(started // NS_IN_MS), "ended_at": iso(ended // NS_IN_MS if ended else None)}


@router.get("/activity")
async def activity(ref: str, caller: LiveCaller, deps: Deps) -> Response:
    """Everything that happened to the task and was said about it, oldest first."""
    task = await deps.commands.find_task(ref, caller.workspace_id)
    events, comments = table_of(TaskEvent), table_of(Comment)
    async with deps.control.reading() as session:
        happened = await session.execute(select(events).where(events.c.task_id == task.task_id))
        said = await session.execute(select(comments).where(comments.c.task_id == task.task_id))
    views = [
        (row["at_ms"], row["revision"], {"kind": row["kind"], "actor": _actor(row, "actor"), **row["body"]})
        for row in happened.mappings()
    ]
    views += [
        (row["at_ms"], 0, {"kind": "comment", "actor": _actor(row, "author"), "text": row["text"]})
        for row in said.mappings()
    ]
    views.sort(key=lambda view: view[:2])
    return answer({"activity": [{"at": iso(at_ms), **view} for at_ms, _, view in views]})


def _actor(row: Any, prefix: str) -> dict[str, str]:
    return {part: row[f"{prefix}_{part}"] for part in ("kind", "id", "name")}


@router.post("/comments")
async def comment(ref: str, body: bodies.NewComment, caller: LiveCaller, command_id: CommandId, deps: Deps) -> Response:
    """Says something; `@handle` calls a person."""
    comment_id = await deps.commands.comment(caller.actor, command_id, ref, body.text, caller.workspace_id)
    return answer({"comment_id": comment_id}, 201)
