"""`POST /tasks/{ref}/…`: what keeps a task from going on. Holds of several kinds coexist; a freeze stops its tree."""

from fastapi import APIRouter, Response

from controlplane.api.bodies import tasks as bodies
from controlplane.api.callers import PEOPLE, LiveCaller
from controlplane.api.commanding import CommandId, ExpectedRevision, Reason
from controlplane.api.deps import Deps
from controlplane.api.described import TASK_REFUSES, operation
from controlplane.api.freezing import act_on_freeze
from controlplane.api.task_answers import tell
from controlplane.api.task_verbs import verb
from controlplane.api.tasks import Ref
from controlplane.api.views.workspace import FrozenView
from controlplane.domain.commands import HoldTask, LiftHold
from controlplane.domain.state import HoldKind

router = APIRouter(prefix="/tasks/{ref}", tags=["verbs"])


@router.post("/hold", **verb("task_hold"))
async def hold(
    ref: Ref,
    caller: LiveCaller,
    command_id: CommandId,
    seen: ExpectedRevision,
    deps: Deps,
    body: bodies.Hold | None = None,
) -> Response:
    """Pauses it: nobody takes it, a live run keeps its lease, and its new calls wait at the gateway."""
    wish = body or bodies.Hold()
    return await tell(deps, caller, command_id, ref, HoldTask(HoldKind(wish.kind), wish.reason), seen)


@router.post("/resume", **verb("task_resume"))
async def resume(
    ref: Ref,
    caller: LiveCaller,
    command_id: CommandId,
    seen: ExpectedRevision,
    deps: Deps,
    body: bodies.Hold | None = None,
) -> Response:
    """Lifts the hold of one kind; others stay."""
    wish = body or bodies.Hold()
    return await tell(deps, caller, command_id, ref, LiftHold(HoldKind(wish.kind), wish.reason), seen)


@router.post("/freeze", **operation("task_freeze", PEOPLE, FrozenView, refuses=TASK_REFUSES))
async def freeze(ref: Ref, caller: LiveCaller, command_id: CommandId, deps: Deps, reason: Reason) -> Response:
    """Stops the task and all its parts at once: keys, live streams, queued calls and workflows."""
    return await act_on_freeze(deps, caller, command_id, deps.commands.freeze, "task", ref, reason)


@router.post("/thaw", **operation("task_thaw", PEOPLE, FrozenView, refuses=TASK_REFUSES))
async def thaw(ref: Ref, caller: LiveCaller, command_id: CommandId, deps: Deps, reason: Reason) -> Response:
    """Lets the task and its parts go on; what was frozen for another reason stays frozen."""
    return await act_on_freeze(deps, caller, command_id, deps.commands.thaw, "task", ref, reason)
