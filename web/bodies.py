"""Request and response bodies as a person reads them: who said what, which tools were called; and the bytes below.

Model calls are read by the codecs of the gateway (`proxy/readable.py`), tool calls as MCP. What cannot be read is
simply shown as it was sent: nothing here decides anything.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from markupsafe import Markup

from proxy.canonical.parts import Media, Native, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from proxy.errors import Dialect
from proxy.readable import read_answer, read_request
from web.markdown import render_markdown

MESSAGES_SHOWN = 60  # of a long conversation the last: what led to the answer
SHOWN_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_WIDEST_SUMMARY = 96

PieceKind = Literal["text", "thinking", "call", "result", "failed", "refusal", "image", "media", "native"]
Side = Literal["request", "response"]
_Said = list[tuple[str, Sequence[Part]]]  # roles, and what they said


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a turn. `summary` is its line when folded; `code` is what stands below it."""

    kind: PieceKind
    text: Markup | None = None
    summary: str = ""
    code: str = ""
    image: int = 0  # from 1, where the image is served


@dataclass(frozen=True, slots=True)
class Turn:
    role: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """A body: its conversation, and the whole of it, indented where it is JSON."""

    turns: tuple[Turn, ...]
    raw: str
    size_bytes: int
    left_out: int = 0  # earlier turns


def read_body(text: str | None, dialect: str, side: Side) -> Body | None:
    """The readable form of a kept body; None when none was kept."""
    if text is None:
        return None
    value, said = _json(text), _said(text, dialect, side)
    images = _images(said)
    turns = [Turn(role, tuple(_piece(part, images) for part in parts)) for role, parts in said]
    turns += _of_tool_call(value) if isinstance(value, dict) else ()
    raw = text if value is None else json.dumps(value, indent=2, ensure_ascii=False)
    left_out = max(0, len(turns) - MESSAGES_SHOWN)
    return Body(tuple(turns[left_out:]), raw, len(text.encode()), left_out)


def read_image(text: str, dialect: str, side: Side, number: int) -> tuple[str, bytes] | None:
    """Media type and bytes of an image in a body, by its number; only of kinds that a browser shows as a picture."""
    images = _images(_said(text, dialect, side))
    if not 0 < number <= len(images):
        return None
    try:
        return images[number - 1].media_type, base64.b64decode(images[number - 1].data)
    except binascii.Error:
        return None


def _said(text: str, dialect: str, side: Side) -> _Said:
    if dialect not in get_args(Dialect):
        return []
    known: Dialect = dialect  # type: ignore[assignment]  # just looked
    if side == "request":
        return [(message.role, message.parts) for message in read_request(known, text)]
    parts = read_answer(known, text)
    return [("assistant", parts)] if parts else []


def _images(said: _Said) -> list[Media]:
    """Those that are shown, in the order of their numbers."""
    parts = (part for _, parts in said for part in _each(parts))
    return [part for part in parts if isinstance(part, Media) and _is_shown(part)]


def _each(parts: Sequence[Part]) -> Iterator[Part]:
    for part in parts:
        yield part
        if isinstance(part, ToolResult):
            yield from _each(part.parts)


def _piece(part: Part, images: list[Media]) -> Piece:
    match part:
        case Text(text=text):
            return Piece("text", render_markdown(text))
        case Refusal(text=text):
            return Piece("refusal", render_markdown(text))
        case Thinking(text=text):
            return Piece(
                "thinking", summary=_first_line(text) or "Thought, but only for its own model to read", code=text
            )
        case ToolCall():
            return Piece("call", summary=f"{part.name} {_first_line(part.arguments)}", code=_indented(part.arguments))
        case ToolResult():
            return _result(part, images)
        case Media():
            return _media(part, images)
        case Native():
            kind = str(part.raw.get("type") or "block").replace("_", " ")
            return Piece("native", summary=part.text or kind, code=_indented(json.dumps(part.raw)))


def _result(part: ToolResult, images: list[Media]) -> Piece:
    texts = [one.text for one in part.parts if isinstance(one, Text)]
    shown = next((images.index(one) + 1 for one in part.parts if isinstance(one, Media) and _is_shown(one)), 0)
    code = _indented("\n".join(texts))
    kind: PieceKind = "failed" if part.is_error else "result"
    return Piece(kind, summary=_first_line(code), code=code, image=shown)


def _media(part: Media, images: list[Media]) -> Piece:
    size = f", {len(part.data) * 3 // 4:,} bytes" if part.data else ""
    name = part.name or part.url or part.file_id or part.media_type or part.kind
    summary = f"{part.kind.capitalize()}: {name}{size}"
    if _is_shown(part):
        return Piece("image", summary=summary, image=images.index(part) + 1)
    return Piece("media", summary=summary, code=part.text)


def _is_shown(part: Media) -> bool:
    return part.kind == "image" and bool(part.data) and part.media_type in SHOWN_IMAGES


def _first_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WIDEST_SUMMARY else line[: _WIDEST_SUMMARY - 1].rstrip() + "…"


def _indented(text: str) -> str:
    value = _json(text)
    return json.dumps(value, indent=2, ensure_ascii=False) if isinstance(value, dict | list) else text


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _of_tool_call(value: dict[str, Any]) -> Iterator[Turn]:
    """A call of MCP, or what came back."""
    params, result = value.get("params"), value.get("result")
    if isinstance(params, dict) and "name" in params:
        arguments = json.dumps(params.get("arguments", {}), ensure_ascii=False)
        yield Turn("call", (Piece("call", summary=str(params["name"]), code=_indented(arguments)),))
    if isinstance(result, dict) and "content" in result:
        texts = [str(part["text"]) for part in _dicts(result["content"]) if "text" in part]
        kind: PieceKind = "failed" if result.get("isError") else "result"
        pieces = tuple(Piece(kind, summary=_first_line(text), code=_indented(text)) for text in texts)
        yield Turn("failed" if result.get("isError") else "result", pieces)


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
