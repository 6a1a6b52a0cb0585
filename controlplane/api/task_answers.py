"""What most endpoints of a task do in the end: send one command, and answer with the task as it is then."""

from fastapi import Response
from pointsman.contract import ErrorCode

from controlplane.access.callers import Caller
from controlplane.api.bodies.tasks import TaskWish
from controlplane.api.deps import ApiDeps
from controlplane.api.views import answer, task_views
from controlplane.commands.desk import refused
from controlplane.commands.reviews import ReviewWish
from controlplane.domain.commands import Command
from controlplane.domain.state import TaskState
from controlplane.store.states import state_of


async def tell(
    deps: ApiDeps, caller: Caller, command_id: str, ref: str, command: Command, expected_revision: int | None = None
) -> Response:
    """The task after a command that only the task itself decides about."""
    state = await deps.commands.execute(caller.actor, command_id, ref, command, caller.workspace_id, expected_revision)
    return await task_answer(deps, state)


async def make(
    deps: ApiDeps,
    caller: Caller,
    command_id: str,
    wish: TaskWish,
    *,
    project_id: str | None = None,
    parent: str | None = None,
    review: ReviewWish | None = None,
) -> Response:
    """The task that was wished for, or the one that this command made before."""
    state = await deps.commands.create_task(
        caller.actor,
        command_id,
        caller.workspace_id,
        project_id,
        wish.title,
        brief=wish.brief,
        needs=tuple(wish.needs),
        priority=wish.priority,
        agent=wish.agent,
        blockers=tuple(wish.blockers),
        to_backlog=wish.backlog,
        parent=parent,
        review=review,
    )
    return await task_answer(deps, state, 201)


async def task_answer(deps: ApiDeps, state: TaskState, status: int = 200) -> Response:
    async with deps.control.reading() as session:
        (view,) = await task_views(session, [state], deps.settings.web_url)
    return answer(view, status, {"etag": f'"{state.revision}"'})


async def read_state(deps: ApiDeps, ref: str, caller: Caller) -> TaskState:
    """The task as SQL knows it. Raises CommandRefused(not_found)."""
    task = await deps.commands.find_task(ref, caller.workspace_id)
    async with deps.control.reading() as session:
        state = await state_of(session, task.task_id)
    if state is None:
        raise refused(ErrorCode.NOT_FOUND, f"{task.ref} is just being made.", task=task.ref)
    return state
