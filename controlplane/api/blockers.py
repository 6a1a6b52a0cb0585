"""`/tasks/{ref}/blockers`: who waits for whom."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pointsman.contract import ErrorCode

from controlplane.api.bodies import tasks as bodies
from controlplane.api.callers import PEOPLE, PEOPLE_AND_AGENTS, LiveCaller
from controlplane.api.commanding import CommandId, ExpectedRevision
from controlplane.api.deps import Deps
from controlplane.api.described import ETAG, TASK_REFUSES, operation
from controlplane.api.task_answers import task_answer, tell
from controlplane.api.tasks import Ref
from controlplane.api.views.tasks import TaskView
from controlplane.domain.commands import RemoveBlocker

router = APIRouter(prefix="/tasks/{ref}/blockers", tags=["verbs"])

BlockerRef = Annotated[str, Path(min_length=1, max_length=60, description="The task it waits for.", examples=["T-11"])]


@router.post(
    "",
    **operation(
        "blockers_add",
        PEOPLE_AND_AGENTS,
        TaskView,
        headers=ETAG,
        refuses=(*TASK_REFUSES, ErrorCode.DEPENDENCY_CYCLE),
    ),
)
async def add_blockers(
    ref: Ref, body: bodies.Blockers, caller: LiveCaller, command_id: CommandId, deps: Deps
) -> Response:
    """Makes it wait for other tasks. A cycle is refused with its path."""
    state = await deps.commands.add_blockers(caller.actor, command_id, ref, body.tasks, caller.workspace_id)
    return await task_answer(deps, state)


@router.delete("/{blocker_ref}", **operation("blocker_remove", PEOPLE, TaskView, headers=ETAG, refuses=TASK_REFUSES))
async def remove_blocker(
    ref: Ref, blocker_ref: BlockerRef, caller: LiveCaller, command_id: CommandId, seen: ExpectedRevision, deps: Deps
) -> Response:
    """Stops waiting for a task."""
    blocker = await deps.commands.find_task(blocker_ref, caller.workspace_id)
    return await tell(deps, caller, command_id, ref, RemoveBlocker(blocker.task_id), seen)
