"""Cohere's stream → events: https://docs.cohere.com/docs/streaming (November 2026).

message-start; content-start, content-delta …, content-end by index; tool-plan-delta …; tool-call-start,
tool-call-delta …, tool-call-end by an index of its own; citation-start, citation-end; message-end with the reason
and the usage.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

import orjson

from proxy.canonical.events import (
    CitationAdded,
    Event,
    Failed,
    LogprobsAdded,
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
from proxy.canonical.failure import Failure, FailureKind
from proxy.canonical.parts import Native
from proxy.dialects.cohere.content_in import PLAN, parse_block, parse_citation
from proxy.dialects.cohere.failures import sentence_in
from proxy.dialects.cohere.logprobs import parse_logprobs
from proxy.dialects.cohere.stops import parse_stop
from proxy.dialects.cohere.usage import parse_usage
from proxy.dialects.reading import member, text_of
from proxy.wire.sse import FrameCutter, parse_data

_DONE = b"[DONE]"
_GIVEN_UP = {"ERROR", "TIMEOUT"}
_Key = tuple[str, int]


class CohereDecoder:
    __slots__ = ("_cutter", "_is_over", "_parts", "_texts")

    def __init__(self) -> None:
        self._cutter = FrameCutter()
        self._parts: dict[_Key, int] = {}  # contents and calls are numbered apart: part numbers are not
        self._texts: dict[int, int] = {}  # content index → part, of texts
        self._is_over = False

    def feed(self, data: bytes) -> Iterator[Event]:
        return self._read_block(self._cutter.feed(data))

    def close(self) -> Iterator[Event]:
        yield from self._read_block(self._cutter.close())
        if not self._is_over:
            yield from self._fail(Failure("truncated", "Cohere's stream ended before its last event."))

    def _read_block(self, block: bytes) -> Iterator[Event]:
        for data in parse_data(block):
            if self._is_over:
                return
            if data != _DONE:
                yield from self._read(data)

    def _read(self, data: bytes) -> Iterable[Event]:
        try:
            event = orjson.loads(data)
        except orjson.JSONDecodeError:
            return self._fail(Failure("truncated", "An event of Cohere's stream is no JSON.", code="broken_json"))
        if not isinstance(event, dict):
            return ()
        kind = event.get("type")
        reader = self._READERS.get(kind) if isinstance(kind, str) else None
        if reader is not None:
            return reader(self, event, member(event.get("delta"), "message"))
        if (kind is None or kind == "error") and (sentence := sentence_in(event)):
            return self._fail(Failure("server", sentence, code=text_of(event.get("code")), raw=event))
        return ()

    def _fail(self, failure: Failure) -> Iterator[Event]:
        self._is_over = True
        yield Failed(failure)

    def _part(self, kind: str, event: dict[str, Any]) -> int:
        return self._parts.setdefault((kind, _index(event)), len(self._parts))

    def _read_start(self, event: dict[str, Any], _: Any) -> Iterator[Event]:
        yield MessageStarted(text_of(event.get("id")))

    def _read_content(self, event: dict[str, Any], message: Any) -> Iterable[Event]:
        """The start of a content is a delta with its type, and mostly empty."""
        content = member(message, "content")
        part = self._part("content", event)
        logprobs = parse_logprobs(event.get("logprobs"))
        told: Iterable[Event] = (LogprobsAdded(logprobs),) if logprobs else ()
        if isinstance(text := member(content, "text"), str):
            self._texts[_index(event)] = part
            return (TextDelta(part, text), *told) if text else told
        if isinstance(thought := member(content, "thinking"), str):
            return (ThinkingDelta(part, thought, made_by="cohere"), *told) if thought else told
        if isinstance(content, dict) and isinstance(found := parse_block(content), Native):
            return (NativeAdded(part, found), *told)
        return told

    def _read_content_end(self, event: dict[str, Any], _: Any) -> Iterator[Event]:
        yield PartEnded(self._part("content", event))

    def _read_plan(self, _: dict[str, Any], message: Any) -> Iterator[Event]:
        if plan := text_of(member(message, "tool_plan")):
            yield ThinkingDelta(self._part("plan", {}), plan, made_by="cohere", item_id=PLAN)

    def _read_call(self, event: dict[str, Any], message: Any) -> Iterator[Event]:
        call = _one(member(message, "tool_calls"))
        function = member(call, "function")
        if ("plan", 0) in self._parts and not any(kind == "call" for kind, _ in self._parts):
            yield PartEnded(self._parts["plan", 0])
        part = self._part("call", event)
        yield ToolCallStarted(part, text_of(member(call, "id")), text_of(member(function, "name")))
        if arguments := text_of(member(function, "arguments")):
            yield ToolArgsDelta(part, arguments)

    def _read_arguments(self, event: dict[str, Any], message: Any) -> Iterator[Event]:
        function = member(_one(member(message, "tool_calls")), "function")
        if arguments := text_of(member(function, "arguments")):
            yield ToolArgsDelta(self._part("call", event), arguments)

    def _read_call_end(self, event: dict[str, Any], _: Any) -> Iterator[Event]:
        yield PartEnded(self._part("call", event))

    def _read_citation(self, event: dict[str, Any], message: Any) -> Iterator[Event]:
        raw = _one(member(message, "citations"))
        if not isinstance(raw, dict):
            return
        part = self._texts.get(_index(raw, "content_index"), next(iter(self._texts.values()), None))
        if part is None or raw.get("type") == "PLAN":
            yield NativeAdded(self._part("citation", event), Native("cohere", {"citations": [raw]}))
        else:
            yield CitationAdded(part, parse_citation(raw))

    def _read_end(self, event: dict[str, Any], _: Any) -> Iterator[Event]:
        delta = event.get("delta")
        usage = member(delta, "usage")
        if isinstance(usage, dict):
            yield UsageReported(parse_usage(usage), usage)
        native = text_of(member(delta, "finish_reason"))
        if native in _GIVEN_UP:
            sentence = text_of(member(delta, "error")) or f"Cohere gave the answer up: {native}."
            kind: FailureKind = "timeout" if native == "TIMEOUT" else "server"
            yield from self._fail(Failure(kind, sentence, code=native, raw=event))
            return
        self._is_over = True
        yield MessageEnded(parse_stop(native), native)
        yield StreamEnded()

    _READERS: ClassVar[dict[str, Callable[[Any, dict[str, Any], Any], Iterable[Event]]]] = {
        "message-start": _read_start,
        "content-start": _read_content,
        "content-delta": _read_content,
        "content-end": _read_content_end,
        "tool-plan-delta": _read_plan,
        "tool-call-start": _read_call,
        "tool-call-delta": _read_arguments,
        "tool-call-end": _read_call_end,
        "citation-start": _read_citation,
        "message-end": _read_end,
    }


def _index(event: dict[str, Any], name: str = "index") -> int:
    index = event.get(name)
    return index if isinstance(index, int) else 0


def _one(value: Any) -> Any:
    """In a stream the one call or citation stands without its list; a list of one is taken as well."""
    return value[0] if isinstance(value, list) and value else value
