"""`/runs/{run_id}`: what a run says of its work. Spoken with the run's key, or with its agent's key and the epoch."""

from typing import Any

from fastapi import APIRouter, Response
from pointsman.contract import ErrorCode

from controlplane.access.callers import Caller
from controlplane.api.bodies import runs as bodies
from controlplane.api.callers import RUNS, RunHolder, come_back, lease_lost
from controlplane.api.commanding import CommandId
from controlplane.api.deps import ApiDeps, Deps
from controlplane.api.described import ETAG, TASK_REFUSES, operation
from controlplane.api.directives import directives_for
from controlplane.api.task_answers import make
from controlplane.api.views import answer
from controlplane.api.views.runs import BeatView, DoneView, ObstacleView, ReceiptView
from controlplane.api.views.tasks import TaskView
from controlplane.commands.contents import Submission, store_submission
from controlplane.commands.desk import refused
from controlplane.domain.commands import Command, FailRun, ReleaseRun

router = APIRouter(prefix="/runs/{run_id}", tags=["runs"])


def said(operation_id: str, returns: Any, *further: ErrorCode, **more: Any) -> dict[str, Any]:
    """What a run says of itself."""
    return operation(operation_id, RUNS, returns, refuses=(*TASK_REFUSES, *further), **more)


@router.post("/beat", **said("run_beat", BeatView))
async def beat(caller: RunHolder, deps: Deps, body: bodies.Beat | None = None) -> Response:
    """A sign of life. The answer says what the run should do or know; 409 `lease_lost` when the task was taken away.

    A run that was lost goes on when nobody has taken over since.
    """
    caller = await come_back(deps, caller)
    if not caller.is_live:
        raise lease_lost()
    await deps.beats.beat(caller, body.progress if body else None)
    told = await directives_for(deps.control, caller, deps.clock.now_ms())
    return answer(BeatView(lease="held", directives=told))


@router.post("/submit", **said("run_submit", ReceiptView))
async def submit(body: bodies.Submission, caller: RunHolder, deps: Deps) -> Response:
    """Hands in a deliverable; the same content again is the same version. Too late, it is refused, but kept aside."""
    caller = await come_back(deps, caller)
    content = await store_submission(deps.blobs, deps.uploads, caller, _submission(body))
    return answer(ReceiptView(version=await deps.commands.submit_content(caller, content)))


def _submission(body: bodies.Submission) -> Submission:
    if body.kind and body.format and body.kind != body.format:
        raise refused(ErrorCode.INVALID_REQUEST, "`kind` and `format` mean the same; say one of them.", field="format")
    kind = body.kind or body.format or "markdown"
    return Submission(kind, body.content, body.url, body.upload_id, body.language, body.title, body.name)


@router.post("/release", **said("run_release", DoneView))
async def release(caller: RunHolder, command_id: CommandId, deps: Deps, body: bodies.Release | None = None) -> Response:
    """Gives the task back, which is not a failure."""
    reason = body.reason if body else ""
    return await _send(deps, caller, command_id, ReleaseRun(caller.run_id or "", caller.epoch, reason))


@router.post("/fail", **said("run_fail", DoneView))
async def fail(body: bodies.Failure, caller: RunHolder, command_id: CommandId, deps: Deps) -> Response:
    """This attempt failed."""
    return await _send(deps, caller, command_id, FailRun(caller.run_id or "", caller.epoch, body.reason, body.message))


async def _send(deps: ApiDeps, caller: Caller, command_id: str, command: Command) -> Response:
    await deps.commands.send(caller.actor, command_id, caller.task_id or "", command)
    return answer(DoneView())


@router.post("/blocked", **said("run_blocked", ObstacleView, ErrorCode.DEPENDENCY_CYCLE))
async def blocked(body: bodies.Obstacle, caller: RunHolder, command_id: CommandId, deps: Deps) -> Response:
    """Says what keeps the run: a person is asked, or it lets go until tasks are done, or what is outside is there."""
    question_id = await deps.commands.blocked_on(caller, command_id, body.on, body.text, body.tasks)
    return answer(ObstacleView(question_id=question_id))


@router.post("/subtasks", **said("run_subtask", TaskView, status=201, headers=ETAG))
async def create_subtask(body: bodies.Subtask, caller: RunHolder, command_id: CommandId, deps: Deps) -> Response:
    """Makes a part of the run's own task."""
    if not caller.is_live:
        raise lease_lost()
    return await make(deps, caller, command_id, body, parent=caller.task_id)
