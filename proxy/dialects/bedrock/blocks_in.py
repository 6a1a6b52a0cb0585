"""Blocks of Converse → parts, in requests and in answers.

What Claude signs or hides in its thinking holds on every platform that serves Claude
(https://platform.claude.com/docs/en/build-with-claude/extended-thinking, November 2026), and no other model on Bedrock
does either: such thinking is said to be Anthropic's, so that it survives a client or a provider of that dialect.
"""

from base64 import b64decode
from collections.abc import Iterable
from json import dumps
from typing import Any

import orjson

from proxy.canonical.parts import (
    CacheTtl,
    Citation,
    Media,
    MediaKind,
    Native,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from proxy.dialects.bedrock.formats import media_type_of
from proxy.dialects.reading import member, text_of

MEDIA_KINDS: tuple[MediaKind, ...] = ("image", "document", "video", "audio")
_MARKED = Text | Media | ToolCall | ToolResult  # parts that can bear a cache mark


def parse_blocks(blocks: object) -> list[Part]:
    """A cache point marks the part before it; where none can bear the mark it stays a block of its own."""
    parts: list[Part] = []
    for block in blocks if isinstance(blocks, list) else ():
        if not isinstance(block, dict):
            continue
        ttl = cache_ttl(block)
        if ttl is not None and parts and isinstance(parts[-1], _MARKED) and parts[-1].cache is None:
            parts[-1].cache = ttl
        else:
            parts.append(parse_block(block))
    return parts


def cache_ttl(block: dict[str, Any]) -> CacheTtl | None:
    """How long a cache point holds; None for any other block."""
    point = block.get("cachePoint")
    if not isinstance(point, dict):
        return None
    return "1h" if point.get("ttl") == "1h" else "5m"


def parse_block(block: dict[str, Any]) -> Part:
    text = block.get("text")
    if isinstance(text, str):
        return Text(text)
    for kind in MEDIA_KINDS:
        if isinstance(media := block.get(kind), dict):
            return parse_media(kind, media)
    if isinstance(use := block.get("toolUse"), dict) and use.get("type") != "server_tool_use":
        return ToolCall(text_of(use.get("toolUseId")), text_of(use.get("name")), json_text(use.get("input")))
    if isinstance(result := block.get("toolResult"), dict):
        return _parse_result(result, block)
    if isinstance(reasoning := block.get("reasoningContent"), dict):
        return _parse_thinking(reasoning)
    if isinstance(cited := block.get("citationsContent"), dict):
        return _parse_cited(cited)
    return Native("bedrock", block, _native_text(block))


def parse_media(kind: MediaKind, media: dict[str, Any]) -> Media:
    source = media.get("source")
    location = member(source, "s3Location")
    pieces = [text_of(member(one, "text")) for one in _listed(member(source, "content"))]
    extra = {name: value for name, value in media.items() if name not in {"format", "name", "source"}}
    if owner := member(location, "bucketOwner"):
        extra["bucketOwner"] = owner
    if pieces:
        extra["content"] = member(source, "content")
    return Media(
        kind,
        media_type_of(kind, text_of(media.get("format"))),
        data=text_of(member(source, "bytes")),
        url=text_of(member(location, "uri")),
        text=text_of(member(source, "text")) or "\n\n".join(pieces),
        name=text_of(media.get("name")),
        extra=extra,
        extra_of="bedrock" if extra else None,
    )


def json_text(value: object) -> str:
    """JSON text with the order of keys kept."""
    try:
        return orjson.dumps({} if value is None else value).decode()
    except (orjson.JSONEncodeError, TypeError):  # a whole number of more than 64 bits
        return dumps(value, ensure_ascii=False, separators=(",", ":"))


def _listed(value: object) -> Iterable[Any]:
    return value if isinstance(value, list) else ()


def _parse_result(result: dict[str, Any], block: dict[str, Any]) -> Part:
    """A result that names its type is a server tool's, part of an answer."""
    if "type" in result:
        return Native("bedrock", block, _result_text(result))
    parts = parse_blocks(result.get("content"))
    return ToolResult(text_of(result.get("toolUseId")), parts, is_error=result.get("status") == "error")


def _parse_thinking(reasoning: dict[str, Any]) -> Thinking:
    redacted = reasoning.get("redactedContent")
    if isinstance(redacted, str):
        return opaque_thinking(redacted)
    text = reasoning.get("reasoningText")
    signature = text_of(member(text, "signature"))
    made_by = "anthropic" if signature else "bedrock"
    return Thinking(text_of(member(text, "text")), signature, made_by=made_by)  # type: ignore[arg-type] # one of both


def opaque_thinking(redacted: str) -> Thinking:
    """Bedrock wraps what Anthropic sends once more in base64; what is no such text stays Bedrock's own."""
    try:
        return Thinking(redacted=b64decode(redacted, validate=True).decode("ascii"), made_by="anthropic")
    except ValueError:
        return Thinking(redacted=redacted, made_by="bedrock")


def _parse_cited(cited: dict[str, Any]) -> Text:
    text = "".join(text_of(member(piece, "text")) for piece in _listed(cited.get("content")))
    return Text(text, [parse_citation(one) for one in _listed(cited.get("citations")) if isinstance(one, dict)])


def parse_citation(raw: dict[str, Any]) -> Citation:
    sources = _listed(raw.get("sourceContent"))
    return Citation(
        "bedrock",
        raw,
        url=text_of(member(member(raw.get("location"), "web"), "url")),
        title=text_of(raw.get("title")),
        text="".join(text_of(member(source, "text")) for source in sources),
    )


def _native_text(block: dict[str, Any]) -> str:
    """What a reader could make of guarded content, of a JSON result, of a search result."""
    if isinstance(guarded := block.get("guardContent"), dict):
        return text_of(member(guarded.get("text"), "text"))
    if "json" in block:
        return json_text(block["json"])
    found = member(block.get("searchResult"), "content")
    return "\n".join(text_of(member(one, "text")) for one in _listed(found))


def _result_text(result: dict[str, Any]) -> str:
    pieces = [piece for piece in _listed(result.get("content")) if isinstance(piece, dict)]
    return "\n".join(text_of(piece.get("text")) or _native_text(piece) for piece in pieces)
