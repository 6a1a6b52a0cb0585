"""Parts → blocks of Converse.

Bedrock takes media inline or from S3 only; an address elsewhere is told in words and noted as a loss, unless whoever
renders has fetched it before. Blank texts are refused, and therefore left out where
another dialect allowed them.
"""

from base64 import b64encode
from typing import Any

import orjson

from proxy.canonical.parts import (
    CacheTtl,
    Media,
    Native,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from proxy.dialects.bedrock.families import family_of, has_cache_points, is_claude
from proxy.dialects.bedrock.formats import fit_document_name, format_of
from proxy.dialects.bedrock.names import fit_call_id, fit_name
from proxy.dialects.losses import Losses

Block = dict[str, Any]
_CLAUDES_DOCUMENT = {"citations", "context"}  # Converse names and means them as Anthropic does
_HEARS_ITSELF = "deepseek"  # the one maker whose models take their own unsigned reasoning back


class BlockWriter:
    """Of one request: it knows which names of documents are taken. Names that Bedrock's own client gave stay."""

    __slots__ = ("_document_names", "_has_points", "_is_own", "_model", "losses")

    def __init__(self, model: str, losses: Losses, *, is_own: bool = False) -> None:
        self.losses = losses
        self._model = model
        self._is_own = is_own
        self._has_points = is_own or has_cache_points(model)
        self._document_names: set[str] = set()

    def render(self, part: Part) -> list[Block]:
        """The block, and a cache point behind it where the part bears a mark; nothing for what cannot be said."""
        match part:
            case Text():
                return self._with_point(self._render_text(part), part.cache)
            case Media():
                return self._with_point(self._render_media(part), part.cache)
            case ToolCall():
                return self._with_point([self._render_call(part)], part.cache)
            case ToolResult():
                return self._render_result(part)
            case Thinking():
                return self._render_thinking(part)
            case Refusal():
                return _text_block(part.text)
            case Native():
                return self._render_native(part)

    def _with_point(self, blocks: list[Block], ttl: CacheTtl | None) -> list[Block]:
        """Without a loss where the model has no such points: it caches by itself or not at all."""
        return [*blocks, cache_point(ttl)] if ttl and blocks and self._has_points else blocks

    def _render_text(self, part: Text) -> list[Block]:
        own = [citation.raw for citation in part.citations if citation.dialect == "bedrock"]
        if len(own) < len(part.citations):
            self.losses.add("citations", "Bedrock takes only citations of its own.")
        if own and part.text.strip():
            return [{"citationsContent": {"content": [{"text": part.text}], "citations": own}}]
        return [{"text": part.text}] if self._is_own else _text_block(part.text)

    def _render_media(self, part: Media) -> list[Block]:
        form = format_of(part.kind, part.media_type)
        if part.kind == "document" and not form and (part.text or "content" in part.extra):
            form = "txt"
        source = _source(part)
        if source is None or not form:
            return self._tell_media(part)
        if part.detail:
            self.losses.add("detail", "Bedrock's images have no level of detail.")
        block: Block = {"format": form, "source": source}
        if part.kind == "document":
            plain = part.name.rpartition(".")[0] or part.name
            block["name"] = part.name if self._is_own else fit_document_name(plain, self._document_names)
        self._add_extra(block, part)
        return [{part.kind: block}]

    def _add_extra(self, block: Block, part: Media) -> None:
        is_claudes = part.extra_of == "anthropic" and part.kind == "document" and is_claude(self._model)
        for name, value in part.extra.items():
            if is_claudes and name in _CLAUDES_DOCUMENT:
                block[name] = value
            elif part.extra_of != "bedrock":
                self.losses.add(name, "Bedrock's media have no such member.")
            elif name not in {"bucketOwner", "content"}:
                block[name] = value

    def _tell_media(self, part: Media) -> list[Block]:
        where = part.url or part.file_id
        if not where:
            reason = f"Bedrock takes no {part.kind} of the type {part.media_type or 'unknown'!r}."
        else:
            reason = f"Bedrock fetches no {part.kind} from elsewhere than S3; its address is told in words."
        self.losses.add(part.kind, reason)
        return _text_block(f"[{part.kind}: {part.name or where or part.media_type or 'not sent'}]")

    def _render_call(self, part: ToolCall) -> Block:
        return {
            "toolUse": {
                "toolUseId": fit_call_id(part.id),
                "name": fit_name(part.name),
                "input": {"input": part.arguments} if part.kind == "custom" else self._arguments(part.arguments),
            }
        }

    def _arguments(self, text: str) -> dict[str, Any]:
        """Converse takes an object and nothing else."""
        try:
            found = orjson.loads(text or "{}")
        except orjson.JSONDecodeError:
            found = text
        if found is None:  # so some models call a tool without parameters
            return {}
        if isinstance(found, dict):
            return found
        self.losses.add("arguments", "Arguments that are no JSON object go as the text of one member, 'arguments'.")
        return {"arguments": text}

    def _render_result(self, part: ToolResult) -> list[Block]:
        """No cache point may stand inside: one that marks a piece of the result marks all of it."""
        content = [block for one in part.parts for block in self.render(one)]
        points = [block for block in content if "cachePoint" in block]
        content = [block for block in content if "cachePoint" not in block]
        status = "error" if part.is_error else "success"
        result = {"toolResult": {"toolUseId": fit_call_id(part.id), "content": content, "status": status}}
        return self._with_point([result], part.cache) if part.cache else [result, *points[-1:]]

    def _render_thinking(self, part: Thinking) -> list[Block]:
        """Signed thinking goes to Claude only; unsigned to nobody, but for the one that wants its own."""
        if part.made_by == "anthropic" and is_claude(self._model):
            if part.redacted:
                redacted = b64encode(part.redacted.encode()).decode()
                return [{"reasoningContent": {"redactedContent": redacted}}]
            if part.signature:
                return [_reasoning_text(part)]
        elif part.made_by == "bedrock" and (part.text or part.redacted):
            if part.redacted:
                return [{"reasoningContent": {"redactedContent": part.redacted}}]
            if self._is_own or family_of(self._model) == _HEARS_ITSELF:
                return [_reasoning_text(part)]
        return []

    def _render_native(self, part: Native) -> list[Block]:
        if part.dialect == "bedrock":
            return [part.raw]
        kind = str(part.raw.get("type") or "block")
        self.losses.add(kind, "Bedrock has no such block" + ("; its text is sent." if part.text else "."))
        return _text_block(part.text)


def cache_point(ttl: CacheTtl) -> Block:
    """Five minutes go without saying: not every model that caches takes a `ttl`."""
    return {"cachePoint": {"type": "default", "ttl": ttl} if ttl == "1h" else {"type": "default"}}


def _text_block(text: str) -> list[Block]:
    return [{"text": text}] if text.strip() else []


def _reasoning_text(part: Thinking) -> Block:
    text = {"text": part.text, "signature": part.signature} if part.signature else {"text": part.text}
    return {"reasoningContent": {"reasoningText": text}}


def _encode(text: str) -> str:
    return b64encode(text.encode("utf-8", "surrogatepass")).decode()


def _source(part: Media) -> Block | None:
    """None for an address that Bedrock does not fetch from."""
    is_own = part.extra_of == "bedrock"
    if is_own and "content" in part.extra:
        return {"content": part.extra["content"]}
    if part.data:
        return {"bytes": part.data}
    if part.text:
        return {"text": part.text} if is_own else {"bytes": _encode(part.text)}
    if part.url.startswith("s3://"):
        owner = part.extra.get("bucketOwner") if is_own else None
        return {"s3Location": {"uri": part.url, "bucketOwner": owner} if owner else {"uri": part.url}}
    return _from_data_uri(part.url)


def _from_data_uri(url: str) -> Block | None:
    head, mark, content = url.partition(";base64,")
    return {"bytes": content} if mark and head.startswith("data:") else None
