"""Events → Cohere's stream, with `event:` lines and a last `[DONE]`, as it is sent."""

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
from proxy.dialects.codec import Opening
from proxy.dialects.cohere.content_in import PLAN
from proxy.dialects.cohere.logprobs import render_logprobs
from proxy.dialects.cohere.stops import render_stop
from proxy.dialects.cohere.usage import parse_usage, render_usage
from proxy.dialects.one_answer import OneAnswerEncoder

_START = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
_DONE = b"data: [DONE]\n\n"


class CohereEncoder(OneAnswerEncoder):
    __slots__ = ("_citations", "_counts", "_finish_reason", "_has_begun", "_id", "_open", "_parts", "_usage")

    _OTHERS_LOST = "choices", "Cohere gives one answer to a request."

    def __init__(self, opening: Opening) -> None:
        super().__init__(opening)
        self._id = opening.id
        self._parts: dict[int, tuple[str, int]] = {}  # part → content or call, and its index there
        self._counts = {"content": 0, "tool-call": 0}
        self._citations = 0
        self._finish_reason = "COMPLETE"
        self._open: list[int] = []
        self._usage: dict[str, Any] | None = None
        self._has_begun = False

    @override
    def _begin(self, event: Event) -> bytes:
        if self._has_begun or isinstance(event, MessageStarted):
            return b""
        self._has_begun = True
        return _frame("message-start", id=self._id, delta={"message": _START})

    def _encode_head(self, event: MessageStarted) -> bytes:
        self._id = event.id or self._id
        return b""

    def _encode_failure(self, event: Failed) -> bytes:
        self._is_over = True
        delta = {"error": event.failure.message, "finish_reason": "ERROR"}
        return _frame("message-end", delta=delta) + _DONE

    def _encode_text(self, event: TextDelta | RefusalDelta) -> bytes:
        return self._content(event.part, "text", event.text)

    def _encode_thinking(self, event: ThinkingDelta) -> bytes:
        if not event.text:
            return b""
        if event.item_id == PLAN or self._parts.get(event.part, ("", 0))[0] == "plan":
            self._parts.setdefault(event.part, ("plan", 0))
            return _frame("tool-plan-delta", delta={"message": {"tool_plan": event.text}})
        return self._content(event.part, "thinking", event.text)

    def _content(self, part: int, kind: str, text: str) -> bytes:
        begin = b""
        if part not in self._parts:
            index = self._open_part(part, "content")
            start = {"message": {"content": {"type": kind, kind: ""}}}
            begin = _frame("content-start", index=index, delta=start)
        if not text:
            return begin
        index = self._parts[part][1]
        return begin + _frame("content-delta", index=index, delta={"message": {"content": {kind: text}}})

    def _open_part(self, part: int, kind: str) -> int:
        index = self._counts[kind]
        self._counts[kind] += 1
        self._parts[part] = kind, index
        self._open.append(part)
        return index

    def _encode_call(self, event: ToolCallStarted) -> bytes:
        index = self._open_part(event.part, "tool-call")
        call = {"id": event.id, "type": "function", "function": {"name": event.name, "arguments": ""}}
        return _frame("tool-call-start", index=index, delta={"message": {"tool_calls": call}})

    def _encode_arguments(self, event: ToolArgsDelta) -> bytes:
        index = self._parts.get(event.part, ("", 0))[1]
        call = {"function": {"arguments": event.text}}
        return _frame("tool-call-delta", index=index, delta={"message": {"tool_calls": call}})

    def _encode_citation(self, event: CitationAdded) -> bytes:
        if event.citation.dialect != "cohere":
            self._losses.add("citations", "Cohere has only citations of its own.")
            return b""
        return self._content(event.part, "text", "") + self._cite(event.citation.raw)

    def _cite(self, raw: dict[str, Any]) -> bytes:
        index, self._citations = self._citations, self._citations + 1
        start = _frame("citation-start", index=index, delta={"message": {"citations": raw}})
        return start + _frame("citation-end", index=index)

    def _encode_native(self, event: NativeAdded) -> bytes:
        native = event.native
        if native.dialect == "cohere" and "citations" in native.raw:
            return b"".join(self._cite(raw) for raw in native.raw["citations"])
        self._losses.add(str(native.raw.get("type") or "block"), "Cohere has no such block.")
        return b""

    def _encode_media(self, event: MediaAdded) -> bytes:
        self._losses.add(event.media.kind, "Cohere's models answer in text.")
        return b""

    def _encode_part_end(self, event: PartEnded) -> bytes:
        if event.part not in self._open:
            return b""
        self._open.remove(event.part)
        kind, index = self._parts[event.part]
        return _frame(f"{kind}-end", index=index)

    def _encode_logprobs(self, event: LogprobsAdded) -> bytes:
        """They come with a delta; one without text changes nothing."""
        return b"".join(
            _frame("content-delta", index=0, delta={"message": {"content": {"text": ""}}}, logprobs=item)
            for item in render_logprobs(event.tokens)
        )

    def _encode_usage(self, event: UsageReported) -> bytes:
        is_own = ("billed_units" in event.raw or "tokens" in event.raw) and parse_usage(event.raw) == event.usage
        self._usage = event.raw if is_own else render_usage(event.usage)
        return b""

    def _encode_end(self, event: MessageEnded) -> bytes:
        """The last event holds the usage, which may still come: it is sent with the end of the stream."""
        ends = b"".join(self._encode_part_end(PartEnded(part)) for part in list(self._open))
        self._finish_reason = render_stop(event.stop, event.native_stop)
        return ends

    def _encode_stream_end(self, _: StreamEnded) -> bytes:
        self._is_over = True
        delta: dict[str, Any] = {"finish_reason": self._finish_reason}
        if self._usage is not None:
            delta["usage"] = self._usage
        return _frame("message-end", delta=delta) + _DONE

    _TAKERS: ClassVar[dict[type, Callable[[Any, Any], bytes]]] = {
        MessageStarted: _encode_head,
        TextDelta: _encode_text,
        RefusalDelta: _encode_text,
        ThinkingDelta: _encode_thinking,
        ToolCallStarted: _encode_call,
        ToolArgsDelta: _encode_arguments,
        CitationAdded: _encode_citation,
        NativeAdded: _encode_native,
        MediaAdded: _encode_media,
        PartEnded: _encode_part_end,
        LogprobsAdded: _encode_logprobs,
        UsageReported: _encode_usage,
        MessageEnded: _encode_end,
        StreamEnded: _encode_stream_end,
        Failed: _encode_failure,
    }


def _frame(kind: str, **members: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind, **members}))
