"""Events → a streamed completion's bytes, whole frames only.

The bytes before and behind a delta are made once: most of a stream is text. Usage comes in a chunk of its own behind
the last choice, and only to a client that asked; after an error nothing comes, not even `[DONE]`.
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
from proxy.canonical.parts import Thinking, ToolCall
from proxy.dialects.codec import Opening
from proxy.dialects.openai.answers import (
    OWN_MEMBERS,
    fit_id,
    note,
    render_call,
    render_citation,
    render_made_media,
    render_native,
)
from proxy.dialects.openai.failures import render_error
from proxy.dialects.openai.stops import render_stop
from proxy.dialects.openai.streamed import SentCall, SentChoice
from proxy.dialects.openai.thoughts import has_details, render_detail
from proxy.dialects.openai.usage import render_usage

_DONE = b"data: [DONE]\n\n"
_END = b"}\n\n"


class OpenAIEncoder:
    """Writes one stream. The first chunk of a choice waits for its first event: the provider's id may come late."""

    __slots__ = ("_behind", "_choices", "_has_functions", "_head", "_opening", "_prefix", "_shows_usage", "_usage")

    def __init__(self, opening: Opening) -> None:
        request = opening.request
        self._opening = opening
        self._shows_usage = request is None or request.includes_usage
        self._has_functions = request is not None and request.has_functions
        self._head = MessageStarted()
        self._prefix = b""
        self._behind = b',"usage":null' + _END if self._shows_usage else _END
        self._choices: dict[int, SentChoice] = {}
        self._usage: UsageReported | None = None

    def encode(self, event: Event) -> bytes:
        return self._WRITERS[type(event)](self, event)

    def close(self) -> bytes:
        """Nothing is owed: the end was written when it was told, and a stream without one has none."""
        return b""

    def _start(self, event: MessageStarted) -> bytes:
        head = self._head
        head.id, head.model = head.id or event.id, head.model or event.model
        head.created = head.created or event.created
        fresh = {name: value for name, value in event.rest.items() if name in OWN_MEMBERS}
        head.rest = {**head.rest, **fresh}
        self._prefix = b""
        return b""

    def _envelope(self) -> bytes:
        """A chunk up to its choices. Made anew when the head becomes better known."""
        if not self._prefix:
            opening, head = self._opening, self._head
            members = {
                "id": fit_id(head.id, opening),
                "object": "chat.completion.chunk",
                "created": head.created or opening.created,
                "model": head.model or opening.model,
                **head.rest,
            }
            self._prefix = b"data: " + orjson.dumps(members)[:-1] + b',"choices":['
        return self._prefix

    def _choice(self, index: int) -> SentChoice:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = SentChoice(index)
        return choice

    def _chunk(self, choice: SentChoice, delta: bytes, more: bytes = b',"logprobs":null,"finish_reason":null') -> bytes:
        """One chunk, with the one before it that says whose turn it is, if it is the choice's first."""
        envelope, opening = self._envelope(), b""
        if not choice.has_begun:
            choice.has_begun = True
            opening = self._chunk(choice, b'{"role":"assistant","content":"","refusal":null}')
        return b"".join((opening, envelope, choice.head, delta, more, b"}]", self._behind))

    def _delta(self, index: int, delta: dict[str, Any]) -> bytes:
        return self._chunk(self._choice(index), orjson.dumps(delta))

    def _text(self, event: TextDelta) -> bytes:
        choice = self._choices.get(event.choice) or self._choice(event.choice)
        choice.add_text(event.part, event.text)
        return self._chunk(choice, b'{"content":' + orjson.dumps(event.text) + b"}") if event.text else b""

    def _refusal(self, event: RefusalDelta) -> bytes:
        self._choice(event.choice).has_refusal = True
        return self._delta(event.choice, {"refusal": event.text})

    def _thinking(self, event: ThinkingDelta) -> bytes:
        """`reasoning_content` to be shown; `reasoning_details` only of this dialect's own that are more than text."""
        thought = Thinking(
            event.text, event.signature, event.redacted, event.made_by, event.item_id, event.is_summary, event.format
        )
        delta: dict[str, Any] = {"reasoning_content": event.text} if event.text else {}
        choice = self._choice(event.choice)
        if has_details(thought):
            delta["reasoning_details"] = [render_detail(thought, choice.place_of(event.part))]
        return self._delta(event.choice, delta) if delta else b""

    def _call(self, event: ToolCallStarted) -> bytes:
        choice = self._choice(event.choice)
        call = choice.add_call(event.part, event.kind)
        if self._has_functions:
            return self._delta(event.choice, {"function_call": {"name": event.name, "arguments": ""}})
        said = render_call(
            ToolCall(event.id, event.name, "", call.kind, event.signature, event.signature_of)
        )  # fmt: skip
        return self._delta(event.choice, {"tool_calls": [{"index": call.index, **said}]})

    def _arguments(self, event: ToolArgsDelta) -> bytes:
        choice = self._choice(event.choice)
        call = choice.calls.get(event.part) or choice.add_call(event.part, "function")
        call.has_arguments = call.has_arguments or bool(event.text)
        return self._piece(event.choice, call, event.text) if event.text else b""

    def _piece(self, index: int, call: SentCall, text: str) -> bytes:
        if self._has_functions:
            return self._delta(index, {"function_call": {"arguments": text}})
        body = {"custom": {"input": text}} if call.kind == "custom" else {"function": {"arguments": text}}
        return self._delta(index, {"tool_calls": [{"index": call.index, **body}]})

    def _citation(self, event: CitationAdded) -> bytes:
        start, end = self._choice(event.choice).span_of(event.part)
        annotation = render_citation(event.citation, start, end, self._opening)
        return self._delta(event.choice, {"annotations": [annotation]}) if annotation else b""

    def _media(self, event: MediaAdded) -> bytes:
        """A picture that is not yet sharp is left out: there is no way to replace it."""
        delta = {} if event.is_partial else render_made_media(event.media, self._opening)
        return self._delta(event.choice, delta) if delta else b""

    def _native(self, event: NativeAdded) -> bytes:
        delta = render_native(event.native, self._opening)
        return self._delta(event.choice, delta) if delta else b""

    def _end_part(self, event: PartEnded) -> bytes:
        call = self._choice(event.choice).calls.get(event.part)
        return self._complete(event.choice, call) if call is not None else b""

    def _complete(self, index: int, call: SentCall) -> bytes:
        """Arguments that nobody said are an empty object: clients parse what they get."""
        if call.has_arguments or call.kind == "custom":
            return b""
        call.has_arguments = True
        return self._piece(index, call, "{}")

    def _logprobs(self, event: LogprobsAdded) -> bytes:
        choice = self._choice(event.choice)
        is_refusal = choice.has_refusal and not choice.length
        name, other = ("refusal", "content") if is_refusal else ("content", "refusal")
        logprobs = orjson.dumps({name: event.tokens, other: None})
        return self._chunk(choice, b"{}", b',"logprobs":' + logprobs + b',"finish_reason":null')

    def _report_usage(self, event: UsageReported) -> bytes:
        self._usage = event
        return b""

    def _end(self, event: MessageEnded) -> bytes:
        choice = self._choice(event.choice)
        if event.stop == "pause":
            note(self._opening, "pause", "a turn that wants to be continued looks like one that is done")
        completed = b"".join(self._complete(event.choice, call) for call in choice.calls.values())
        stop = render_stop(
            event.stop, event.native_stop, has_refusal=choice.has_refusal, has_functions=self._has_functions
        )
        return completed + self._chunk(choice, b"{}", b',"logprobs":null,' + orjson.dumps(stop)[1:-1])

    def _end_stream(self, _: StreamEnded) -> bytes:
        if self._usage is None or not self._shows_usage:
            return _DONE
        usage = orjson.dumps(render_usage(self._usage.usage, self._usage.raw))
        return self._envelope() + b'],"usage":' + usage + _END + _DONE

    def _fail(self, event: Failed) -> bytes:
        return b"data: " + orjson.dumps({"error": render_error(event.failure)}) + b"\n\n"

    _WRITERS: ClassVar[dict[type, Callable[[Any, Any], bytes]]] = {
        MessageStarted: _start,
        TextDelta: _text,
        ThinkingDelta: _thinking,
        ToolCallStarted: _call,
        ToolArgsDelta: _arguments,
        RefusalDelta: _refusal,
        CitationAdded: _citation,
        MediaAdded: _media,
        NativeAdded: _native,
        PartEnded: _end_part,
        LogprobsAdded: _logprobs,
        UsageReported: _report_usage,
        MessageEnded: _end,
        StreamEnded: _end_stream,
        Failed: _fail,
    }
