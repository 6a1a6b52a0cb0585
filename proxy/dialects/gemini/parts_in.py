"""Parts of a content → canonical parts. https://ai.google.dev/api/caching#Part (November 2026).

A `thoughtSignature` belongs to the part that it stands on. On a function call it is kept there; on a text it becomes a
Thinking without text right behind it, which goes back onto the text; on what only Gemini knows it stays in there.
"""

from typing import Any

from proxy.canonical.parts import Media, MediaKind, Native, Part, Text, Thinking, ToolCall, ToolResult
from proxy.dialects.gemini.calls import OpenCalls, render_arguments, to_json
from proxy.dialects.gemini.spelling import members, repeated
from proxy.dialects.reading import text_of

_MEDIA = ("inlineData", "fileData")


def parse_part(part: dict[str, Any], calls: OpenCalls) -> list[Part]:
    """One part of a client's history, its members in camelCase; two where a text is signed."""
    if "functionCall" in part:
        return [parse_call(part, calls)]
    if "functionResponse" in part:
        return [parse_result(part["functionResponse"], calls)]
    if isinstance(text := part.get("text"), str):
        return parse_text(text, text_of(part.get("thoughtSignature")), is_thought=part.get("thought") is True)
    if media := parse_media(part):
        return [media]
    return [parse_native(part)] if part else []


def parse_text(text: str, signature: str, *, is_thought: bool) -> list[Part]:
    if is_thought:
        return [Thinking(text, signature, made_by="gemini")] if text or signature else []
    found: list[Part] = [Text(text)] if text else []
    if signature:
        found.append(Thinking("", signature, made_by="gemini"))
    return found


def parse_call(part: dict[str, Any], calls: OpenCalls) -> ToolCall:
    call = members(part["functionCall"])
    name, arguments = text_of(call.get("name")), render_arguments(call.get("args"))
    signature = text_of(part.get("thoughtSignature"))
    call_id = calls.called(text_of(call.get("id")), name, arguments)
    return ToolCall(call_id, name, arguments, signature=signature, signature_of="gemini" if signature else None)


def parse_result(value: object, calls: OpenCalls) -> ToolResult:
    """`{"output": text}` and `{"error": …}` are what the reference proposes; any other object stays JSON."""
    result = members(value)
    name = text_of(result.get("name"))
    response = result.get("response")
    is_error = False
    body: object = response
    if isinstance(response, dict) and len(response) == 1:
        is_error = "error" in response
        inner = response["error"] if is_error else response.get("output")
        if is_error or (isinstance(inner, str) and not inner.startswith("{")):
            body = inner
    parts: list[Part] = [] if body is None else [Text(body if isinstance(body, str) else to_json(body))]
    parts.extend(media for one in repeated(result.get("parts")) if (media := parse_media(members(one))))
    return ToolResult(calls.answered(text_of(result.get("id")), name), parts, name, is_error)


def parse_media(part: dict[str, Any]) -> Media | None:
    """Inline bytes or a file by its address; None for a part that holds neither, or a thought that is an image."""
    found = next((name for name in _MEDIA if isinstance(part.get(name), dict)), None)
    if found is None or part.get("thought"):
        return None
    blob = members(part[found])
    media_type = text_of(blob.get("mimeType"))
    extra = {name: value for name, value in part.items() if name != found}
    return Media(
        media_kind(media_type),
        media_type,
        data=text_of(blob.get("data")),
        url=text_of(blob.get("fileUri")),
        name=text_of(blob.get("displayName")),
        extra=extra,
        extra_of="gemini" if extra else None,
    )


def media_kind(media_type: str) -> MediaKind:
    family = media_type.partition("/")[0]
    if family == "image":
        return "image"
    if family == "audio":
        return "audio"
    return "video" if family == "video" else "document"


def parse_native(part: dict[str, Any]) -> Native:
    """Code that ran, what it printed, calls of Google's own tools, and whatever comes next year."""
    return Native("gemini", part, text=_readable(part))


def _readable(part: dict[str, Any]) -> str:
    code, result = members(part.get("executableCode")), members(part.get("codeExecutionResult"))
    if code:
        return f"```{text_of(code.get('language')).lower()}\n{text_of(code.get('code'))}\n```"
    return f"```\n{text_of(result.get('output'))}\n```" if result.get("output") else ""
