"""`/runs/{run_id}/checkpoint|handoff`: what a run leaves for the next one, and what it found."""

from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from pointsman.contract import ErrorCode
from pydantic import ValidationError

from controlplane.api.bodies import runs as bodies
from controlplane.api.callers import LiveRunHolder
from controlplane.api.commanding import CommandId
from controlplane.api.deps import Deps
from controlplane.api.described import JSON, REQUEST_ID
from controlplane.api.insight import packet_of
from controlplane.api.runs import said
from controlplane.api.views import answer, iso
from controlplane.api.views.insight import HandoffView
from controlplane.api.views.runs import CheckpointView, KeptView
from controlplane.commands.desk import refused
from controlplane.queries.handoff import checkpoint_of
from controlplane.store.states import state_of

router = APIRouter(prefix="/runs/{run_id}", tags=["runs"])

BYTES = "application/octet-stream"
EITHER_BODY = {
    "required": True,
    "content": {
        JSON: {"schema": {"$ref": "#/components/schemas/Checkpoint"}},
        BYTES: {"schema": {"type": "string", "format": "binary"}},
    },
}


def _with_either_body(keywords: dict[str, Any]) -> dict[str, Any]:
    return {**keywords, "openapi_extra": {**keywords["openapi_extra"], "requestBody": EITHER_BODY}}


@router.put("/checkpoint", **_with_either_body(said("checkpoint_save", KeptView)))
async def save(request: Request, caller: LiveRunHolder, _id: CommandId, deps: Deps) -> Response:
    """Keeps this as the run's last state, for the next run to go on from: JSON with a note, or bytes."""
    content, note = _content(request, await request.body())
    return answer(KeptView(sha256=await deps.commands.checkpoint(caller, content, note)))


def _content(request: Request, body: bytes) -> tuple[bytes, str]:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == BYTES:
        return body, ""
    if media_type != JSON:
        raise refused(ErrorCode.INVALID_REQUEST, f"A checkpoint comes as {JSON} or {BYTES}.", field="content-type")
    try:
        given = bodies.Checkpoint.model_validate_json(body)
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
        raise RequestValidationError(faults) from None
    return msgspec.json.encode(given.state), given.note


NOTHING_SAVED = {204: {"description": "No run has left a state to go on from.", "headers": REQUEST_ID}}


@router.get("/checkpoint", **said("checkpoint_show", CheckpointView, answers=NOTHING_SAVED))
async def show(caller: LiveRunHolder, deps: Deps) -> Response:
    """The last state that a run of this task left, this one or an earlier one; 204 when there is none to go on from."""
    async with deps.control.reading() as session:
        state = await state_of(session, caller.task_id or "")
        saved = await checkpoint_of(session, state) if state else None
    content = await deps.blobs.get(saved.sha256) if saved else None
    if saved is None or content is None:
        return Response(status_code=204)
    view = CheckpointView(
        run_id=saved.run_id,
        sha256=saved.sha256,
        size_bytes=saved.size_bytes,
        note=saved.note,
        at=iso(saved.at_ms),
        state=_state(content),
    )
    return answer(view)


def _state(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except ValueError:
        return None


@router.get("/handoff", **said("run_handoff", HandoffView))
async def handoff(caller: LiveRunHolder, deps: Deps) -> Response:
    """Goal, latest deliverable, decisions, open questions, last tool results, and cost so far."""
    return answer(await packet_of(deps, caller.task_id or ""))
