"""Events → the bytes of a streamGenerateContent: server-sent events, or an array for who did not ask for `alt=sse`.

A function call goes out whole, since the arguments stand in it as an object. The reason of the end goes out last, with
the usage, for other dialects report their usage behind it.
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
from proxy.canonical.parts import ToolCall
from proxy.dialects.codec import Opening
from proxy.dialects.gemini.answers import Ending, is_blocked, own_members, render_end, render_head
from proxy.dialects.gemini.failures import render_failure
from proxy.dialects.gemini.parts_out import render_call, render_media, render_native
from proxy.dialects.gemini.usage import render_usage
from proxy.dialects.losses import Losses

_NOTHING = {"parts": [{"text": ""}], "role": "model"}  # Google ends its streams with it


class GeminiEncoder:
    """Writes one stream."""

    def __init__(self, opening: Opening, *, is_array: bool = False) -> None:
        self._opening = opening
        self._losses = Losses(opening.losses)
        self._is_array = is_array
        self._count = 0
        self._start = MessageStarted(opening.id, opening.model, opening.created)
        self._head = render_head(self._start, opening)
        self._usage: dict[str, Any] = {}
        self._calls: dict[int, tuple[int, ToolCall]] = {}  # whose arguments are coming in, with their choice
        self._thoughts: set[int] = set()  # thinking parts that have text
        self._endings: dict[int, Ending] = {}

    def encode(self, event: Event) -> bytes:
        return self._TAKERS[type(event)](self, event)

    def close(self) -> bytes:
        """An array is closed, whatever became of the stream."""
        if not self._is_array:
            return b""
        return b"]" if self._count else b"[]"

    def _ending(self, choice: int) -> Ending:
        found = self._endings.get(choice)
        if found is None:
            found = self._endings[choice] = Ending()
        return found

    def _write(self, chunk: dict[str, Any]) -> bytes:
        text = orjson.dumps(chunk)
        self._count += 1
        if self._is_array:
            return (b"[" if self._count == 1 else b",\r\n") + text
        return b"data: " + text + b"\r\n\r\n"

    def _write_part(self, part: dict[str, Any], choice: int) -> bytes:
        candidate = {"content": {"parts": [part], "role": "model"}, "index": choice}
        return self._write({"candidates": [candidate], **self._head})

    def _take_start(self, event: MessageStarted) -> bytes:
        start = self._start
        start.id, start.model = event.id or start.id, event.model or start.model
        start.created, start.rest = event.created or start.created, {**start.rest, **event.rest}
        self._head = render_head(start, self._opening)
        return b""

    def _take_text(self, event: TextDelta | RefusalDelta) -> bytes:
        if not event.text:
            return b""
        ending = self._ending(event.choice)
        if event.part not in ending.starts:
            ending.starts[event.part] = ending.written
        ending.written += len(event.text.encode("utf-8", "surrogatepass"))
        return self._write_part({"text": event.text}, event.choice)

    def _take_thinking(self, event: ThinkingDelta) -> bytes:
        """A signature of Google's own, behind the text that it stood on; none that others made."""
        part: dict[str, Any] = {"text": event.text}
        if event.text or event.part in self._thoughts:
            part["thought"] = True
            self._thoughts.add(event.part)
        if event.signature and event.made_by == "gemini":
            part["thoughtSignature"] = event.signature
        return self._write_part(part, event.choice) if event.text or "thoughtSignature" in part else b""

    def _take_call(self, event: ToolCallStarted) -> bytes:
        kind: Any = event.kind
        call = ToolCall(event.id, event.name, "", kind, event.signature, event.signature_of)
        self._calls[event.part] = event.choice, call
        return b""

    def _take_arguments(self, event: ToolArgsDelta) -> bytes:
        if event.part in self._calls:
            self._calls[event.part][1].arguments += event.text
        return b""

    def _take_part_end(self, event: PartEnded) -> bytes:
        choice, call = self._calls.pop(event.part, (0, None))
        if call is None:
            return b""
        return self._write_part(render_call(call, self._losses, is_answer=True), choice)

    def _take_citation(self, event: CitationAdded) -> bytes:
        ending = self._ending(event.choice)
        ending.grounding.add(event.citation, ending.starts.get(event.part, 0), ending.written)
        return b""

    def _take_media(self, event: MediaAdded) -> bytes:
        if event.is_partial:
            return b""  # the whole one comes
        return b"".join(self._write_part(part, event.choice) for part in render_media(event.media, self._losses))

    def _take_native(self, event: NativeAdded) -> bytes:
        parts = render_native(event.native, self._losses, is_answer=True)
        return b"".join(self._write_part(part, event.choice) for part in parts)

    def _take_logprobs(self, event: LogprobsAdded) -> bytes:
        self._ending(event.choice).logprobs.extend(event.tokens)
        return b""

    def _take_usage(self, event: UsageReported) -> bytes:
        self._usage = render_usage(event.usage, event.raw)
        return b""

    def _take_end(self, event: MessageEnded) -> bytes:
        ending = self._ending(event.choice)
        ending.stop, ending.native = event.stop, event.native_stop
        open_calls = [part for part, (choice, _) in self._calls.items() if choice == event.choice]
        return b"".join(self._take_part_end(PartEnded(part)) for part in open_calls)

    def _take_stream_end(self, _: StreamEnded) -> bytes:
        rest = self._start.rest
        extras = rest.get("candidates") or {}
        chunk: dict[str, Any] = {}
        if not is_blocked(rest, has_parts=self._count > 0):
            chunk["candidates"] = [
                {"content": _NOTHING, **render_end(ending, extras.get(str(choice)) or {}), "index": choice}
                for choice, ending in sorted(self._endings.items())
            ]
        chunk.update(own_members(rest))
        if self._usage:
            chunk["usageMetadata"] = self._usage
        return self._write({**chunk, **self._head})

    def _take_failure(self, event: Failed) -> bytes:
        return self._write(render_failure(event.failure, self._opening.id)[1])

    _TAKERS: ClassVar[dict[type, Callable[[Any, Any], bytes]]] = {
        MessageStarted: _take_start,
        TextDelta: _take_text,
        RefusalDelta: _take_text,
        ThinkingDelta: _take_thinking,
        ToolCallStarted: _take_call,
        ToolArgsDelta: _take_arguments,
        PartEnded: _take_part_end,
        CitationAdded: _take_citation,
        MediaAdded: _take_media,
        NativeAdded: _take_native,
        LogprobsAdded: _take_logprobs,
        UsageReported: _take_usage,
        MessageEnded: _take_end,
        StreamEnded: _take_stream_end,
        Failed: _take_failure,
    }
