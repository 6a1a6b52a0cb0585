"""Content blocks → parts."""

from typing import Any

import orjson

from proxy.canonical.parts import CacheTtl, Citation, Media, Native, Part, Text, Thinking, ToolCall, ToolResult
from proxy.dialects.reading import member, text_of
from proxy.errors import InvalidRequest

_CALL_EXTRA = ("caller", "toolset_name")
_MEDIA_KNOWN = {"type", "source", "cache_control", "title"}


def parse_content(content: object, where: str, *, is_inside: bool = False) -> list[Part]:
    """A string is one text. Raises InvalidRequest for what is neither that nor a list of blocks.

    `is_inside` of a tool's result: a result inside a result has no meaning, and must not lead down without an end.
    """
    if isinstance(content, str):
        return [Text(content)]
    if content is None:
        return []
    if not isinstance(content, list):
        raise InvalidRequest(f"{where}.content must be a string or a list of content blocks.")
    return [
        parse_block(block, f"{where}.content.{number}", is_inside=is_inside) for number, block in enumerate(content)
    ]


def parse_block(block: object, where: str = "content", *, is_inside: bool = False) -> Part:
    """Whatever is not known here is `Native`: it goes back to this dialect as it came.

    A summary of what was said before is text to other dialects in a request. In an answer it is not: nobody asked.
    """
    if not isinstance(block, dict) or not isinstance(block.get("type"), str):
        raise InvalidRequest(f"{where} must be an object with a `type`.")
    match block["type"]:
        case "text":
            return parse_text(block)
        case "image" | "document":
            return _parse_media(block)
        case "tool_use":
            return parse_tool_use(block)
        case "tool_result" if not is_inside:
            return _parse_tool_result(block, where)
        case "thinking":
            return Thinking(text_of(block.get("thinking")), text_of(block.get("signature")), made_by="anthropic")
        case "redacted_thinking":
            return Thinking(redacted=text_of(block.get("data")), made_by="anthropic")
        case "search_result" | "compaction":
            return Native("anthropic", block, "\n".join(_texts(block.get("content"))))
    return Native("anthropic", block)


def parse_cache(block: dict[str, Any]) -> CacheTtl | None:
    mark = block.get("cache_control")
    if not isinstance(mark, dict):
        return None
    return "1h" if mark.get("ttl") == "1h" else "5m"


def render_mark(ttl: CacheTtl) -> dict[str, str]:
    return {"type": "ephemeral", "ttl": "1h"} if ttl == "1h" else {"type": "ephemeral"}


def parse_text(block: dict[str, Any]) -> Text:
    citations = block.get("citations")
    return Text(
        text_of(block.get("text")),
        [parse_citation(one) for one in citations if isinstance(one, dict)] if isinstance(citations, list) else [],
        parse_cache(block),
    )


def parse_citation(raw: dict[str, Any]) -> Citation:
    return Citation(
        "anthropic",
        raw,
        url=text_of(raw.get("url")),
        title=text_of(raw.get("title")) or text_of(raw.get("document_title")),
        text=text_of(raw.get("cited_text")),
    )


def parse_tool_use(block: dict[str, Any]) -> ToolCall:
    return ToolCall(
        text_of(block.get("id")),
        text_of(block.get("name")),
        render_arguments(block.get("input")),
        cache=parse_cache(block),
        extra=call_extra(block),
    )


def call_extra(block: dict[str, Any]) -> dict[str, Any]:
    """Who called, unless it was the model itself."""
    extra = {name: block[name] for name in _CALL_EXTRA if block.get(name) is not None}
    if member(extra.get("caller"), "type") == "direct":
        del extra["caller"]
    return extra


def render_arguments(value: object) -> str:
    """JSON text of a tool's input; text is taken for JSON already."""
    if isinstance(value, str):
        return value or "{}"
    return orjson.dumps(value).decode() if value is not None else "{}"


def _texts(content: object) -> list[str]:
    if isinstance(content, str):
        return [content]
    return [text_of(member(one, "text")) for one in content] if isinstance(content, list) else []


def _parse_tool_result(block: dict[str, Any], where: str) -> ToolResult:
    return ToolResult(
        text_of(block.get("tool_use_id")),
        parse_content(block.get("content"), where, is_inside=True),
        is_error=block.get("is_error") is True,
        cache=parse_cache(block),
    )


def _parse_media(block: dict[str, Any]) -> Part:
    source: Any = block.get("source")
    media = Media(
        "image" if block["type"] == "image" else "document",
        name=text_of(block.get("title")),
        cache=parse_cache(block),
        extra={name: value for name, value in block.items() if name not in _MEDIA_KNOWN and value is not None},
    )
    match source:
        case {"type": "base64", "data": str(data)}:
            media.data, media.media_type = data, text_of(source.get("media_type"))
        case {"type": "url", "url": str(url)}:
            media.url = url
        case {"type": "file", "file_id": str(file_id)}:
            media.file_id = file_id
        case {"type": "text", "data": str(text)}:
            media.text, media.media_type = text, text_of(source.get("media_type"))
        case {"type": "content", "content": content} if _is_all_text(content):
            media.text = "\n".join(_texts(content))
            media.extra["source"] = source
        case _:
            return Native("anthropic", block)
    media.extra_of = "anthropic" if media.extra else None
    return media


def _is_all_text(content: object) -> bool:
    return isinstance(content, str) or (
        isinstance(content, list) and all(member(one, "type") == "text" for one in content)
    )
