"""Canonical parts → parts of a content."""

import re
from pathlib import PurePosixPath
from typing import Any

from proxy.canonical.parts import Media, Native, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from proxy.dialects.gemini.calls import is_made, parse_object
from proxy.dialects.gemini.names import fit
from proxy.dialects.losses import Losses, native_kind

_DATA_URL = re.compile(r"data:([^;,]*)((?:;[^,;]*)*),(.*)", re.DOTALL)
_UNKNOWN_TYPES = {"image": "image/jpeg", "document": "application/pdf", "audio": "audio/wav", "video": "video/mp4"}
# Vertex refuses a file without a type. Only what Gemini takes: https://ai.google.dev/gemini-api/docs/file-input-methods
_TYPES = {
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp", ".gif": "image/gif",
    ".heic": "image/heic", ".heif": "image/heif", ".pdf": "application/pdf", ".txt": "text/plain", ".csv": "text/csv",
    ".md": "text/markdown", ".html": "text/html", ".json": "application/json", ".xml": "text/xml", ".mp3": "audio/mpeg",
    ".wav": "audio/wav", ".ogg": "audio/ogg", ".flac": "audio/flac", ".m4a": "audio/mp4", ".aac": "audio/aac",
    ".mp4": "video/mp4", ".mov": "video/quicktime", ".webm": "video/webm", ".mpeg": "video/mpeg",
}  # fmt: skip
_RESOLUTIONS = {"low": "MEDIA_RESOLUTION_LOW", "high": "MEDIA_RESOLUTION_HIGH"}

Rendered = list[dict[str, Any]]


def render_parts(
    parts: list[Part], losses: Losses, *, knows_resolution: bool = False, is_answer: bool = False
) -> Rendered:
    """The parts of one turn but for tool results. A signature that stood on a text goes back onto it."""
    rendered: Rendered = []
    for part in parts:
        match part:
            case Text(text=text) | Refusal(text=text):
                if text:
                    rendered.append({"text": text})
            case Thinking():
                _add_thinking(part, rendered, is_answer=is_answer)
            case ToolCall():
                rendered.append(render_call(part, losses, is_answer=is_answer))
            case Media():
                rendered.extend(render_media(part, losses, knows_resolution=knows_resolution))
            case Native():
                rendered.extend(render_native(part, losses, is_answer=is_answer))
            case ToolResult():
                losses.add("tool result", "Gemini takes a function's response in a turn of the user only.")
    return rendered


def _add_thinking(part: Thinking, rendered: Rendered, *, is_answer: bool) -> None:
    """What another dialect made is shown to a client, unsigned; to Google it does not go."""
    signature = part.signature if part.made_by == "gemini" else ""
    last = rendered[-1] if rendered else {}
    if part.text and (is_answer or part.made_by == "gemini"):
        thought: dict[str, Any] = {"text": part.text, "thought": True}
        rendered.append({**thought, "thoughtSignature": signature} if signature else thought)
    elif signature and last.keys() == {"text"}:
        last["thoughtSignature"] = signature
    elif signature:
        rendered.append({"text": "", "thoughtSignature": signature})


def render_call(part: ToolCall, losses: Losses, *, is_answer: bool = False) -> dict[str, Any]:
    """Clients get every id, and send it back; to Google none goes that was made here for a call without one."""
    name = part.name if is_answer else fit(part.name)
    call: dict[str, Any] = {"name": name, "args": _arguments(part, losses)}
    if part.id and (is_answer or not is_made(part.id)):
        call = {"id": part.id, **call}
    if part.signature and part.signature_of == "gemini":
        return {"functionCall": call, "thoughtSignature": part.signature}
    return {"functionCall": call}


def _arguments(part: ToolCall, losses: Losses) -> dict[str, Any]:
    if part.kind == "custom":
        return {"input": part.arguments}
    arguments = parse_object(part.arguments)
    if arguments is None:
        losses.add("arguments", f"The arguments of {part.name!r} are no JSON object; they were passed on as text.")
        return {"arguments": part.arguments}
    return arguments


