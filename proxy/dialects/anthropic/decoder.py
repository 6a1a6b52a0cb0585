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

from collections.abc import Callable
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
from proxy.canonical.parts import Native
from proxy.dialects.anthropic.blocks_in import call_extra, parse_citation, render_arguments
from proxy.dialects.anthropic.failures import failure_in_stream
from proxy.dialects.anthropic.stops import parse_stop
from proxy.dialects.anthropic.usage import parse_anthropic_usage
from proxy.dialects.reading import count_of, member, text_of
from proxy.wire.sse import FrameCutter, parse_data

_HEAD = {"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"}
_KNOWN_AT_END = {"type", "delta", "usage", "stop_reason", "stop_sequence"}
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

    __slots__ = ("_blocks", "_cutter", "_events", "_is_over", "_next_part", "_takers", "_usage")

    def __init__(self) -> None:
        self._cutter = FrameCutter()
        self._events: list[Event] = []  # read and not yet handed out
        self._blocks: dict[int, _Block] = {}
        self._next_part = 0
        self._usage: dict[str, Any] = {}
        self._is_over = False
        self._takers: dict[str, Callable[[dict[str, Any]], None]] = {
            "content_block_delta": self._take_delta,
            "content_block_start": self._take_block,
            "content_block_stop": self._take_block_end,
            "message_start": self._take_start,
            "message_delta": self._take_message_delta,
            "message_stop": self._take_stop,
            "error": self._take_error,
        }

    def feed(self, data: bytes) -> list[Event]:
        return self._read(self._cutter.feed(data))

    def close(self) -> list[Event]:
        rest = self._cutter.close()
        events = self._read(rest)
        if not self._is_over:
            self._is_over = True
            events.append(Failed(_why_broken_off(rest)))
        return events

    def _read(self, frames: bytes) -> list[Event]:
        for data in parse_data(frames) if frames else ():
            if self._is_over:
                break
            try:
                event = orjson.loads(data)
            except orjson.JSONDecodeError:
                continue  # what relays put between: the end, which is watched for, tells whether something is missing
            if isinstance(event, dict):
                self._take(event)
        events, self._events = self._events, []
        return events

    def _take(self, event: dict[str, Any]) -> None:
        take = self._takers.get(text_of(event.get("type")))
        if take is not None:
            take(event)
        elif isinstance(event.get("error"), dict):
            self._take_error(event)

    def _take_start(self, event: dict[str, Any]) -> None:
        message = event.get("message")
        message = message if isinstance(message, dict) else {}
        self._blocks.clear()
        if not self._usage:  # of two, the client knows the stream by the first one's id
            rest = {name: value for name, value in message.items() if name not in _HEAD and value is not None}
            self._events.append(MessageStarted(text_of(message.get("id")), text_of(message.get("model")), rest=rest))
        self._take_usage(message.get("usage"))
        content = message.get("content")
        for index, block in enumerate(content if isinstance(content, list) else ()):
            self._take_block({"index": index, "content_block": block})

    def _take_usage(self, usage: object) -> None:
        if isinstance(usage, dict):
            self._usage = self._usage | {name: value for name, value in usage.items() if value is not None}
            self._events.append(UsageReported(parse_anthropic_usage(self._usage), self._usage))

    def _take_block(self, event: dict[str, Any]) -> None:
        raw = event.get("content_block")
        if not isinstance(raw, dict):
            return
        block = self._begin(count_of(event.get("index")), _KINDS.get(text_of(raw.get("type")), ""), raw)
        if block.kind == "text":
            self._say(block, raw.get("text"))
            citations = raw.get("citations")
            for citation in citations if isinstance(citations, list) else ():
                self._cite(block, citation)
        elif block.kind == "thinking":
            self._think(block, raw.get("thinking"), raw.get("signature"), raw.get("data"))
        elif block.kind == "tool_use":
            block.has_begun = True
            name = text_of(raw.get("name"))
            self._events.append(ToolCallStarted(block.part, text_of(raw.get("id")), name, extra=call_extra(raw)))
            if given := raw.get("input"):
                self._events.append(ToolArgsDelta(block.part, render_arguments(given)))

    def _begin(self, index: int, kind: str, raw: dict[str, Any]) -> _Block:
        block = self._blocks[index] = _Block(self._next_part, kind, raw)
        self._next_part += 1
        return block

    def _take_delta(self, event: dict[str, Any]) -> None:
        delta = event.get("delta")
        if not isinstance(delta, dict):
            return
        index = count_of(event.get("index"))
        block = self._blocks.get(index)
        if block is None:  # its start was lost
            block = self._begin(index, _KIND_OF_DELTA.get(text_of(delta.get("type")), ""), {})
        if block.kind == "text":
            self._say(block, delta.get("text"))
            self._cite(block, delta.get("citation"))
        elif block.kind == "tool_use":
            if piece := text_of(delta.get("partial_json")):
                block.has_begun = True
                self._events.append(ToolArgsDelta(block.part, piece))
        elif block.kind == "thinking":
            self._think(block, delta.get("thinking"), delta.get("signature"))
        else:
            _grow(block, delta)

    def _say(self, block: _Block, text: object) -> None:
        if text and isinstance(text, str):
            block.has_begun = True
            self._events.append(TextDelta(block.part, text))

    def _cite(self, block: _Block, citation: object) -> None:
        if isinstance(citation, dict):
            block.has_begun = True
            self._events.append(CitationAdded(block.part, parse_citation(citation)))

    def _think(self, block: _Block, text: object, signature: object, redacted: object = "") -> None:
        text, signature, redacted = text_of(text), text_of(signature), text_of(redacted)
        if text or signature or redacted:
            block.has_begun = True
            self._events.append(ThinkingDelta(block.part, text, signature, redacted, "anthropic"))

    def _take_block_end(self, event: dict[str, Any]) -> None:
        block = self._blocks.pop(count_of(event.get("index")), None)
        if block is not None:
            self._end(block)

    def _end(self, block: _Block) -> None:
        if not block.kind and (native := _whole(block)):
            self._events.append(NativeAdded(block.part, Native("anthropic", native)))
            block.has_begun = True
        if block.has_begun:
            self._events.append(PartEnded(block.part))

    def _take_message_delta(self, event: dict[str, Any]) -> None:
        delta = event.get("delta")
        delta = delta if isinstance(delta, dict) else {}
        rest = {key: one for key, one in (event | delta).items() if key not in _KNOWN_AT_END and one is not None}
        if rest:
            self._events.append(MessageStarted(rest=rest))
        self._take_usage(event.get("usage"))
        if native_stop := text_of(delta.get("stop_reason")):
            for block in self._blocks.values():
                self._end(block)
            self._blocks.clear()
            sequence = text_of(delta.get("stop_sequence")) or None
            self._events.append(MessageEnded(parse_stop(native_stop), native_stop, sequence))

    def _take_stop(self, _: dict[str, Any]) -> None:
        self._is_over = True
        self._events.append(StreamEnded())

    def _take_error(self, event: dict[str, Any]) -> None:
        self._is_over = True
        self._events.append(Failed(failure_in_stream(event)))


def _grow(block: _Block, delta: dict[str, Any]) -> None:
    """Deltas of a block nobody here knows: JSON of an input, else members to be appended or set."""
    if delta.get("type") == "input_json_delta":
        block.pieces.append(text_of(delta.get("partial_json")))
        return
    raw = dict(block.raw)
    for name, value in delta.items():
        if name == "citation":
            before = raw.get("citations")
            raw["citations"] = [*(before if isinstance(before, list) else ()), value]
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
