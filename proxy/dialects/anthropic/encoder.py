"""Events → Anthropic's stream.

Blocks of text and of thinking follow one another: each is closed when another part begins, and goes on in a new block
should it speak again. Tool calls may stay open beside each other, for clients know them by their index. `message_start`
waits for the first content, since some providers tell late who they are; `message_delta` waits for the end, since most
tell the usage last.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import orjson

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
from proxy.canonical.failure import Failure
from proxy.dialects.anthropic.answers import message_id, render_citation, tell_lost
from proxy.dialects.anthropic.blocks_out import own_call_extra
from proxy.dialects.anthropic.failures import render_failure
from proxy.dialects.anthropic.stops import render_stop, render_stop_details
from proxy.dialects.anthropic.usage import render_usage
from proxy.dialects.codec import Opening
from proxy.dialects.losses import Losses
from proxy.records import Usage

_IN_DELTA = ("container", "stop_details")  # members of `delta`; others stand beside it
_AT_END = (*_IN_DELTA, "context_management")
_EMPTY_BLOCKS: dict[str, dict[str, Any]] = {
    "text": {"type": "text", "text": ""},
    "thinking": {"type": "thinking", "thinking": "", "signature": ""},
}


class AnthropicEncoder:
    """Writes one stream."""

    __slots__ = (
        "_arguments", "_head", "_indexes", "_is_over", "_kind", "_losses", "_next", "_opening", "_out", "_raw_usage",
        "_sequential", "_started", "_stop", "_usage",
    )  # fmt: skip

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._losses = Losses(opening.losses)
        self._out: list[bytes] = []
        self._head = MessageStarted()
        self._usage: Usage | None = None
        self._raw_usage: dict[str, Any] = {}
        self._stop: MessageEnded | None = None
        self._started = self._is_over = False
        self._next = 0  # index of the next block
        self._indexes: dict[int, int] = {}  # part -> its open block
        self._sequential = -1  # the part whose text or thinking is open
        self._kind = ""  # of that block
        self._arguments: dict[int, list[str]] = {}  # of custom tools' calls, whose text becomes JSON at its end

    def encode(self, event: Event) -> bytes:
        if self._is_over or getattr(event, "choice", None):
            if not self._is_over:
                self._losses.add("n", "Anthropic's messages hold one answer.")
            return b""
        self._TAKERS[type(event)](self, event)
        return self._flush()

    def close(self) -> bytes:
        if not self._is_over:
            self._fail(Failure("truncated", "The answer broke off."))
        return self._flush()

    def _flush(self) -> bytes:
        out = self._out
        if not out:
            return b""
        found = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        return found

    def _emit(self, kind: str, members: dict[str, Any]) -> None:
        self._out.append(b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind, **members})))

    def _start(self) -> None:
        if self._started:
            return
        self._started = True
        head = self._head
        message: dict[str, Any] = {
            "id": message_id(head.id, self._opening),
            "type": "message",
            "role": "assistant",
            "model": head.model or self._opening.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": render_usage(self._usage, self._raw_usage),
        }
        self._emit("message_start", {"message": message})

    def _open(self, part: int, block: dict[str, Any]) -> None:
        self._start()
        self._close_sequential()
        self._indexes[part] = self._next
        self._emit("content_block_start", {"index": self._next, "content_block": block})
        self._next += 1

    def _close(self, part: int) -> None:
        index = self._indexes.pop(part, None)
        if index is not None:
            if part in self._arguments:
                text = orjson.dumps({"input": "".join(self._arguments.pop(part))}).decode()
                self._delta(index, {"type": "input_json_delta", "partial_json": text})
            self._emit("content_block_stop", {"index": index})

    def _close_sequential(self) -> None:
        part, self._sequential, self._kind = self._sequential, -1, ""
        self._close(part)

    def _index(self, part: int, kind: str) -> int:
        """Of the part's open block of text or thinking, which is opened where it is not."""
        if self._sequential != part or self._kind != kind:
            self._close(part)
            self._open(part, _EMPTY_BLOCKS[kind])
            self._sequential, self._kind = part, kind
        return self._indexes[part]

    def _delta(self, index: int, delta: dict[str, Any]) -> None:
        self._emit("content_block_delta", {"index": index, "delta": delta})

    def _take_head(self, event: MessageStarted) -> None:
        head = self._head
        self._head = MessageStarted(event.id or head.id, event.model or head.model, rest={**head.rest, **event.rest})

    def _take_text(self, event: TextDelta | RefusalDelta) -> None:
        if event.text:
            self._delta(self._index(event.part, "text"), {"type": "text_delta", "text": event.text})

    def _take_thinking(self, event: ThinkingDelta) -> None:
        """Signatures of others stay away: a client would send them back as Anthropic's."""
        is_own = event.made_by == "anthropic"
        if event.redacted:
            if is_own:
                self._open(event.part, {"type": "redacted_thinking", "data": event.redacted})
                self._close(event.part)
            return
        if event.text:
            delta = {"type": "thinking_delta", "thinking": event.text}
            self._delta(self._index(event.part, "thinking"), delta)
        if event.signature and is_own:
            delta = {"type": "signature_delta", "signature": event.signature}
            self._delta(self._index(event.part, "thinking"), delta)

    def _take_call(self, event: ToolCallStarted) -> None:
        if event.kind == "custom":
            self._arguments[event.part] = []
        block = {"type": "tool_use", "id": event.id, "name": event.name, "input": {}}
        self._open(event.part, block | own_call_extra(event.extra))

    def _take_arguments(self, event: ToolArgsDelta) -> None:
        if event.part in self._arguments:
            self._arguments[event.part].append(event.text)
        elif event.text and (index := self._indexes.get(event.part)) is not None:
            self._delta(index, {"type": "input_json_delta", "partial_json": event.text})

    def _take_citation(self, event: CitationAdded) -> None:
        citation = render_citation(event.citation, self._losses)
        if citation is not None:
            self._delta(self._index(event.part, "text"), {"type": "citations_delta", "citation": citation})

    def _take_native(self, event: NativeAdded) -> None:
        """As Anthropic streams them: a tool's input and a summary come in a delta of their own."""
        if event.native.dialect != "anthropic":
            tell_lost(event.native, self._losses)
            return
        block: dict[str, Any] = dict(event.native.raw)
        delta: dict[str, Any] | None = None
        if str(block.get("type")).endswith("tool_use") and block.get("input"):
            delta = {"type": "input_json_delta", "partial_json": orjson.dumps(block["input"]).decode()}
            block["input"] = {}
        elif block.get("type") == "compaction":
            delta = {"type": "compaction_delta", "content": block.get("content")}
            block["content"] = None
        self._open(event.part, block)
        if delta:
            self._delta(self._indexes[event.part], delta)
        self._close(event.part)

    def _take_media(self, event: MediaAdded) -> None:
        tell_lost(event.media, self._losses)

    def _take_logprobs(self, _: LogprobsAdded) -> None:
        self._losses.add("logprobs", "Anthropic's messages have no place for it.")

    def _take_part_end(self, event: PartEnded) -> None:
        if event.part == self._sequential:
            self._close_sequential()
        else:
            self._close(event.part)

    def _take_usage(self, event: UsageReported) -> None:
        self._usage, self._raw_usage = event.usage, event.raw

    def _take_end(self, event: MessageEnded) -> None:
        self._stop = event
        self._start()
        self._close_all()

    def _close_all(self) -> None:
        for part in list(self._indexes):
            self._close(part)
        self._sequential, self._kind = -1, ""

    def _take_stream_end(self, _: StreamEnded) -> None:
        self._start()
        self._close_all()
        stop = self._stop or MessageEnded("stop")
        rest = {name: value for name, value in self._head.rest.items() if name in _AT_END}
        if details := render_stop_details(stop.stop, stop.native_stop):
            rest["stop_details"] = details
        delta: dict[str, Any] = {
            "stop_reason": render_stop(stop.stop, stop.native_stop),
            "stop_sequence": stop.stop_sequence,
        }
        delta |= {name: rest.pop(name) for name in _IN_DELTA if name in rest}
        usage = render_usage(self._usage, self._raw_usage)
        self._emit("message_delta", {"delta": delta, "usage": usage, **rest})
        self._emit("message_stop", {})
        self._is_over = True

    def _take_failure(self, event: Failed) -> None:
        self._fail(event.failure)

    def _fail(self, failure: Failure) -> None:
        self._emit("error", render_failure(failure, self._opening.id)[1])
        self._is_over = True

    _TAKERS: ClassVar[dict[type, Callable[[Any, Any], None]]] = {
        MessageStarted: _take_head,
        TextDelta: _take_text,
        ThinkingDelta: _take_thinking,
        ToolCallStarted: _take_call,
        ToolArgsDelta: _take_arguments,
        RefusalDelta: _take_text,
        CitationAdded: _take_citation,
        MediaAdded: _take_media,
        NativeAdded: _take_native,
        PartEnded: _take_part_end,
        LogprobsAdded: _take_logprobs,
        UsageReported: _take_usage,
        MessageEnded: _take_end,
        StreamEnded: _take_stream_end,
        Failed: _take_failure,
    }
