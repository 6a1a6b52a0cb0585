"""Events → the binary stream of ConverseStream. Messages are not padded: what is hidden so is hidden from us too."""

from collections.abc import Callable
from typing import Any, ClassVar

import orjson
from typing_extensions import override

from proxy.canonical.events import (
    CitationAdded,
    Event,
    Failed,
    LogprobsAdded,
    MediaAdded,
    MessageEnded,
    MessageStarted,
    NativeAdded,
    PartEnded,
    RefusalDelta,
    StreamEnded,
    TextDelta,
    ThinkingDelta,
    ToolArgsDelta,
    ToolCallStarted,
    UsageReported,
)
from proxy.canonical.parts import Part, Thinking
from proxy.dialects.bedrock.answers import render_answer_part
from proxy.dialects.bedrock.blocks_out import BlockWriter
from proxy.dialects.bedrock.failures import exception_name
from proxy.dialects.bedrock.names import fit_call_id, fit_name
from proxy.dialects.bedrock.stops import parse_stop_sequence, render_stop
from proxy.dialects.bedrock.usage import parse_usage, render_usage
from proxy.dialects.codec import Opening
from proxy.dialects.one_answer import OneAnswerEncoder
from proxy.dialects.reading import text_of
from proxy.wire.aws_events import render_message

_METADATA = {"metrics", "trace", "performanceConfig", "serviceTier"}


