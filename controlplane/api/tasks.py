"""`/tasks`: made, listed, read."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Response
from pointsman.contract import ErrorCode
from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.access.agents import find_agent
from controlplane.api.bodies import tasks as bodies
from controlplane.api.callers import EVERYBODY, PEOPLE_AND_AGENTS, LiveCaller
from controlplane.api.commanding import CommandId
from controlplane.api.deps import Deps
from controlplane.api.described import ETAG, operation
from controlplane.api.paging import Page, read_page
from controlplane.api.task_answers import make, read_state, task_answer
from controlplane.api.views import answer, task_views
from controlplane.api.views.tasks import TaskPage, TaskView
from controlplane.commands.references import find_task, task_number
from controlplane.commands.reviews import ReviewWish
from controlplane.domain.state import TaskState, TaskStatus
from controlplane.store.tables import Task
from controlplane.store.upsert import table_of

router = APIRouter(prefix="/tasks", tags=["tasks"])

Ref = Annotated[str, Path(min_length=1, max_length=60, description="`T-12`, or the task's id.", examples=["T-12"])]
Word = Annotated[str | None, Query(min_length=1, max_length=60)]
TASKS = table_of(Task).c


@router.post(
    "",
    **operation(
        "task_create",
        PEOPLE_AND_AGENTS,
        TaskView,
        status=201,
        headers=ETAG,
        refuses=(ErrorCode.ILLEGAL_TRANSITION, ErrorCode.NOT_FOUND),
    ),
)
async def create(body: bodies.NewTask, caller: LiveCaller, command_id: CommandId, deps: Deps) -> Response:
    """Makes a task. A run makes the parts of its own task with `/runs/{run_id}/subtasks`."""
    review = wished(body.review)
    return await make(deps, caller, command_id, body, project_id=body.project_id, parent=body.parent, review=review)


@router.get("", **operation("task_list", PEOPLE_AND_AGENTS, TaskPage))
async def list_tasks(
    caller: LiveCaller,
    deps: Deps,
    page: Page,
    status: TaskStatus | None = None,
    agent: Word = None,
    parent: Word = None,
    needs_human: bool | None = None,
    blocked: bool | None = None,
    q: Annotated[str | None, Query(min_length=1, max_length=100, description="In the title, or `T-12`.")] = None,
) -> Response:
    """Tasks, newest first; filters are joined by *and*."""
    query: Select[Any] = select(TASKS.state_json, TASKS.number).where(TASKS.workspace_id == caller.workspace_id)
    async with deps.control.reading() as session:
        query = _filtered(query, status, needs_human, blocked, q)
        for condition in await _related(session, caller.workspace_id, agent, parent):
            query = query.where(condition)
        rows, next_cursor = await read_page(session, query, [TASKS.number], page, is_descending=True)
        states = [msgspec.json.decode(row["state_json"], type=TaskState) for row in rows]
        views = await task_views(session, states, deps.settings.web_url)
    return answer(TaskPage(tasks=views, next_cursor=next_cursor))


def _filtered(
    query: Select[Any], status: TaskStatus | None, needs_human: bool | None, blocked: bool | None, words: str | None
) -> Select[Any]:
    if status is not None:
        query = query.where(TASKS.status == status.value)
    if needs_human is not None:
        query = query.where((TASKS.needs_human != "") if needs_human else (TASKS.needs_human == ""))
    if blocked is not None:
        query = query.where(TASKS.is_blocked.is_(blocked))
    if words is not None:
        query = query.where(
            or_(TASKS.title.icontains(words, autoescape=True), TASKS.number == (task_number(words) or 0))
        )
    return query


async def _related(
    session: AsyncSession, workspace_id: str, agent: str | None, parent: str | None
) -> list[ColumnElement[bool]]:
    """Whom and what it belongs to; what nobody knows has no tasks."""
    conditions: list[ColumnElement[bool]] = []
    if agent is not None:
        found = await find_agent(session, workspace_id, agent)
        conditions.append(TASKS.agent_id == (found.agent_id if found else ""))
    if parent is not None:
        task = await find_task(session, parent, workspace_id)
        conditions.append(TASKS.parent_id == (task.task_id if task else ""))
    return conditions


@router.get("/{ref}", **operation("task_show", EVERYBODY, TaskView, headers=ETAG, refuses=(ErrorCode.NOT_FOUND,)))
async def show(ref: Ref, caller: LiveCaller, deps: Deps) -> Response:
    """One task. Its ETag is its revision."""
    return await task_answer(deps, await read_state(deps, ref, caller))


def wished(body: bodies.ReviewWish | None) -> ReviewWish | None:
    """The review rule as the commands take it."""
    return ReviewWish(tuple(body.reviewers), body.needed, body.first_pass) if body else None
