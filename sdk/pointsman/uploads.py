"""Sends a file in parts, and goes on where it was after any failure: the server says how much it has."""

import asyncio
import hashlib
import mimetypes
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from pointsman.api import Request
from pointsman.contract import UPLOAD_OFFSET_HEADER, IdPrefix, new_id
from pointsman.errors import RequestRefused
from pointsman.models import RunGrant, UploadState

PART_BYTES: Final = 4 * 1024 * 1024
PART_TYPE: Final = "application/offset+octet-stream"
OFFSET_MISMATCH: Final = "upload_offset_mismatch"

Ask = Callable[[Request, type[UploadState]], Awaitable[UploadState | None]]


async def upload_file(ask: Ask, run: RunGrant, path: Path, media_type: str = "") -> str:
    """The upload's id, when all of the file is there. `ask` repeats a request that met an outage."""
    sha256, size = await asyncio.to_thread(_measure, path)
    announcement = {
        "name": path.name,
        "media_type": media_type or mimetypes.guess_type(path.name)[0] or "application/octet-stream",
        "size_bytes": size,
        "sha256": sha256,
    }
    begin = Request("POST", "/uploads", announcement, run, command_id=new_id(IdPrefix.COMMAND))
    state = await ask(begin, UploadState)
    while state is not None and state.sha256 is None:
        state = await _send_part(ask, run, path, state)
    if state is None:
        raise RequestRefused("Pointsman did not say what became of the file.", code="internal", status=500)
    return state.upload_id


async def _send_part(ask: Ask, run: RunGrant, path: Path, state: UploadState) -> UploadState | None:
    part = await asyncio.to_thread(_read, path, state.offset)
    headers = {UPLOAD_OFFSET_HEADER: str(state.offset), "content-type": PART_TYPE}
    where = f"/uploads/{state.upload_id}"
    try:
        await ask(Request("PATCH", where, content=part, headers=headers, run=run), UploadState)
    except RequestRefused as refused:
        if refused.code != OFFSET_MISMATCH:  # an earlier try arrived after all: the server says where to go on
            raise
    return await ask(Request("GET", where, run=run), UploadState)


def _measure(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size


def _read(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(PART_BYTES)
