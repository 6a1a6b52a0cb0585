"""`/tasks/{ref}/activity|comments`: what happened to a task, and what was said about it."""

from typing import Any

from fastapi import APIRouter, Response
from pointsman.contract import ErrorCode
from sqlalchemy import literal, select, union_all

from controlplane.api.bodies import tasks as bodies
from controlplane.api.callers import EVERYBODY, LiveCaller
from controlplane.api.commanding import CommandId
from controlplane.api.deps import Deps
from controlplane.api.described import operation
from controlplane.api.paging import Page, read_page
from controlplane.api.tasks import Ref
from controlplane.api.views import answer, iso
from controlplane.api.views.answers import ActorView
from controlplane.api.views.insight import ActivityPage, CommentedView, CommentPage, CommentView
from controlplane.store.tables import Comment, TaskEvent
from controlplane.store.upsert import table_of

router = APIRouter(prefix="/tasks/{ref}", tags=["tasks"])

EVENTS, COMMENTS = table_of(TaskEvent).c, table_of(Comment).c
COMMENTED = "comment"


@router.get("/activity", **operation("task_activity", EVERYBODY, ActivityPage, refuses=(ErrorCode.NOT_FOUND,)))
async def activity(ref: Ref, caller: LiveCaller, deps: Deps, page: Page) -> Response:
    """Everything that happened to the task and was said about it, oldest first."""
    task = await deps.commands.find_task(ref, caller.workspace_id)
    told = _told(task.task_id)
    async with deps.control.reading() as session:
        order = [told.c.at_ms, told.c.revision, told.c.position, told.c.comment_id]
        rows, next_cursor = await read_page(session, select(told), order, page)
    return answer({"activity": [_entry(row) for row in rows], "next_cursor": next_cursor})


def _told(task_id: str) -> Any:
    """Events and comments in one order; a comment comes before an event of the same millisecond."""
    happened = select(
        EVENTS.at_ms,
        EVENTS.revision,
        EVENTS.position,
        literal("").label("comment_id"),
        EVENTS.kind,
        EVENTS.actor_kind,
        EVENTS.actor_id,
        EVENTS.actor_name,
        EVENTS.body,
        literal("").label("text"),
    ).where(EVENTS.task_id == task_id)
    said = select(
        COMMENTS.at_ms,
        literal(0).label("revision"),
        literal(0).label("position"),
        COMMENTS.comment_id,
        literal(COMMENTED).label("kind"),
        COMMENTS.author_kind,
        COMMENTS.author_id,
        COMMENTS.author_name,
        literal(None, EVENTS.body.type).label("body"),
        COMMENTS.text,
    ).where(COMMENTS.task_id == task_id)
    return union_all(happened, said).subquery("told")


def _entry(row: Any) -> dict[str, Any]:
    actor = ActorView(kind=row["actor_kind"], id=row["actor_id"], name=row["actor_name"])
    is_comment = row["kind"] == COMMENTED
    beside = {"comment_id": row["comment_id"], "text": row["text"]} if is_comment else dict(row["body"] or {})
    return {**beside, "at": iso(row["at_ms"]), "kind": row["kind"], "actor": actor}


@router.get("/comments", **operation("comment_list", EVERYBODY, CommentPage, refuses=(ErrorCode.NOT_FOUND,)))
async def comments(ref: Ref, caller: LiveCaller, deps: Deps, page: Page) -> Response:
    """What was said, oldest first."""
    task = await deps.commands.find_task(ref, caller.workspace_id)
    query = select(*COMMENTS).where(COMMENTS.task_id == task.task_id)
    async with deps.control.reading() as session:
        rows, next_cursor = await read_page(session, query, [COMMENTS.at_ms, COMMENTS.comment_id], page)
    views = [
        CommentView(
            comment_id=row["comment_id"],
            author=ActorView(kind=row["author_kind"], id=row["author_id"], name=row["author_name"]),
            text=row["text"],
            created_at=iso(row["at_ms"]),
        )
        for row in rows
    ]
    return answer(CommentPage(comments=views, next_cursor=next_cursor))


@router.post(
    "/comments", **operation("comment_create", EVERYBODY, CommentedView, status=201, refuses=(ErrorCode.NOT_FOUND,))
)
async def comment(ref: Ref, body: bodies.NewComment, caller: LiveCaller, command_id: CommandId, deps: Deps) -> Response:
    """Says something; `@handle` calls people, teams and agents."""
    comment_id = await deps.commands.comment(caller.actor, command_id, ref, body.text, caller.workspace_id)
    return answer(CommentedView(comment_id=comment_id), 201)
