"""`/uploads`: files on their way in, in parts that may be sent again (after tus 1.0, https://tus.io, with our JSON).

A client says what it will send, sends parts at their offsets, and after any failure asks where to go on.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request, Response
from pointsman.contract import UPLOAD_OFFSET_HEADER, ErrorCode

from controlplane.api.bodies import runs as bodies
from controlplane.api.callers import EVERYBODY, KnownCaller, LiveCaller
from controlplane.api.commanding import CommandId
from controlplane.api.deps import Deps
from controlplane.api.described import operation
from controlplane.api.views import View, answer
from controlplane.api.views.deliverables import UploadAnswer, upload_answer
from controlplane.commands.desk import refused
from controlplane.commands.uploads import Announcement, UploadView

router = APIRouter(prefix="/uploads", tags=["uploads"])

PART_TYPE = "application/offset+octet-stream"
PART = {"required": True, "content": {PART_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
UploadId = Annotated[str, Path(min_length=1, max_length=60, examples=["up_01JD3Z6Y7Q"])]
PROGRESS = {
    UPLOAD_OFFSET_HEADER: {
        "description": "Where the next part begins.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": "48213",
    },
    "upload-length": {
        "description": "How long the file is.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": "48213",
    },
}


def of_upload(operation_id: str, returns: type[View] | None, *refuses: ErrorCode, **more: Any) -> dict[str, Any]:
    """What is done with an upload that is there, by whomever it belongs to."""
    return operation(operation_id, EVERYBODY, returns, refuses=(ErrorCode.NOT_FOUND, *refuses), **more)


def _with_part(keywords: dict[str, Any]) -> dict[str, Any]:
    return {**keywords, "openapi_extra": {**keywords["openapi_extra"], "requestBody": PART}}


@router.post(
    "", **operation("upload_begin", EVERYBODY, UploadAnswer, status=201, refuses=(ErrorCode.TOO_MANY_UPLOADS,))
)
async def begin(body: bodies.NewUpload, caller: LiveCaller, command_id: CommandId, deps: Deps) -> Response:
    """Announces a file. Its type is kept and never trusted."""
    announced = Announcement(body.name, body.media_type.lower(), body.size_bytes, body.sha256)
    view = await deps.uploads.begin(caller, command_id, announced)
    return answer(upload_answer(view), 201)


@router.patch(
    "/{upload_id}",
    **_with_part(
        of_upload(
            "upload_append",
            None,
            ErrorCode.UPLOAD_OFFSET_MISMATCH,
            ErrorCode.CHECKSUM_MISMATCH,
            status=204,
            headers=PROGRESS,
        )
    ),
)
async def append(
    upload_id: UploadId,
    request: Request,
    caller: KnownCaller,
    deps: Deps,
    upload_offset: Annotated[int, Header(alias=UPLOAD_OFFSET_HEADER, ge=0, le=2**53)],
) -> Response:
    """Sends a part. A run that has lost its task may still finish: what it hands in then is kept aside."""
    if request.headers.get("content-type", "").lower() != PART_TYPE:
        raise refused(ErrorCode.INVALID_REQUEST, f"A part is sent as {PART_TYPE}.", field="content-type")
    length = request.headers.get("content-length", "")
    known = int(length) if length.isdecimal() and length.isascii() else None
    view = await deps.uploads.append(caller, upload_id, upload_offset, request.stream(), known)
    return Response(status_code=204, headers=_headers(view))


@router.get("/{upload_id}", **of_upload("upload_show", UploadAnswer, ErrorCode.CHECKSUM_MISMATCH, headers=PROGRESS))
async def show(upload_id: UploadId, caller: KnownCaller, deps: Deps) -> Response:
    """Where to go on; with `sha256` when all of it is here."""
    view = await deps.uploads.look(caller, upload_id)
    response = answer(upload_answer(view))
    response.headers.update(_headers(view))
    return response


@router.head("/{upload_id}", **of_upload("upload_offset", None, ErrorCode.CHECKSUM_MISMATCH, headers=PROGRESS))
async def show_offset(upload_id: UploadId, caller: KnownCaller, deps: Deps) -> Response:
    """The same in the headers alone."""
    return Response(status_code=200, headers=_headers(await deps.uploads.look(caller, upload_id)))


@router.delete("/{upload_id}", **of_upload("upload_forget", None, status=204))
async def forget(upload_id: UploadId, caller: KnownCaller, deps: Deps) -> Response:
    """Takes it back. What was handed in of it stays."""
    await deps.uploads.forget(caller, upload_id)
    return Response(status_code=204)


def _headers(view: UploadView) -> dict[str, str]:
    return {
        UPLOAD_OFFSET_HEADER: str(view.offset),
        "upload-length": str(view.size_bytes),
        "cache-control": "no-store",
    }
