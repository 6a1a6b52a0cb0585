"""From what a run hands in to a content of the blob store: its kind, where it lies, and how it is called.

| kind | comes as | may also say |
|---|---|---|
| `markdown`, `text` | `content` | |
| `code` | `content` | `language`, `name` |
| `link` | `url`, which is never fetched | |
| `file` | `upload_id` of a complete upload | `name` |

Each may have a `title`. What does not belong to a kind is refused: it was meant for another one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from pointsman.contract import ErrorCode

from controlplane.access.callers import Caller
from controlplane.commands.desk import refused
from controlplane.commands.uploads import Uploads
from controlplane.domain.state import Deliverable
from controlplane.ports import BlobStore

MAX_TEXT_BYTES = 4 * 1024 * 1024  # of a content within a request; more comes as a file
MAX_URL = 2000  # characters: what browsers and proxies are sure to take
# Browsers take a backslash for a slash, Python does not: where the host ends must not depend on the reader.
NOT_IN_A_LINK = re.compile(r"[\\\s\x00-\x20\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Submission:
    """What a run sent, as it sent it; an empty text stands for what it did not say."""

    kind: str
    content: str | None = None
    url: str | None = None
    upload_id: str | None = None
    language: str = ""
    title: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """A deliverable's content, in the store, and what is said of it."""

    sha256: str
    size_bytes: int
    kind: str = "markdown"
    title: str = ""
    name: str = ""
    media_type: str = ""
    language: str = ""


class _Fields(NamedTuple):
    needed: str
    allowed: tuple[str, ...] = ()
    media_type: str = ""


KINDS: Mapping[str, _Fields] = {
    "markdown": _Fields("content", media_type="text/markdown"),
    "text": _Fields("content", media_type="text/plain"),
    "code": _Fields("content", ("language", "name"), "text/plain"),
    "link": _Fields("url", media_type="text/uri-list"),
    "file": _Fields("upload_id", ("name",)),
}
SOURCES = ("content", "url", "upload_id", "language", "name")


async def store_submission(blobs: BlobStore, uploads: Uploads, caller: Caller, submission: Submission) -> Content:
    """The content, when it is in the store. Raises CommandRefused(invalid_request, request_too_large, not_found)."""
    fields = _checked_fields(submission)
    if submission.kind == "file":
        return await _uploaded(uploads, caller, submission)
    text = checked_url(submission.url or "") if submission.kind == "link" else submission.content or ""
    raw = _encoded(text)
    return Content(
        sha256=await blobs.put(raw),
        size_bytes=len(raw),
        kind=submission.kind,
        title=submission.title,
        name=submission.name,
        media_type=fields.media_type,
        language=submission.language,
    )


def checked_url(url: str) -> str:
    """A link a person may follow: http or https, with a host, without a password. Raises CommandRefused."""
    if len(url) > MAX_URL:
        raise _not_valid("url", f"A link may have {MAX_URL} characters.")
    if NOT_IN_A_LINK.search(url):
        raise _not_valid("url", "A link has no spaces, backslashes, line breaks or unseen characters.")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise _not_valid("url", "This is not a URL.") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise _not_valid("url", "A link begins with https:// or http:// and names a host.")
    if "@" in parts.netloc:
        raise _not_valid("url", "A link carries no user name or password: it is shown to everybody here.")
    return url


async def words_of(blobs: BlobStore, deliverable: Deliverable) -> str:
    """A version as an agent may read it: its text; of a file, what is known of it."""
    if deliverable.kind == "file":
        return f"(A file: {deliverable.name}, {deliverable.media_type}, {deliverable.size_bytes} bytes.)"
    content = await blobs.get(deliverable.sha256)
    return "" if content is None else content.decode(errors="replace")


def _checked_fields(submission: Submission) -> _Fields:
    fields = KINDS.get(submission.kind)
    if fields is None:
        raise _not_valid("kind", f"A deliverable is one of: {', '.join(KINDS)}.")
    given = {name for name in SOURCES if getattr(submission, name) not in {None, ""}}
    if submission.content is not None:
        given.add("content")  # an empty text is a text
    if fields.needed not in given:
        raise _not_valid(fields.needed, f"A deliverable of kind {submission.kind} comes as `{fields.needed}`.")
    for name in sorted(given - {fields.needed, *fields.allowed}):
        raise _not_valid(name, f"`{name}` is not for a deliverable of kind {submission.kind}.")
    return fields


async def _uploaded(uploads: Uploads, caller: Caller, submission: Submission) -> Content:
    upload = await uploads.complete(caller, submission.upload_id or "")
    return Content(
        sha256=upload.sha256 or "",
        size_bytes=upload.size_bytes,
        kind="file",
        title=submission.title,
        name=submission.name or upload.name,
        media_type=upload.media_type,
    )


def _encoded(text: str) -> bytes:
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        raise _not_valid("content", "This text has half a character (a lone surrogate) in it.") from None
    if len(raw) > MAX_TEXT_BYTES:
        limit = f"A text may have {MAX_TEXT_BYTES // 1024 // 1024} MiB. Hand in a longer one as a file, by an upload."
        raise refused(ErrorCode.REQUEST_TOO_LARGE, limit, limit_bytes=MAX_TEXT_BYTES)
    return raw


def _not_valid(field: str, sentence: str) -> Exception:
    return refused(ErrorCode.INVALID_REQUEST, sentence, field=field)
