"""The binary stream of ConverseStream → events.

    messageStart, then for each block contentBlockStart (tools, results and images only: text and thinking begin with
    their first delta), contentBlockDelta …, contentBlockStop; then messageStop, then metadata with the usage.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html (November 2026). The end of the
message is held back until its usage is there, so that whoever listens hears the usage before the end, as elsewhere.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

import orjson

from proxy.canonical.events import (
    CitationAdded,
    Event,
    Failed,
    MediaAdded,
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
from proxy.dialects.bedrock.blocks_in import opaque_thinking, parse_block, parse_citation, parse_media
from proxy.dialects.bedrock.failures import parse_exception
from proxy.dialects.bedrock.stops import parse_stop, parse_stop_sequence
from proxy.dialects.bedrock.usage import parse_usage
from proxy.dialects.reading import member, text_of
from proxy.wire.aws_events import AwsMessage, BrokenFraming, MessageCutter

_PADDING = "p"  # of varying length, so that a listener on the wire cannot tell tokens by it


class BedrockDecoder:
    __slots__ = ("_cutter", "_end", "_is_over", "_open", "_rest", "_usage_came")

    def __init__(self) -> None:
        self._cutter = MessageCutter()
        self._open: dict[int, dict[str, Any]] = {}  # blocks that are told only when they are whole
        self._end: MessageEnded | None = None
        self._rest: dict[str, Any] = {}  # members of messageStop and metadata that nothing stands for
        self._usage_came = False
        self._is_over = False

    def feed(self, data: bytes) -> Iterator[Event]:
        try:
            for message in self._cutter.feed(data):
                if self._is_over:
                    return
                yield from self._read(message)
        except BrokenFraming as error:
            if not self._is_over:
                yield from self._fail(Failure("truncated", str(error), code="broken_framing"))

    def close(self) -> Iterator[Event]:
        """Without metadata, but after messageStop, the answer is whole and its usage unknown."""
        if self._is_over:
            return
        if self._end is None or self._cutter.is_inside:
            yield from self._fail(Failure("truncated", "Bedrock's stream ended before its last event."))
        else:
            yield from self._finish()

    def _read(self, message: AwsMessage) -> Iterable[Event]:
        if message.kind != "event":
            failure = parse_exception(message.name, message.payload)
            if text := text_of(message.headers.get(":error-message")):
                failure.message = text
            return self._fail(failure)
        reader = self._READERS.get(message.name)
        if reader is None:
            return ()
        try:
            payload = orjson.loads(message.payload)
        except orjson.JSONDecodeError:
            return self._fail(Failure("truncated", "An event of Bedrock's stream is no JSON.", code="broken_json"))
        return reader(self, payload) if isinstance(payload, dict) else ()

    def _fail(self, failure: Failure) -> Iterator[Event]:
        self._is_over = True
        yield Failed(failure)

    def _finish(self) -> Iterator[Event]:
        self._is_over = True
        if self._rest:
            yield MessageStarted(rest=self._rest)
        if self._end is not None:
            yield self._end
        yield StreamEnded()

    def _read_start(self, _: dict[str, Any]) -> Iterator[Event]:
        yield MessageStarted()

    def _read_block_start(self, payload: dict[str, Any]) -> Iterator[Event]:
        index, start = _index(payload), payload.get("start")
        use = member(start, "toolUse")
        if isinstance(use, dict) and use.get("type") != "server_tool_use":
            yield ToolCallStarted(index, text_of(use.get("toolUseId")), text_of(use.get("name")))
        elif isinstance(use, dict):
            self._open[index] = {"toolUse": {**use, "input": ""}}
        elif isinstance(result := member(start, "toolResult"), dict):
            self._open[index] = {"toolResult": {**result, "content": []}}
        elif isinstance(image := member(start, "image"), dict):
            self._open[index] = {"image": dict(image)}

    def _read_delta(self, payload: dict[str, Any]) -> Iterable[Event]:
        """The one that comes often."""
        index, delta = payload.get("contentBlockIndex"), payload.get("delta")
        if not isinstance(index, int) or not isinstance(delta, dict):
            return ()
        text = delta.get("text")
        if isinstance(text, str):
            return (TextDelta(index, text),) if text else ()
        if index in self._open:
            _grow(self._open[index], delta)
            return ()
        return self._read_rare_delta(index, delta)

    def _read_rare_delta(self, index: int, delta: dict[str, Any]) -> Iterator[Event]:
        if isinstance(use := delta.get("toolUse"), dict):
            if pieces := text_of(use.get("input")):
                yield ToolArgsDelta(index, pieces)
        elif isinstance(reasoning := delta.get("reasoningContent"), dict):
            yield _thinking(index, reasoning)
        elif isinstance(citation := delta.get("citation"), dict):
            yield CitationAdded(index, parse_citation(citation))
        elif isinstance(delta.get("image"), dict):
            self._open[index] = {"image": dict(delta["image"])}

    def _read_block_stop(self, payload: dict[str, Any]) -> Iterator[Event]:
        index = _index(payload)
        block = self._open.pop(index, None)
        if block is not None:
            yield _whole(index, block)
        yield PartEnded(index)

    def _read_stop(self, payload: dict[str, Any]) -> Iterator[Event]:
        native = text_of(payload.get("stopReason"))
        sequence = parse_stop_sequence(payload.get("additionalModelResponseFields"))
        self._end = MessageEnded(parse_stop(native), native, sequence)
        self._keep(payload, {"stopReason"})
        if self._usage_came:
            yield from self._finish()

    def _read_metadata(self, payload: dict[str, Any]) -> Iterator[Event]:
        usage = payload.get("usage")
        if isinstance(usage, dict):
            self._usage_came = True
            yield UsageReported(parse_usage(usage), usage)
        self._keep(payload, {"usage"})
        if self._end is not None:
            yield from self._finish()

    def _keep(self, payload: dict[str, Any], known: set[str]) -> None:
        self._rest |= {name: value for name, value in payload.items() if name not in known and name != _PADDING}

    _READERS: ClassVar[dict[str, Callable[[Any, dict[str, Any]], Iterable[Event]]]] = {
        "messageStart": _read_start,
        "contentBlockStart": _read_block_start,
        "contentBlockDelta": _read_delta,
        "contentBlockStop": _read_block_stop,
        "messageStop": _read_stop,
        "metadata": _read_metadata,
    }


def _index(payload: dict[str, Any]) -> int:
    index = payload.get("contentBlockIndex")
    return index if isinstance(index, int) else 0


def _thinking(index: int, reasoning: dict[str, Any]) -> ThinkingDelta:
    """Signed thinking is Claude's, see `blocks_in.py`."""
    if signature := text_of(reasoning.get("signature")):
        return ThinkingDelta(index, signature=signature, made_by="anthropic")
    if redacted := text_of(reasoning.get("redactedContent")):
        part = opaque_thinking(redacted)
        return ThinkingDelta(index, redacted=part.redacted, made_by=part.made_by)
    return ThinkingDelta(index, text_of(reasoning.get("text")), made_by="bedrock")


def _grow(block: dict[str, Any], delta: dict[str, Any]) -> None:
    if isinstance(use := delta.get("toolUse"), dict) and "toolUse" in block:
        block["toolUse"]["input"] += text_of(use.get("input"))
    elif isinstance(pieces := delta.get("toolResult"), list) and "toolResult" in block:
        block["toolResult"]["content"].extend(pieces)
    elif isinstance(image := delta.get("image"), dict) and "image" in block:
        block["image"] |= image


def _whole(index: int, block: dict[str, Any]) -> Event:
    if "image" in block:
        return MediaAdded(index, parse_media("image", block["image"]))
    if "toolUse" in block:
        block["toolUse"]["input"] = _loaded(block["toolUse"]["input"])
    part = parse_block(block)
    return NativeAdded(index, part if isinstance(part, Native) else Native("bedrock", block))


def _loaded(text: str) -> Any:
    try:
        return orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return text