class BedrockEncoder(OneAnswerEncoder):
    __slots__ = ("_has_begun", "_indices", "_open", "_rest", "_usage", "_writer")

    _OTHERS_LOST = "choices", "Bedrock gives one answer to a request."

    def __init__(self, opening: Opening) -> None:
        super().__init__(opening)
        self._writer = BlockWriter("", self._losses)
        self._indices: dict[int, int] = {}  # part → block
        self._open: list[int] = []
        self._rest: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._has_begun = False

    @override
    def _begin(self, event: Event) -> bytes:
        if self._has_begun or isinstance(event, Failed):
            return b""
        self._has_begun = True
        return _event("messageStart", {"role": "assistant"})

    def _encode_failure(self, event: Failed) -> bytes:
        self._is_over = True
        headers = {":message-type": "exception", ":exception-type": exception_name(event.failure)}
        return render_message(
            {**headers, ":content-type": "application/json"}, orjson.dumps({"message": event.failure.message})
        )

    def _encode_start(self, event: MessageStarted) -> bytes:
        self._rest |= event.rest
        return b""

    def _encode_text(self, event: TextDelta | RefusalDelta) -> bytes:
        return self._delta(event.part, {"text": event.text}) if event.text else b""

    def _encode_thinking(self, event: ThinkingDelta) -> bytes:
        pieces = [self._delta(event.part, {"reasoningContent": {"text": event.text}})] if event.text else []
        if event.made_by == "anthropic" and event.signature:
            pieces.append(self._delta(event.part, {"reasoningContent": {"signature": event.signature}}))
        if event.redacted:
            pieces.extend(self._encode_redacted(event))
        return b"".join(pieces)

    def _encode_redacted(self, event: ThinkingDelta) -> list[bytes]:
        hidden = Thinking(redacted=event.redacted, made_by=event.made_by)
        return [self._delta(event.part, block) for block in render_answer_part(hidden, self._writer)]

    def _encode_call(self, event: ToolCallStarted) -> bytes:
        start = {"toolUse": {"toolUseId": fit_call_id(event.id), "name": fit_name(event.name)}}
        return self._start(event.part, start)

    def _encode_arguments(self, event: ToolArgsDelta) -> bytes:
        return self._delta(event.part, {"toolUse": {"input": event.text}})

    def _encode_citation(self, event: CitationAdded) -> bytes:
        if event.citation.dialect != "bedrock":
            self._losses.add("citations", "Bedrock takes only citations of its own.")
            return b""
        return self._delta(event.part, {"citation": event.citation.raw})

    def _encode_whole(self, event: MediaAdded | NativeAdded) -> bytes:
        part: Part = event.media if isinstance(event, MediaAdded) else event.native
        return b"".join(self._encode_block(event.part, block) for block in render_answer_part(part, self._writer))

    def _encode_block(self, part: int, block: dict[str, Any]) -> bytes:
        pieces: list[dict[str, Any]]
        if use := block.get("toolUse"):
            start = {name: value for name, value in use.items() if name != "input"}
            pieces = [{"toolUse": {"input": orjson.dumps(use.get("input")).decode()}}]
        elif result := block.get("toolResult"):
            start = {name: value for name, value in result.items() if name != "content"}
            pieces = [{"toolResult": [piece]} for piece in result.get("content") or ()]
        elif image := block.get("image"):
            start = {"format": image["format"]}
            pieces = [{"image": {"source": image["source"]}}]
        elif text := text_of(block.get("text")):
            return self._delta(part, {"text": text})
        else:
            self._losses.add(next(iter(block), "block"), "ConverseStream has no such block.")
            return b""
        return self._start(part, {next(iter(block)): start}) + b"".join(self._delta(part, piece) for piece in pieces)

    def _encode_part_end(self, event: PartEnded) -> bytes:
        if event.part not in self._open:
            return b""
        self._open.remove(event.part)
        return _event("contentBlockStop", {"contentBlockIndex": self._indices[event.part]})

    def _encode_logprobs(self, _: LogprobsAdded) -> bytes:
        self._losses.add("logprobs", "Bedrock tells none.")
        return b""

    def _encode_usage(self, event: UsageReported) -> bytes:
        is_own = bool(event.raw) and "inputTokens" in event.raw and parse_usage(event.raw) == event.usage
        self._usage = event.raw if is_own else render_usage(event.usage)
        return b""

    def _encode_end(self, event: MessageEnded) -> bytes:
        ends = b"".join(self._encode_part_end(PartEnded(part)) for part in list(self._open))
        fields = self._rest.get("additionalModelResponseFields")
        if event.stop_sequence and parse_stop_sequence(fields) is None:
            fields = {"stop_sequence": event.stop_sequence}
        stop: dict[str, Any] = {"stopReason": render_stop(event.stop, event.native_stop)}
        if fields is not None:
            stop["additionalModelResponseFields"] = fields
        return ends + _event("messageStop", stop)

    def _encode_stream_end(self, _: StreamEnded) -> bytes:
        self._is_over = True
        metadata = {"usage": self._usage or render_usage(parse_usage({})), "metrics": {"latencyMs": 0}}
        known = {name: value for name, value in self._rest.items() if name in _METADATA}
        return _event("metadata", {**metadata, **known})

    def _start(self, part: int, start: dict[str, Any]) -> bytes:
        return _event("contentBlockStart", {"start": start, "contentBlockIndex": self._index(part)})

    def _delta(self, part: int, delta: dict[str, Any]) -> bytes:
        return _event("contentBlockDelta", {"delta": delta, "contentBlockIndex": self._index(part)})

    def _index(self, part: int) -> int:
        found = self._indices.get(part)
        if found is None:
            found = self._indices[part] = len(self._indices)
            self._open.append(part)
        return found

    _TAKERS: ClassVar[dict[type, Callable[[Any, Any], bytes]]] = {
        MessageStarted: _encode_start,
        TextDelta: _encode_text,
        RefusalDelta: _encode_text,
        ThinkingDelta: _encode_thinking,
        ToolCallStarted: _encode_call,
        ToolArgsDelta: _encode_arguments,
        CitationAdded: _encode_citation,
        MediaAdded: _encode_whole,
        NativeAdded: _encode_whole,
        PartEnded: _encode_part_end,
        LogprobsAdded: _encode_logprobs,
        UsageReported: _encode_usage,
        MessageEnded: _encode_end,
        StreamEnded: _encode_stream_end,
        Failed: _encode_failure,
    }


def _event(name: str, payload: dict[str, Any]) -> bytes:
    headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    return render_message(headers, orjson.dumps(payload))
