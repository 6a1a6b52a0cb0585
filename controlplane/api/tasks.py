"""`/tasks`: what a person's script may do with tasks, and what everybody may read of them."""

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query, Response
from pointsman.contract import ErrorCode, KeyKind
from sqlalchemy import select

from controlplane.access.callers import Caller
from controlplane.api import bodies
from controlplane.api.callers import LiveCaller
from controlplane.api.commanding import CommandId
from controlplane.api.deps import ApiDeps, Deps
from controlplane.api.views import answer, task_views
from controlplane.commands.desk import refused
from controlplane.domain.commands import (
    AnswerQuestion,
    CancelTask,
    Command,
    EditTask,
    MoveTask,
    RemoveBlocker,
    ReviewDeliverable,
)
from controlplane.domain.state import TaskState, TaskStatus
from controlplane.store.tables import Task
from controlplane.store.upsert import table_of

router = APIRouter(prefix="/tasks")

MAX_NUMBER = 999_999_999  # what `T-…` may be
Status = Literal["backlog", "ready", "in_progress", "in_review", "done", "failed", "cancelled"]


@router.post("")
async def create(body: bodies.NewTask, caller: LiveCaller, command_id: CommandId, deps: Deps) -> Response:
    if caller.kind is KeyKind.RUN:
        raise refused(ErrorCode.FORBIDDEN, "A run's key makes no tasks; its agent's key does.")
    state = await deps.commands.create_task(
        caller.actor,
        command_id,
        caller.workspace_id,
        body.project_id,
        body.title,
        brief=body.brief,
        needs=tuple(body.needs),
        priority=body.priority,
        agent=body.agent,
        blockers=tuple(body.blockers),
        to_backlog=body.backlog,
    )
    return await _task(deps, state, 201)


@router.get("")
async def list_tasks(
    caller: LiveCaller,
    deps: Deps,
    status: Status | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[int | None, Query(ge=1, le=MAX_NUMBER)] = None,
) -> Response:
    """Newest first; `next_cursor` continues after the last one."""
    columns = table_of(Task).c
    query = select(columns.state_json).where(columns.workspace_id == caller.workspace_id)
    if status is not None:
        query = query.where(columns.status == status)
    if cursor is not None:
        query = query.where(columns.number < cursor)
    async with deps.control.reading() as session:
        texts = (await session.execute(query.order_by(columns.number.desc()).limit(limit + 1))).scalars().all()
        states = [msgspec.json.decode(text, type=TaskState) for text in texts[:limit]]
        views = await task_views(session, states, deps.settings.web_url)
    return answer({"tasks": views, "next_cursor": states[-1].number if len(texts) > limit else None})


@router.get("/{ref}")
async def show(ref: str, caller: LiveCaller, deps: Deps) -> Response:
    return await _task(deps, await read_state(deps, ref, caller))


@router.post("/{ref}/edit")
async def edit(ref: str, body: bodies.TaskEdit, caller: LiveCaller, command_id: CommandId, deps: Deps) -> Response:
    needs = None if body.needs is None else tuple(dict.fromkeys(need.strip().lower() for need in body.needs))
    return await _execute(deps, caller, command_id, ref, EditTask(body.title, body.brief, needs, body.priority))


@router.post("/{ref}/assign")
async def assign(ref: str, body: bodies.Assignment, caller: LiveCaller, command_id: CommandId, deps: Deps) -> Response:
    state = await deps.commands.assign(caller.actor, command_id, ref, body.agent, caller.workspace_id)
    return await _task(deps, state)


@router.post("/{ref}/move")
async def move(ref: str, body: bodies.Move, caller: LiveCaller, command_id: CommandId, deps: Deps) -> Response:
    return await _execute(deps, caller, command_id, ref, MoveTask(TaskStatus(body.to)))


@router.post("/{ref}/cancel")
async def cancel(
    ref: str, caller: LiveCaller, command_id: CommandId, deps: Deps, body: bodies.Cancellation | None = None
) -> Response:
    return await _execute(deps, caller, command_id, ref, CancelTask(body.reason if body else ""))


@router.post("/{ref}/review")
async def review(ref: str, body: bodies.Review, caller: LiveCaller, command_id: CommandId, deps: Deps) -> Response:
    """Without a version it is the latest that is reviewed."""
    version = body.version
    if version is None:
        state = await read_state(deps, ref, caller)
        version = state.deliverables[-1].version if state.deliverables else 0
    return await _execute(deps, caller, command_id, ref, ReviewDeliverable(version, body.verdict, body.note))


@router.post("/{ref}/answer")
async def answer_question(
    ref: str, body: bodies.QuestionAnswer, caller: LiveCaller, command_id: CommandId, deps: Deps
) -> Response:
    """Without a question's id it is the open one that is answered."""
    question_id = body.question_id
    if question_id is None:
        question = (await read_state(deps, ref, caller)).question
        question_id = question.question_id if question else ""
    return await _execute(deps, caller, command_id, ref, AnswerQuestion(question_id, body.text))


@router.post("/{ref}/blockers")
async def add_blockers(
    ref: str, body: bodies.Blockers, caller: LiveCaller, command_id: CommandId, deps: Deps
) -> Response:
    state = await deps.commands.add_blockers(caller.actor, command_id, ref, body.tasks, caller.workspace_id)
    return await _task(deps, state)


@router.delete("/{ref}/blockers/{blocker_ref}")
async def remove_blocker(ref: str, blocker_ref: str, caller: LiveCaller, command_id: CommandId, deps: Deps) -> Response:
    blocker = await deps.commands.find_task(blocker_ref, caller.workspace_id)
    return await _execute(deps, caller, command_id, ref, RemoveBlocker(blocker.task_id))


async def _execute(deps: ApiDeps, caller: Caller, command_id: str, ref: str, command: Command) -> Response:
    state = await deps.commands.execute(caller.actor, command_id, ref, command, caller.workspace_id)
    return await _task(deps, state)


async def _task(deps: ApiDeps, state: TaskState, status: int = 200) -> Response:
    async with deps.control.reading() as session:
        (view,) = await task_views(session, [state], deps.settings.web_url)
    return answer(view, status)


async def read_state(deps: ApiDeps, ref: str, caller: Caller) -> TaskState:
    """The task as SQL knows it. Raises CommandRefused(not_found)."""
    task = await deps.commands.find_task(ref, caller.workspace_id)
    async with deps.control.reading() as session:
        columns = table_of(Task).c
        found = await session.execute(select(columns.state_json).where(columns.task_id == task.task_id))
    text = found.scalar_one_or_none()
    if text is None:
        raise refused(ErrorCode.NOT_FOUND, f"{task.ref} is just being made.", task=task.ref)
    return msgspec.json.decode(text, type=TaskState)
