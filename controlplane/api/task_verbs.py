"""`POST /tasks/{ref}/…`: what people decide about a task as a whole."""

from typing import Any

from fastapi import APIRouter, Response
from pointsman.contract import ErrorCode

from controlplane.api.bodies import tasks as bodies
from controlplane.api.callers import PEOPLE, LiveCaller
from controlplane.api.commanding import CommandId, ExpectedRevision, Reason
from controlplane.api.deps import Deps
from controlplane.api.described import ETAG, TASK_REFUSES, operation
from controlplane.api.task_answers import task_answer, tell
from controlplane.api.tasks import Ref
from controlplane.api.views.tasks import TaskView
from controlplane.domain.commands import (
    CompleteTask,
    EditTask,
    FailTask,
    GiveHelp,
    MoveTask,
    NudgeRun,
    ReopenTask,
    RestartRun,
)
from controlplane.domain.state import TaskStatus

router = APIRouter(prefix="/tasks/{ref}", tags=["verbs"])


def verb(operation_id: str, *further: ErrorCode) -> dict[str, Any]:
    """A person's verb, which answers with the task."""
    return operation(operation_id, PEOPLE, TaskView, headers=ETAG, refuses=(*TASK_REFUSES, *further))


@router.post("/edit", **verb("task_edit"))
async def edit(
    ref: Ref, body: bodies.TaskEdit, caller: LiveCaller, command_id: CommandId, seen: ExpectedRevision, deps: Deps
) -> Response:
    """Changes title, brief, needs or priority; what is not said stays."""
    needs = None if body.needs is None else tuple(dict.fromkeys(need.strip().lower() for need in body.needs))
    command = EditTask(body.title, body.brief, needs, body.priority)
    return await tell(deps, caller, command_id, ref, command, seen)


@router.post("/assign", **verb("task_assign"))
async def assign(
    ref: Ref, body: bodies.Assignment, caller: LiveCaller, command_id: CommandId, seen: ExpectedRevision, deps: Deps
) -> Response:
    """Gives it to an agent, or to whoever is able. Another agent's run is superseded, and its key dies."""
    state = await deps.commands.assign(
        caller.actor, command_id, ref, body.agent, caller.workspace_id, body.reason, seen
    )
    return await task_answer(deps, state)


@router.post("/move", **verb("task_move"))
async def move(
    ref: Ref, body: bodies.Move, caller: LiveCaller, command_id: CommandId, seen: ExpectedRevision, deps: Deps
) -> Response:
    """Into the queue, or out of it; to `ready` also out of an agent's hands."""
    return await tell(deps, caller, command_id, ref, MoveTask(TaskStatus(body.to)), seen)


@router.post("/cancel", **verb("task_cancel"))
async def cancel(
    ref: Ref, caller: LiveCaller, command_id: CommandId, deps: Deps, body: bodies.Cancellation | None = None
) -> Response:
    """Nobody wants it any more; with its open parts, if that is said."""
    wish = body or bodies.Cancellation()
    state = await deps.commands.cancel_tree(
        caller.actor, command_id, ref, wish.reason, caller.workspace_id, with_subtasks=wish.with_subtasks
    )
    return await task_answer(deps, state)


@router.post("/fail", **verb("task_fail"))
async def fail(
    ref: Ref, caller: LiveCaller, command_id: CommandId, seen: ExpectedRevision, deps: Deps, reason: Reason
) -> Response:
    """Gives it up: it was wanted, and could not be done."""
    return await tell(deps, caller, command_id, ref, FailTask(reason), seen)


@router.post("/complete", **verb("task_complete"))
async def complete(
    ref: Ref, caller: LiveCaller, command_id: CommandId, seen: ExpectedRevision, deps: Deps, reason: Reason
) -> Response:
    """Calls it done without the verdicts that its review asks for."""
    return await tell(deps, caller, command_id, ref, CompleteTask(reason), seen)


@router.post("/reopen", **verb("task_reopen"))
async def reopen(
    ref: Ref, caller: LiveCaller, command_id: CommandId, seen: ExpectedRevision, deps: Deps, reason: Reason
) -> Response:
    """Wants a closed task again."""
    return await tell(deps, caller, command_id, ref, ReopenTask(reason), seen)


@router.post("/restart", **verb("task_restart", ErrorCode.TASK_HELD))
async def restart(
    ref: Ref,
    caller: LiveCaller,
    command_id: CommandId,
    seen: ExpectedRevision,
    deps: Deps,
    body: bodies.Restart | None = None,
) -> Response:
    """Ends the run; the next one begins from the last checkpoint, or from nothing."""
    wish = body or bodies.Restart()
    return await tell(deps, caller, command_id, ref, RestartRun(wish.from_checkpoint, wish.reason), seen)


@router.post("/help", **verb("task_help"))
async def give_help(
    ref: Ref, caller: LiveCaller, command_id: CommandId, deps: Deps, body: bodies.Note | None = None
) -> Response:
    """Lets it go on after it called for a person."""
    return await tell(deps, caller, command_id, ref, GiveHelp(body.note if body else ""))


@router.post("/nudge", **verb("task_nudge"))
async def nudge(
    ref: Ref, caller: LiveCaller, command_id: CommandId, deps: Deps, body: bodies.Note | None = None
) -> Response:
    """Says a word to the agent at work, which hears it at its next beat."""
    return await tell(deps, caller, command_id, ref, NudgeRun(body.note if body else ""))
