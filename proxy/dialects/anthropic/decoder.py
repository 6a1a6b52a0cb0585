"""Anthropic's stream → events. https://platform.claude.com/docs/en/build-with-claude/streaming (November 2026)

    message_start        MessageStarted, UsageReported
    content_block_start  a part: ToolCallStarted, or nothing yet
    content_block_delta  TextDelta, ThinkingDelta, ToolArgsDelta, CitationAdded; of another block: kept
    content_block_stop   PartEnded; of another block: NativeAdded with all of it
    message_delta        UsageReported (it replaces, it does not add), MessageEnded
    message_stop         StreamEnded
    error                Failed

`ping` and what is not known here pass without a trace. A second `message_start` in one stream happens where a relay
begins anew at another provider: what was begun stays, and numbers of blocks start over.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import orjson

from proxy.canonical.events import (
    CitationAdded,
    Event,
    Failed,
    MessageEnded,
    MessageStarted,
    NativeAdded,
    PartEnded,
    StreamEnded,
    TextDelta,
    ThinkingDelta,
    ToolArgsDelta,
    ToolCallStarted,
    UsageReported,
)
from proxy.canonical.failure import Failure
from proxy.dialects.anthropic.blocks_in import call_extra, parse_citation, parse_native, render_arguments
from proxy.dialects.anthropic.failures import failure_in_stream
from proxy.dialects.anthropic.stops import parse_stop
from proxy.dialects.anthropic.usage import parse_anthropic_usage
from proxy.dialects.reading import member, text_of
from proxy.wire.sse import FrameCutter, parse_data

_HEAD = {"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"}
_KINDS = {"text": "text", "thinking": "thinking", "redacted_thinking": "thinking", "tool_use": "tool_use"}
_KIND_OF_DELTA = {
    "text_delta": "text",
    "citations_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "thinking",
    "input_json_delta": "tool_use",
}


class _Block(msgspec.Struct):
    part: int
    kind: str  # text, thinking, tool_use; '' for one that only this dialect knows
    raw: dict[str, Any]
    pieces: list[str] = []  # of its input, where it is not passed on
    has_begun: bool = False


class AnthropicDecoder:
    """Reads one stream. Nothing comes after StreamEnded or Failed."""

    __slots__ = ("_blocks", "_cutter", "_is_over", "_next_part", "_takers", "_usage")

    def __init__(self) -> None:
        self._cutter = FrameCutter()
        self._blocks: dict[Any, _Block] = {}
        self._next_part = 0
        self._usage: dict[str, Any] = {}
        self._is_over = False
        self._takers: dict[str, Callable[[dict[str, Any]], Iterator[Event]]] = {
            "content_block_delta": self._take_delta,
            "content_block_start": self._take_block,
            "content_block_stop": self._take_block_end,
            "message_start": self._take_start,
            "message_delta": self._take_message_delta,
            "message_stop": self._take_stop,
            "error": self._take_error,
        }

    def feed(self, data: bytes) -> Iterator[Event]:
        """Takes in all of the bytes before it answers the first event: an unread answer loses none."""
        return iter(self._read(self._cutter.feed(data)))

    def close(self) -> Iterator[Event]:
        rest = self._cutter.close()
        events = self._read(rest)
        if not self._is_over:
            self._is_over = True
            events.append(Failed(_why_broken_off(rest)))
        return iter(events)

    def _read(self, frames: bytes) -> list[Event]:
        events: list[Event] = []
        for data in parse_data(frames) if frames and not self._is_over else ():
            try:
                event = orjson.loads(data)
            except orjson.JSONDecodeError:
                event = None
            if isinstance(event, dict):
                events.extend(self._take(event))
            if self._is_over:
                break
        return events

    def _take(self, event: dict[str, Any]) -> Iterator[Event]:
        take = self._takers.get(event.get("type"))  # type: ignore[arg-type] # any JSON value may stand there
        if take is not None:
            return take(event)
        return self._take_error(event) if isinstance(event.get("error"), dict) else iter(())

    def _take_start(self, event: dict[str, Any]) -> Iterator[Event]:
        message = event.get("message")
        message = message if isinstance(message, dict) else {}
        self._blocks.clear()
        if self._usage:  # the client knows it by the first one's id
            yield from self._take_usage(message.get("usage"))
            return
        rest = {name: value for name, value in message.items() if name not in _HEAD and value is not None}
        yield MessageStarted(text_of(message.get("id")), text_of(message.get("model")), rest=rest)
        yield from self._take_usage(message.get("usage"))
        content = message.get("content")
        for index, block in enumerate(content if isinstance(content, list) else ()):
            yield from self._take_block({"index": index, "content_block": block})

    def _take_usage(self, usage: object) -> Iterator[Event]:
        if isinstance(usage, dict):
            self._usage = self._usage | {name: value for name, value in usage.items() if value is not None}
            yield UsageReported(parse_anthropic_usage(self._usage), self._usage)

    def _take_block(self, event: dict[str, Any]) -> Iterator[Event]:
        raw = event.get("content_block")
        if not isinstance(raw, dict):
            return
        block = self._begin(event.get("index"), _KINDS.get(text_of(raw.get("type")), ""), raw)
        if block.kind == "text":
            yield from self._say(block, text_of(raw.get("text")))
            for citation in raw.get("citations") or ():
                yield from self._cite(block, citation)
        elif block.kind == "thinking":
            yield from self._think(
                block, text_of(raw.get("thinking")), text_of(raw.get("signature")), text_of(raw.get("data"))
            )
        elif block.kind == "tool_use":
            block.has_begun = True
            yield ToolCallStarted(block.part, text_of(raw.get("id")), text_of(raw.get("name")), extra=call_extra(raw))
            if given := raw.get("input"):
                yield ToolArgsDelta(block.part, render_arguments(given))

    def _begin(self, index: object, kind: str, raw: dict[str, Any]) -> _Block:
        block = self._blocks[index] = _Block(self._next_part, kind, raw)
        self._next_part += 1
        return block

    def _take_delta(self, event: dict[str, Any]) -> Iterator[Event]:
        delta = event.get("delta")
        if not isinstance(delta, dict):
            return
        block = self._blocks.get(event.get("index"))
        if block is None:  # its start was lost
            block = self._begin(event.get("index"), _KIND_OF_DELTA.get(text_of(delta.get("type")), ""), {})
        if block.kind == "text":
            yield from self._say(block, text_of(delta.get("text")))
            yield from self._cite(block, delta.get("citation"))
        elif block.kind == "tool_use":
            if piece := text_of(delta.get("partial_json")):
                block.has_begun = True
                yield ToolArgsDelta(block.part, piece)
        elif block.kind == "thinking":
            yield from self._think(block, text_of(delta.get("thinking")), text_of(delta.get("signature")))
        else:
            _grow(block, delta)

    def _say(self, block: _Block, text: str) -> Iterator[Event]:
        if text:
            block.has_begun = True
            yield TextDelta(block.part, text)

    def _cite(self, block: _Block, citation: object) -> Iterator[Event]:
        if isinstance(citation, dict):
            block.has_begun = True
            yield CitationAdded(block.part, parse_citation(citation))

    def _think(self, block: _Block, text: str, signature: str = "", redacted: str = "") -> Iterator[Event]:
        if text or signature or redacted:
            block.has_begun = True
            yield ThinkingDelta(block.part, text, signature, redacted, "anthropic")

    def _take_block_end(self, event: dict[str, Any]) -> Iterator[Event]:
        block = self._blocks.pop(event.get("index"), None)
        if block is None:
            return
        if not block.kind and (native := _whole(block)):
            yield NativeAdded(block.part, parse_native(native))
            block.has_begun = True
        if block.has_begun:
            yield PartEnded(block.part)

    def _take_message_delta(self, event: dict[str, Any]) -> Iterator[Event]:
        delta = event.get("delta")
        delta = delta if isinstance(delta, dict) else {}
        known = {"type", "delta", "usage", "stop_reason", "stop_sequence"}
        rest = {key: one for key, one in (event | delta).items() if key not in known and one is not None}
        if rest:
            yield MessageStarted(rest=rest)
        yield from self._take_usage(event.get("usage"))
        if native_stop := text_of(delta.get("stop_reason")):
            for index in list(self._blocks):
                yield from self._take_block_end({"index": index})
            sequence = delta.get("stop_sequence")
            yield MessageEnded(parse_stop(native_stop), native_stop, sequence if isinstance(sequence, str) else None)

    def _take_stop(self, _: dict[str, Any]) -> Iterator[Event]:
        self._is_over = True
        yield StreamEnded()

    def _take_error(self, event: dict[str, Any]) -> Iterator[Event]:
        self._is_over = True
        yield Failed(failure_in_stream(event))


def _grow(block: _Block, delta: dict[str, Any]) -> None:
    """Deltas of a block nobody here knows: JSON of an input, else members to be appended or set."""
    if delta.get("type") == "input_json_delta":
        block.pieces.append(text_of(delta.get("partial_json")))
        return
    raw = dict(block.raw)
    for name, value in delta.items():
        if name == "citation":
            raw["citations"] = [*(raw.get("citations") or ()), value]
        elif name != "type":
            before = raw.get(name)
            raw[name] = before + value if isinstance(before, str) and isinstance(value, str) else value
    block.raw = raw


def _whole(block: _Block) -> dict[str, Any]:
    """The block with its input; empty when not even its type is known."""
    if not isinstance(block.raw.get("type"), str):
        return {}
    text = "".join(block.pieces)
    if not text:
        return block.raw
    try:
        return block.raw | {"input": orjson.loads(text)}
    except orjson.JSONDecodeError:
        return block.raw | {"input": {"arguments": text}}


def _why_broken_off(rest: bytes) -> Failure:
    """An error that came as plain JSON where a stream was promised, or the end of the bytes."""
    try:
        body = orjson.loads(rest)
    except orjson.JSONDecodeError:
        body = None
    if isinstance(member(body, "error"), dict):
        return failure_in_stream(body)
    return Failure("truncated", "The provider's stream ended before its last event.")
