"""Parts → content blocks of a request. What Anthropic cannot say becomes a loss and is left out."""

from base64 import b64decode
from typing import Any

import orjson

from proxy.canonical.parts import (
    CacheTtl,
    Citation,
    Media,
    Native,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from proxy.dialects.anthropic.blocks_in import render_mark
from proxy.dialects.anthropic.names import fit, fit_call_id
from proxy.dialects.losses import Losses
from proxy.dialects.reading import member

Block = dict[str, Any]

# The first characters of well-known files in base64.
_MAGIC = {
    "iVBOR": "image/png",
    "/9j/": "image/jpeg",
    "R0lGOD": "image/gif",
    "UklGR": "image/webp",
    "JVBERi": "application/pdf",
}
_DOCUMENT_EXTRA = ("citations", "context")
_TEXTUAL = ("text/", "application/json", "application/xml", "application/yaml", "application/x-ndjson")


class BlockRenderer:
    """Renders parts of one request. `is_own`: it was written in this dialect, whose files and blocks are known here."""

    def __init__(self, losses: Losses, *, is_own: bool) -> None:
        self._losses = losses
        self._is_own = is_own

    def render(self, parts: list[Part]) -> list[Block]:
        return [block for block in map(self._render, parts) if block is not None]

    def _render(self, part: Part) -> Block | None:
        match part:
            case Text():
                return self._render_text(part)
            case Refusal(text=text):
                return {"type": "text", "text": text} if text.strip() else None
            case ToolCall():
                return self._render_call(part)
            case ToolResult():
                return self._render_result(part)
            case Thinking():
                return render_own_thinking(part)
            case Media():
                return self._render_media(part)
            case Native(dialect="anthropic", raw=raw):
                return dict(raw)
            case Native(dialect=dialect, raw=raw):
                self._losses.add(block_kind(raw), f"Only {dialect} knows this block; Anthropic gets the rest.")
        return None

    def _render_text(self, text: Text) -> Block | None:
        # "text content blocks must be non-empty" and "must contain non-whitespace text" are both refusals.
        if not text.text.strip() and not (self._is_own and text.text):
            return None
        block: Block = {"type": "text", "text": text.text}
        if citations := [raw for one in text.citations if (raw := _render_request_citation(one))]:
            block["citations"] = citations
        return _marked(block, text.cache)

    def _render_call(self, call: ToolCall) -> Block:
        arguments, is_whole = parse_arguments(call)
        if not is_whole:
            self._losses.add(
                "tool_calls.arguments", "They are not a JSON object; they go as text under the key 'arguments'."
            )
        name = call.name if self._is_own else fit(call.name)
        block = {"type": "tool_use", "id": fit_call_id(call.id), "name": name, "input": arguments}
        return _marked(block | own_call_extra(call.extra), call.cache)

    def _render_result(self, result: ToolResult) -> Block:
        block: Block = {"type": "tool_result", "tool_use_id": fit_call_id(result.id)}
        if content := compact(self.render(result.parts)):
            block["content"] = content
        if result.is_error:
            block["is_error"] = True
        return _marked(block, result.cache)

    def _render_media(self, media: Media) -> Block | None:
        source = self._source(media)
        if source is None:
            return None
        if media.detail not in {"", "auto"}:
            self._losses.add("detail", "Anthropic looks at every image in one way.")
        block: Block = {"type": media.kind if media.kind == "image" else "document", "source": source}
        if media.name and media.kind == "document":
            block["title"] = media.name
        if media.extra_of == "anthropic":
            block |= {name: value for name, value in media.extra.items() if name != "source"}
        else:
            block |= self._shared_extra(media)
        return _marked(block, media.cache)

    def _shared_extra(self, media: Media) -> Block:
        """What Bedrock's documents name and mean as Anthropic's do."""
        is_shared = media.extra_of == "bedrock" and media.kind == "document"
        for name in media.extra:
            if not is_shared or name not in {*_DOCUMENT_EXTRA, "content"}:  # the content stands in the text
                self._losses.add(name, "Anthropic's media have no such member.")
        return {name: media.extra[name] for name in _DOCUMENT_EXTRA if is_shared and name in media.extra}

    def _source(self, media: Media) -> dict[str, Any] | None:
        if media.kind in {"audio", "video"}:
            self._losses.add(media.kind, f"Anthropic's models take no {media.kind}.")
            return None
        if media.extra_of == "anthropic" and "source" in media.extra:
            found: dict[str, Any] = media.extra["source"]
            return found
        if media.text:
            return {"type": "text", "media_type": "text/plain", "data": media.text}
        if media.data:
            return self._inline(media)
        if media.url:
            if media.url.startswith(("http://", "https://")):
                return {"type": "url", "url": media.url}
            self._losses.add(media.kind, "Anthropic fetches from the web only; send the bytes, or an https address.")
        elif media.file_id:
            if self._is_own:
                return {"type": "file", "file_id": media.file_id}
            self._losses.add("file_id", "The file is kept by another provider; send its bytes.")
        return None

    def _inline(self, media: Media) -> dict[str, Any] | None:
        kind = media.media_type.partition(";")[0].strip().lower()
        kind = kind if kind not in {"", "application/octet-stream"} else _sniff(media.data)
        if media.kind == "image" or kind == "application/pdf" or self._is_own:
            return {"type": "base64", "media_type": "image/jpeg" if kind == "image/jpg" else kind, "data": media.data}
        if kind.startswith(_TEXTUAL):
            try:
                text = b64decode(media.data).decode()
            except ValueError:
                text = ""
            if text:
                return {"type": "text", "media_type": "text/plain", "data": text}
        self._losses.add("document", f"Anthropic reads PDF and plain text, not {kind or 'a file of unknown type'}.")
        return None


def render_own_thinking(thinking: Thinking) -> Block | None:
    """Verbatim where it was made; nothing that others made, and never without a signature."""
    if thinking.made_by != "anthropic":
        return None
    if thinking.redacted:
        return {"type": "redacted_thinking", "data": thinking.redacted}
    if thinking.signature:
        return {"type": "thinking", "thinking": thinking.text, "signature": thinking.signature}
    return None


def parse_arguments(call: ToolCall) -> tuple[dict[str, Any], bool]:
    """A tool's input must be an object. False: the text is none, and stands in one as it is."""
    if call.kind == "custom":
        return {"input": call.arguments}, True
    try:
        found = orjson.loads(call.arguments or "{}")
    except orjson.JSONDecodeError:
        return {"arguments": call.arguments}, False
    if found is None:  # Cohere's word for no arguments
        return {}, True
    return (found, True) if isinstance(found, dict) else ({"arguments": call.arguments}, False)


def own_call_extra(extra: dict[str, Any]) -> dict[str, Any]:
    """What Anthropic itself said of a call: the Responses API has callers, too, and they are others."""
    kind = member(extra.get("caller"), "type")
    is_own = isinstance(kind, str) and kind.startswith("code_execution_")
    return {name: extra[name] for name in ("caller", "toolset_name") if name in extra and (is_own or name != "caller")}


def block_kind(raw: dict[str, Any]) -> str:
    """Most dialects say it in `type`, Gemini by the member that is set."""
    return str(raw.get("type") or next((name for name in raw if name != "thoughtSignature"), "thoughtSignature"))


def compact(blocks: list[Block]) -> str | list[Block]:
    """A lone plain text is a string."""
    if not blocks:
        return ""
    only = blocks[0]
    if len(blocks) == 1 and len(only) == 2 and only.get("type") == "text":
        text: str = only["text"]
        return text
    return blocks


def _render_request_citation(citation: Citation) -> dict[str, Any] | None:
    """Those of others, and those that our encoder made of them, mean nothing to Anthropic."""
    raw = citation.raw
    return raw if citation.dialect == "anthropic" and raw.get("encrypted_index") != "" else None


def _marked(block: Block, cache: CacheTtl | None) -> Block:
    if cache:
        block["cache_control"] = render_mark(cache)
    return block


def _sniff(data: str) -> str:
    return next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), "")
