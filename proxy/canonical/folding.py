"""Events → answer → events. A stream and a whole answer say the same; here one becomes the other.

`fold(unfold(answer), answer.dialect) == answer` for every answer that events can say: one without cache marks, without
tool results, and whose raw usage comes with a usage.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, Literal

import msgspec

from proxy.canonical.answer import Answer, Choice
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
from proxy.canonical.parts import Media, Native, Part, Refusal, Text, Thinking, ToolCall
from proxy.errors import Dialect


def fold(events: Iterable[Event], dialect: Dialect) -> Answer | Failure:
    """The whole answer, or why there is none."""
    folder = Folder(dialect)
    for event in events:
        folder.take(event)
    return folder.failure or folder.answer


class Folder:
    """Takes events one by one. `answer` is what has been said so far; `failure` is set by a Failed event."""

    __slots__ = ("_answer", "_choices", "failure", "is_complete")

    def __init__(self, dialect: Dialect) -> None:
        self.failure: Failure | None = None
        self.is_complete = False  # the terminal event came
        self._answer = Answer(dialect)
        self._choices: dict[int, _GrowingChoice] = {}

    def take(self, event: Event) -> None:
        self._TAKERS[type(event)](self, event)

    @property
    def answer(self) -> Answer:
        """Made anew each time. Parts stand in the order in which they began."""
        choices = [self._choices[index].whole() for index in sorted(self._choices)]
        return msgspec.structs.replace(self._answer, choices=choices)

    def _choice(self, index: int) -> "_GrowingChoice":
        found = self._choices.get(index)
        if found is None:
            found = self._choices[index] = _GrowingChoice(Choice([]))
        return found

    def _part(self, event: Any, make: Callable[[], Part]) -> "_GrowingPart":
        parts = self._choice(event.choice).parts
        found = parts.get(event.part)
        if found is None:
            found = parts[event.part] = _GrowingPart(make())
        return found

    def _take_start(self, event: MessageStarted) -> None:
        answer = self._answer
        answer.id = event.id or answer.id
        answer.model = event.model or answer.model
        answer.created = event.created or answer.created
        answer.rest = {**answer.rest, **event.rest}

    def _take_text(self, event: TextDelta) -> None:
        self._part(event, lambda: Text("")).pieces.append(event.text)

    def _take_refusal(self, event: RefusalDelta) -> None:
        self._part(event, lambda: Refusal("")).pieces.append(event.text)

    def _take_thinking(self, event: ThinkingDelta) -> None:
        growing = self._part(event, Thinking)
        growing.pieces.append(event.text)
        thinking = growing.part
        if isinstance(thinking, Thinking):
            thinking.signature = event.signature or thinking.signature
            thinking.redacted = event.redacted or thinking.redacted
            thinking.made_by = event.made_by or thinking.made_by
            thinking.item_id = event.item_id or thinking.item_id
            thinking.is_summary = event.is_summary or thinking.is_summary
            thinking.format = event.format or thinking.format

    def _take_call(self, event: ToolCallStarted) -> None:
        kind: Literal["function", "custom"] = "custom" if event.kind == "custom" else "function"
        call = ToolCall(event.id, event.name, "", kind, event.signature, event.signature_of, event.item_id)
        call.extra = event.extra
        self._part(event, lambda: call)

    def _take_arguments(self, event: ToolArgsDelta) -> None:
        self._part(event, lambda: ToolCall("", "")).pieces.append(event.text)

    def _take_citation(self, event: CitationAdded) -> None:
        text = self._part(event, lambda: Text("")).part
        if isinstance(text, Text):
            text.citations.append(event.citation)

    def _take_media(self, event: MediaAdded) -> None:
        self._part(event, lambda: event.media).part = event.media

    def _take_native(self, event: NativeAdded) -> None:
        self._part(event, lambda: event.native).part = event.native

    def _take_logprobs(self, event: LogprobsAdded) -> None:
        choice = self._choice(event.choice).choice
        choice.logprobs = [*(choice.logprobs or ()), *event.tokens]

    def _take_usage(self, event: UsageReported) -> None:
        self._answer.usage, self._answer.raw_usage = event.usage, event.raw

    def _take_end(self, event: MessageEnded) -> None:
        choice = self._choice(event.choice).choice
        choice.stop, choice.native_stop, choice.stop_sequence = event.stop, event.native_stop, event.stop_sequence

    def _take_part_end(self, _: PartEnded) -> None:
        """Nothing depends on it: a part is known by its number."""

    def _take_stream_end(self, _: StreamEnded) -> None:
        self.is_complete = True

    def _take_failure(self, event: Failed) -> None:
        self.failure = event.failure

    _TAKERS: ClassVar[dict[type, Callable[[Any, Any], None]]] = {
        MessageStarted: _take_start,
        TextDelta: _take_text,
        ThinkingDelta: _take_thinking,
        ToolCallStarted: _take_call,
        ToolArgsDelta: _take_arguments,
        RefusalDelta: _take_refusal,
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


class _GrowingPart(msgspec.Struct):
    part: Part  # without what the pieces say
    pieces: list[str] = []

    def whole(self) -> Part:
        text = "".join(self.pieces)
        match self.part:
            case Text(citations=citations):
                return Text(text, list(citations))
            case Refusal() | Thinking():
                return msgspec.structs.replace(self.part, text=text)
            case ToolCall(kind=kind):
                return msgspec.structs.replace(self.part, arguments=text or ("" if kind == "custom" else "{}"))
        return self.part


class _GrowingChoice(msgspec.Struct):
    choice: Choice  # without its parts
    parts: dict[int, _GrowingPart] = {}

    def whole(self) -> Choice:
        return msgspec.structs.replace(self.choice, parts=[part.whole() for part in self.parts.values()])


def unfold(answer: Answer) -> Iterator[Event]:
    """The events that fold to this answer: each part in one piece, usage before the ends, a clean end."""
    yield MessageStarted(answer.id, answer.model, answer.created, answer.rest)
    number = 0
    for index, choice in enumerate(answer.choices):
        for part in choice.parts:
            yield from _unfold_part(part, number, index)
            yield PartEnded(number, index)
            number += 1
        if choice.logprobs is not None:
            yield LogprobsAdded(choice.logprobs, index)
    if answer.usage is not None:
        yield UsageReported(answer.usage, answer.raw_usage)
    for index, choice in enumerate(answer.choices):
        yield MessageEnded(choice.stop, choice.native_stop, choice.stop_sequence, index)
    yield StreamEnded()


def _unfold_part(part: Part, number: int, choice: int) -> Iterator[Event]:
    match part:
        case Text(text=text, citations=citations):
            yield TextDelta(number, text, choice)
            for citation in citations:
                yield CitationAdded(number, citation, choice)
        case Thinking():
            yield _unfold_thinking(part, number, choice)
        case ToolCall():
            yield from _unfold_call(part, number, choice)
        case Refusal(text=text):
            yield RefusalDelta(number, text, choice)
        case Media():
            yield MediaAdded(number, part, choice=choice)
        case Native():
            yield NativeAdded(number, part, choice)
        case _:
            raise ValueError("An answer holds no tool results: they come from the client.")


def _unfold_thinking(part: Thinking, number: int, choice: int) -> ThinkingDelta:
    return ThinkingDelta(
        number,
        part.text,
        part.signature,
        part.redacted,
        part.made_by,
        part.item_id,
        part.is_summary,
        choice,
        part.format,
    )


def _unfold_call(call: ToolCall, number: int, choice: int) -> Iterator[Event]:
    yield ToolCallStarted(
        number, call.id, call.name, call.kind, call.signature, call.signature_of, call.item_id, choice, call.extra
    )
    if call.arguments:
        yield ToolArgsDelta(number, call.arguments, choice)
