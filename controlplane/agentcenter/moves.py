"""What a wished status means here: claim, hand back, wait. What only a person may decide is refused in words."""

from pointsman.contract import ErrorCode

from controlplane.access.callers import Caller
from controlplane.agentcenter.identity import live_run
from controlplane.api.deps import ApiDeps
from controlplane.commands.desk import refused
from controlplane.commands.references import TaskReference
from controlplane.domain.commands import FailRun, ReleaseRun
from controlplane.domain.state import TaskState, TaskStatus
from controlplane.store.states import state_of

SILENCE_SECONDS = 2_700.0  # such an agent is woken every 15 minutes; three wakes may fail


async def move_to(deps: ApiDeps, agent: Caller, command_id: str, task: TaskReference, wished: str, reason: str) -> None:
    """Makes it so, or raises CommandRefused with what the agent can do instead."""
    run = await live_run(deps, agent, task.task_id)
    match wished:
        case "in_progress":
            if run is None:
                await claim(deps, agent, command_id, task)
        case "assigned" | "inbox":
            if run is not None:
                await _release(deps, run, command_id, task, reason, waits_for="")
        case "blocked":
            holder = run or await claim(deps, agent, f"{command_id}/claim", task)
            await _release(deps, holder, command_id, task, reason, waits_for=reason or "something outside")
        case "failed":
            if run is None:
                raise refused(ErrorCode.ILLEGAL_TRANSITION, f"You are not at work on {task.ref}.")
            command = FailRun(run.run_id or "", run.epoch, "failed", reason)
            await deps.commands.send(agent.actor, command_id, task.task_id, command)
        case "review" | "done":
            await _check_reached(deps, task, wished)
        case _:
            raise refused(ErrorCode.INVALID_REQUEST, f"{wished!r} is no status of a task.", field="status")


async def claim(deps: ApiDeps, agent: Caller, command_id: str, task: TaskReference) -> Caller:
    """The agent as its new run of this task, with a lease for one that is heard of seldom."""
    taken = await deps.commands.claim_task(
        agent.agent_id or "", command_id, task.task_id, agent.workspace_id, SILENCE_SECONDS
    )
    run = await live_run(deps, agent, taken.state.task_id)
    if run is None:
        raise refused(ErrorCode.LEASE_LOST, f"{task.ref} was taken away again at once.")
    return run


async def _release(
    deps: ApiDeps, run: Caller, command_id: str, task: TaskReference, reason: str, waits_for: str
) -> None:
    command = ReleaseRun(run.run_id or "", run.epoch, reason, waits_for)
    await deps.commands.send(run.actor, command_id, task.task_id, command)


async def _check_reached(deps: ApiDeps, task: TaskReference, wished: str) -> None:
    async with deps.control.reading() as session:
        state = await state_of(session, task.task_id)
    if state is not None and _has_reached(state, wished):
        return
    if wished == "review":
        message = f"{task.ref} goes into review with its deliverable: POST /api/tasks/{task.ref}/deliverables."
    else:
        message = f"{task.ref} is done when a person approves it."
    raise refused(ErrorCode.ILLEGAL_TRANSITION, message, status=state.status if state else None)


def _has_reached(state: TaskState, wished: str) -> bool:
    reached = {TaskStatus.DONE} if wished == "done" else {TaskStatus.IN_REVIEW, TaskStatus.DONE}
    return state.status in reached
