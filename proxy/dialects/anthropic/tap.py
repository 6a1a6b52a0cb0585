"""Anthropic's messages: https://platform.claude.com/docs/en/api/messages-streaming (November 2026).

`message_start` carries the input's usage, each `message_delta` the usage so far (it replaces, it does not add), and
`message_stop` ends the stream. `input_tokens` excludes both what was read from the cache and what was written to it.
"""

from typing import Any

import msgspec
import orjson
from msgspec.structs import replace

from proxy.dialects.reading import UNREADABLE, Reading, count_of, member, text_of
from proxy.records import Usage
from proxy.wire.sse import parse_data


class _Message(msgspec.Struct):
    id: Any = None
    model: Any = None
    content: Any = None
    stop_reason: Any = None
    usage: Any = None
    type: Any = None
    error: Any = None


class _Delta(msgspec.Struct):
    text: Any = None
    partial_json: Any = None
    thinking: Any = None
    stop_reason: Any = None


class _Event(msgspec.Struct):
    type: Any = None
    message: _Message | None = None
    index: Any = None
    content_block: Any = None
    delta: _Delta | None = None
    usage: Any = None
    error: Any = None


_decode_event = msgspec.json.Decoder(_Event).decode
_decode_message = msgspec.json.Decoder(_Message).decode


class AnthropicStreamReader:
    """Reads the frames of one streamed message."""

    __slots__ = ("_usage", "reading")

    def __init__(self) -> None:
        self.reading = Reading()
        self._usage: dict[str, Any] = {}

    def read(self, block: bytes) -> int:
        for text in parse_data(block):
            try:
                self._take(_decode_event(text))
            except UNREADABLE:
                continue  # not ours to judge: it passes, unread
        return 0

    def _take(self, event: _Event) -> None:
        kind = event.type
        if kind == "content_block_delta":
            self._take_delta(event)
        elif kind == "content_block_start":
            _take_block(event.index, event.content_block, self.reading)
        elif kind == "message_start" and event.message is not None:
            _take_head(event.message, self.reading)
            self._take_usage(event.message.usage)
        elif kind == "message_delta":
            stop_reason = event.delta.stop_reason if event.delta else None
            self.reading.stop_reason = text_of(stop_reason) or self.reading.stop_reason
            self._take_usage(event.usage)
        elif kind == "message_stop":
            self.reading.is_complete = True
        elif kind == "error":
            _take_error(event.error, self.reading)

    def _take_delta(self, event: _Event) -> None:
        delta, reading = event.delta, self.reading
        if delta is None:
            return
        if delta.text is not None:
            reading.add_text(delta.text)
        elif delta.partial_json is not None:
            reading.add_tool(str(event.index), None, delta.partial_json)
        else:
            reading.add_reasoning(delta.thinking)

    def _take_usage(self, usage: object) -> None:
        if isinstance(usage, dict):
            self._usage.update({key: value for key, value in usage.items() if value is not None})
            self.reading.usage = parse_billed_usage(self._usage)
            self.reading.service_tier = tier_of(self._usage)


def read_anthropic_body(body: bytes) -> Reading:
    """Reads a whole answer, be it a message or an error."""
    reading = Reading()
    try:
        message = _decode_message(body)
    except UNREADABLE:
        return reading
    _take_head(message, reading)
    for index, block in enumerate(message.content if isinstance(message.content, list) else ()):
        _take_block(index, block, reading)
    reading.stop_reason = text_of(message.stop_reason)
    if isinstance(message.usage, dict):
        reading.usage = parse_billed_usage(message.usage)
        reading.service_tier = tier_of(message.usage)
    if message.error is not None or message.type == "error":
        _take_error(message.error, reading)
    reading.is_complete = True
    return reading


def parse_anthropic_usage(usage: dict[str, Any]) -> Usage:
    """Usage by price: a cache entry that lives an hour costs more to write than one of five minutes."""
    written = count_of(usage.get("cache_creation_input_tokens"))
    by_age = usage.get("cache_creation")
    hour = count_of(member(by_age, "ephemeral_1h_input_tokens"))
    minutes = count_of(member(by_age, "ephemeral_5m_input_tokens")) if isinstance(by_age, dict) else written
    return Usage(
        input=count_of(usage.get("input_tokens")),
        cache_read=count_of(usage.get("cache_read_input_tokens")),
        cache_write_5m=max(minutes, written - hour),
        cache_write_1h=hour,
        output=count_of(usage.get("output_tokens")),
        reasoning=count_of(member(usage.get("output_tokens_details"), "thinking_tokens")),
        searches=count_of(member(usage.get("server_tool_use"), "web_search_requests")),
    )


def parse_billed_usage(usage: dict[str, Any]) -> Usage:
    """With what the model read and wrote when it compacted the conversation, which the counts at the top leave out.

    https://platform.claude.com/docs/en/build-with-claude/compaction (November 2026)
    """
    found = parse_anthropic_usage(usage)
    rounds = usage.get("iterations")
    for compaction in rounds if isinstance(rounds, list) else ():
        if member(compaction, "type") == "compaction":
            more = parse_anthropic_usage(compaction)
            found = replace(
                found,
                input=found.input + more.input,
                cache_read=found.cache_read + more.cache_read,
                cache_write_5m=found.cache_write_5m + more.cache_write_5m,
                cache_write_1h=found.cache_write_1h + more.cache_write_1h,
                output=found.output + more.output,
            )
    return found


def tier_of(usage: dict[str, Any]) -> str:
    """What the price depends on, joined by `+`: the tier, and how fast and where the model ran."""
    words = [text_of(usage.get("service_tier")), text_of(usage.get("speed"))]
    if usage.get("inference_geo") == "us":
        words.append("us")
    return "+".join(word for word in words if word and word != "standard") or words[0]


def _take_head(message: _Message, reading: Reading) -> None:
    reading.response_id = text_of(message.id)
    reading.model = text_of(message.model)


def _take_block(index: object, block: object, reading: Reading) -> None:
    kind = member(block, "type")
    if kind == "text":
        reading.add_text(member(block, "text"))
    elif kind in {"tool_use", "server_tool_use", "mcp_tool_use"}:
        arguments = member(block, "input")
        reading.add_tool(str(index), member(block, "name"), orjson.dumps(arguments).decode() if arguments else None)
    elif kind == "thinking":
        reading.add_reasoning(member(block, "thinking"))


def _take_error(error: object, reading: Reading) -> None:
    reading.error_code = text_of(member(error, "type")) or "error"
    reading.error_message = text_of(member(error, "message"))
