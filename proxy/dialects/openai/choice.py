"""One choice of a streamed completion: deltas → events, with the numbers that its parts get."""

from collections.abc import Sequence
from typing import Any

from proxy.canonical.answer import StopReason
from proxy.canonical.events import (
    CitationAdded,
    Event,
    LogprobsAdded,
    MediaAdded,
    NativeAdded,
    PartEnded,
    RefusalDelta,
    TextDelta,
    ThinkingDelta,
    ToolArgsDelta,
    ToolCallStarted,
)
from proxy.canonical.parts import Citation, Media, Native, Text, Thinking
from proxy.dialects.openai.answers import parse_logprobs
from proxy.dialects.openai.calls import CallTable, StreamedCall
from proxy.dialects.openai.message import (
    KNOWN,
    arguments_text,
    made_id,
    parse_citations,
    parse_content,
    parse_images,
    parse_sound,
)
from proxy.dialects.openai.stops import parse_stop
from proxy.dialects.openai.thoughts import parse_detail, parse_plain
from proxy.dialects.reading import member, text_of

_PLAIN = {"role", "content"}
_QUIET = KNOWN | {"index", "token_id", "channel"}  # noise of single providers beside what is known


class StreamedChoice:
    """`take` deltas, `finish` with the choice's other members, `flush` when the answer ends.

    Text, thoughts and a refusal end when a part of another kind begins; calls stay open together.
    """

    __slots__ = (
        "_calls", "_has_refusal", "_index", "_legacy", "_native_stop", "_natives", "_next", "_open", "_part", "_seed",
        "_sound", "_word", "is_empty",
    )  # fmt: skip

    def __init__(self, index: int, seed: str, numbers: list[int]) -> None:
        self._index = index
        self._seed = seed + str(index or "")
        self._next = numbers
        self._open: object = None  # the kind of the open part, a thought's with its place
        self._part = -1
        self._calls = CallTable()
        self._legacy: StreamedCall | None = None
        self._natives: dict[str, tuple[int, Any]] = {}
        self._sound: dict[str, Any] = {}
        self._word: object = None
        self._native_stop: object = None
        self._has_refusal = False
        self.is_empty = True

    @property
    def is_finished(self) -> bool:
        return bool(self._word)

    def take_plain(self, delta: dict[str, Any], events: list[Event]) -> bool:
        """Takes a delta that only goes on with the open text."""
        text = delta.get("content")
        if self._open != "text" or type(text) is not str or not text or not delta.keys() <= _PLAIN:
            return False
        events.append(TextDelta(self._part, text, self._index))
        return True

    def take_texts(self, texts: list[str], events: list[Event]) -> None:
        """Those of deltas that are like the last one, which `take_plain` has taken, but for their text."""
        part, index = self._part, self._index
        events += [TextDelta(part, text, index) for text in texts if text]

    def take(self, delta: dict[str, Any], events: list[Event]) -> None:
        self._take_thoughts(delta, events)
        if content := delta.get("content"):
            if type(content) is str:
                self._add_text(content, events)
            else:
                self._take_content(content, events)
        if refusal := text_of(delta.get("refusal")):
            self._has_refusal = True
            events.append(RefusalDelta(self._begin("refusal", events), refusal, self._index))
        if calls := delta.get("tool_calls"):
            for piece in calls if isinstance(calls, list) else ():
                if isinstance(piece, dict):
                    self._take_call(piece, events)
        self._take_rare(delta, events)

    def finish(self, said: dict[str, Any], events: list[Event]) -> None:
        if word := said.get("finish_reason") or member(said.get("finish_details"), "type"):
            self._word, self._native_stop = word, said.get("native_finish_reason")
        if (logprobs := said.get("logprobs")) and (tokens := parse_logprobs(logprobs)):
            events.append(LogprobsAdded(tokens, self._index))

    def flush(self, sources: Sequence[Citation], events: list[Event]) -> None:
        if self._sound and (media := parse_sound(self._sound)):
            events.append(MediaAdded(self._number(), media, choice=self._index))
        if sources and not self.is_empty:
            part = self._begin("text", events)
            events += [CitationAdded(part, source, self._index) for source in sources]

    def stop(self) -> tuple[StopReason, str]:
        has_calls = self._calls.count > 0 or self._legacy is not None
        return parse_stop(self._word, self._native_stop, has_calls=has_calls, has_refusal=self._has_refusal)

    def _number(self) -> int:
        self.is_empty = False
        number = self._next[0]
        self._next[0] = number + 1
        return number

    def _begin(self, kind: object, events: list[Event]) -> int:
        """The number of the open part of this kind; ends the part of another kind that is open."""
        if self._open != kind:
            self._end_part(events)
            self._open, self._part = kind, self._number()
        return self._part

    def _end_part(self, events: list[Event]) -> None:
        if self._open is not None:
            events.append(PartEnded(self._part, self._index))
            self._open = None

    def _add_text(self, text: str, events: list[Event]) -> None:
        events.append(TextDelta(self._begin("text", events), text, self._index))

    def _take_thoughts(self, delta: dict[str, Any], events: list[Event]) -> None:
        details = delta.get("reasoning_details")
        details = [one for one in details if isinstance(one, dict)] if isinstance(details, list) else []
        thoughts = [(parse_detail(one), (one.get("type"), one.get("index"))) for one in details]
        plain = parse_plain(delta)
        if plain is not None and not any(thought.text for thought, _ in thoughts):
            self._add_thought(plain, "thinking", events)
        for thought, place in thoughts:
            self._add_thought(thought, ("thinking", *place), events)

    def _add_thought(self, thought: Thinking, kind: object, events: list[Event]) -> None:
        events.append(
            ThinkingDelta(
                self._begin(kind, events),
                thought.text,
                thought.signature,
                thought.redacted,
                "openai",
                thought.item_id,
                thought.is_summary,
                self._index,
                thought.format,
            )
        )

    def _take_content(self, content: object, events: list[Event]) -> None:
        """Mistral's typed parts, and whatever else came in the place of text."""
        for part in parse_content(content):
            if isinstance(part, Text):
                self._add_text(part.text, events)
            elif isinstance(part, Thinking):
                self._add_thought(part, "thinking", events)
            elif isinstance(part, Media):
                events.append(MediaAdded(self._number(), part, choice=self._index))
            elif isinstance(part, Native):
                events.append(NativeAdded(self._number(), part, self._index))

    def _take_call(self, piece: dict[str, Any], events: list[Event]) -> None:
        call = self._calls.find(piece)
        if call is None:
            self._end_part(events)
            call = self._calls.add(piece, self._number())
        custom = piece.get("custom")
        is_custom = piece.get("type") == "custom" or bool(text_of(member(custom, "name")))
        body = custom if is_custom or call.kind == "custom" else piece.get("function")
        if is_custom:
            call.kind = "custom"
        signature = member(member(piece.get("extra_content"), "google"), "thought_signature")
        call.signature = call.signature or text_of(signature)
        self._add_to_call(call, member(body, "name"), member(body, "arguments") or member(body, "input"), events)

    def _add_to_call(self, call: StreamedCall, name: object, arguments: object, events: list[Event]) -> None:
        call.name = call.name or text_of(name)
        pieces = call.held + arguments_text(arguments)
        if not call.name:
            call.held = pieces
            return
        if not call.has_started:
            call.has_started, call.held = True, ""
            call_id = call.id if call.id not in {"", "null"} else made_id(self._seed, call.position)
            owner: Any = "openai" if call.signature else None
            events.append(
                ToolCallStarted(call.part, call_id, call.name, call.kind, call.signature, owner, choice=self._index)
            )
        if pieces:
            call.has_arguments = True
            events.append(ToolArgsDelta(call.part, pieces, self._index))

    def _take_rare(self, delta: dict[str, Any], events: list[Event]) -> None:
        if (call := delta.get("function_call")) and (self._legacy or member(call, "name")):
            if self._legacy is None:
                self._end_part(events)
                self._legacy = StreamedCall(self._number(), 0)
            self._add_to_call(self._legacy, member(call, "name"), member(call, "arguments"), events)
        if isinstance(sound := delta.get("audio"), dict):
            self._add_sound(sound)
        if images := delta.get("images"):
            for image in parse_images(images):
                self._end_part(events)
                events.append(MediaAdded(self._number(), image, choice=self._index))
        if annotations := delta.get("annotations"):
            for citation in parse_citations(annotations):
                events.append(CitationAdded(self._begin("text", events), citation, self._index))
        for name, value in delta.items():
            if name not in _QUIET and value and isinstance(value, dict | list):
                self._add_native(name, value, events)

    def _add_sound(self, piece: dict[str, Any]) -> None:
        """Base64 and transcript come in pieces, id and expiry once."""
        for name, value in piece.items():
            if name in {"data", "transcript"} and isinstance(value, str):
                self._sound[name] = text_of(self._sound.get(name)) + value
            elif value:
                self._sound[name] = value

    def _add_native(self, name: str, value: Any, events: list[Event]) -> None:
        """Groq tells of the tools that it ran itself twice: begun, and with what came of it."""
        part, whole = self._natives.get(name) or (self._number(), None)
        if isinstance(whole, list) and isinstance(value, list):
            value = [*(one for one in whole if not _is_replaced(one, value)), *value]
        self._natives[name] = part, value
        events.append(NativeAdded(part, Native("openai", {name: value}), self._index))


def _is_replaced(old: object, news: list[Any]) -> bool:
    index = member(old, "index")
    return index is not None and any(member(new, "index") == index for new in news)