def render_result(part: ToolResult, name: str, losses: Losses, *, takes_media: bool) -> Rendered:
    """The function's response, and behind it what an older model can only be shown as a part of its own."""
    text = "".join(one.text for one in part.parts if isinstance(one, Text | Media))  # a document may be a text
    media: Rendered = []
    for one in part.parts:
        if isinstance(one, Media) and not one.text:
            media.extend(render_media(one, losses))
        elif not isinstance(one, Text | Media):
            losses.add("tool result", f"A part of the result of {name!r} is known to its own dialect only.")
    response: dict[str, Any] = {"name": fit(name), "response": _response(text, is_error=part.is_error)}
    if part.id and not is_made(part.id):
        response = {"id": part.id, **response}
    if media and takes_media:
        return [{"functionResponse": {**response, "parts": media}}]
    return [{"functionResponse": response}, *media]


def _response(text: str, *, is_error: bool) -> dict[str, Any]:
    parsed = parse_object(text) if text.startswith("{") else None
    if is_error:
        return {"error": text if parsed is None else parsed}
    if parsed is None:
        return {"output": text} if text else {}
    return parsed


def render_media(part: Media, losses: Losses, *, knows_resolution: bool = False) -> Rendered:
    """Bytes inline, files and other addresses as they are: Google fetches https://, gs:// and its own files itself."""
    if part.text:
        for name in part.extra if part.extra_of != "gemini" else ():
            losses.add(f"{part.kind}.{name}", "Gemini reads the document as plain text.")
        return [{"text": f"{part.name}\n\n{part.text}" if part.name else part.text}]
    kept = _kept_extra(part, losses, knows_resolution=knows_resolution)
    inline = _DATA_URL.match(part.url)
    if inline is not None and inline[2].endswith(";base64"):
        blob = {"mimeType": inline[1] or _media_type(part), "data": inline[3]}
    elif part.data:
        blob = {"mimeType": _media_type(part), "data": part.data}
    else:
        return _render_file(part, kept, losses)
    return [{"inlineData": {**blob, **({"displayName": part.name} if part.name else {})}, **kept}]


def _render_file(part: Media, kept: dict[str, Any], losses: Losses) -> Rendered:
    address = part.url
    if not address and part.file_id.startswith("files/"):
        address = f"https://generativelanguage.googleapis.com/v1beta/{part.file_id}"
    if not address or address.startswith("s3://"):
        losses.add(part.kind, "Gemini cannot reach a file that is kept at another provider.")
        return []
    file = {"mimeType": _media_type(part), "fileUri": address}
    return [{"fileData": {**file, **({"displayName": part.name} if part.name else {})}, **kept}]


def _kept_extra(part: Media, losses: Losses, *, knows_resolution: bool) -> dict[str, Any]:
    if part.extra and part.extra_of != "gemini":
        for name in part.extra:
            losses.add(f"{part.kind}.{name}", "Gemini has no such member of a file.")
    kept = dict(part.extra) if part.extra_of == "gemini" else {}
    if part.detail and part.detail != "auto":
        if knows_resolution and part.detail in _RESOLUTIONS:
            kept["mediaResolution"] = {"level": _RESOLUTIONS[part.detail]}
        else:
            losses.add("detail", "This model does not choose the detail of a single image.")
    return kept


def _media_type(part: Media) -> str:
    ending = PurePosixPath(part.url.partition("?")[0] or part.name).suffix.lower()
    return part.media_type or _TYPES.get(ending) or _UNKNOWN_TYPES[part.kind]


def render_native(part: Native, losses: Losses, *, is_answer: bool = False) -> Rendered:
    """Of another dialect's block a model is told in words; to a client they would look like the answer's own."""
    if part.dialect == "gemini":
        return [part.raw]
    name = native_kind(part.raw)
    losses.add(name, f"Only {part.dialect} knows this part.")
    return [{"text": part.text}] if part.text and not is_answer else []
