"""How a stored content goes out: in blocks, resumable, and so that no browser takes it for a page of ours.

Whatever its author called it, only four kinds of images and text are ever shown in place, text always as plain text;
the rest is a download of unknown type. The policy of an empty sandbox covers what a browser should still try to run.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from pointsman.contract import ErrorCode

from controlplane.commands.desk import refused
from controlplane.ports import BlobStore

IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
PLAIN = "text/plain; charset=utf-8"
UNKNOWN = "application/octet-stream"
SAFE = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "private, no-cache",  # kept by the browser, asked for again: the key may be gone
    "accept-ranges": "bytes",
}
ENDINGS = {"markdown": ".md", "text": ".txt", "code": ".txt", "link": ".url.txt"}
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")  # an exabyte: more digits only cost time


@dataclass(frozen=True, slots=True)
class Served:
    """What is known of a content that goes out. `stem` names the download of what has no name of its own."""

    sha256: str
    kind: str
    name: str
    media_type: str
    stem: str


async def serve_content(request: Request, blobs: BlobStore, served: Served, *, inline: bool = False) -> Response:
    """Answers GET and HEAD, with ranges and `If-None-Match`. Raises CommandRefused(not_found).

    `inline` is a wish: what must not be shown in place is a download all the same.
    """
    size = await blobs.size(served.sha256)
    if size is None:
        raise refused(ErrorCode.NOT_FOUND, "The store does not hold this content any more.", sha256=served.sha256)
    media_type, may_inline = wire_type(served.kind, served.media_type, is_inline=inline)
    etag = f'"{served.sha256}"'
    headers = {**SAFE, "etag": etag, "content-disposition": _disposition(served, inline and may_inline)}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    chosen = _chosen_range(request, etag, size)
    if chosen is None:
        first, last, status = 0, size - 1, 200
    else:
        first, last, status = *chosen, 206
        if first > last:
            return Response(status_code=416, headers={**headers, "content-range": f"bytes */{size}"})
        headers["content-range"] = f"bytes {first}-{last}/{size}"
    headers["content-length"] = str(last - first + 1)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=media_type)
    return StreamingResponse(blobs.read(served.sha256, first, last), status, headers, media_type)


def wire_type(kind: str, media_type: str, *, is_inline: bool) -> tuple[str, bool]:
    """The type a content is sent as, and whether it may be shown in place."""
    if kind == "markdown" and not is_inline:
        return "text/markdown; charset=utf-8", True
    if kind != "file" or media_type.startswith("text/") or media_type == "application/json":
        return PLAIN, True
    return (media_type, True) if media_type in IMAGES else (UNKNOWN, False)


def _disposition(served: Served, is_inline: bool) -> str:
    """RFC 6266: a plain name for old clients, the true one for the others."""
    name = served.name or served.stem + ENDINGS.get(served.kind, "")
    plain = re.sub(r"[^A-Za-z0-9 ._()-]", "_", name)
    word = "inline" if is_inline else "attachment"
    return f"{word}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _chosen_range(request: Request, etag: str, size: int) -> tuple[int, int] | None:
    """First and last byte, both included; None for all of it. Several ranges at once are answered with all of it."""
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    if asked is None or asked[0] == "bytes=-" or request.headers.get("if-range", etag) != etag:
        return None
    first, last = asked[1], asked[2]
    if not first:
        return max(size - int(last), 0) if int(last) else size, size - 1
    if last and int(last) < int(first):
        return None  # RFC 9110 §14.1.1: not a range at all
    return int(first), min(int(last), size - 1) if last else size - 1
