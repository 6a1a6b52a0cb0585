"""What one candidate says, chunk after chunk, as events of its parts."""

from typing import Any

from proxy.canonical.events import (
    CitationAdded,
    Event,
    LogprobsAdded,
    MediaAdded,
    NativeAdded,
    PartEnded,
    TextDelta,
    ThinkingDelta,
    ToolArgsDelta,
    ToolCallStarted,
)
from proxy.dialects.gemini.calls import make_id, render_arguments, to_json
from proxy.dialects.gemini.grounding import parse_grounding, parse_recitation
from proxy.dialects.gemini.logprobs import parse_logprobs
from proxy.dialects.gemini.partial_args import PartialArguments
from proxy.dialects.gemini.parts_in import parse_media, parse_native
from proxy.dialects.gemini.stops import finish_word
from proxy.dialects.reading import text_of

_USUAL = {"content", "index"}
_SAID = {"content", "finishReason", "index", "logprobsResult"}


class Numbers:
    """Numbers of parts, unique in the answer; `seed` makes ids of calls unique among answers."""

    def __init__(self) -> None:
        self.seed = ""
        self._next = 0

    def take(self) -> int:
        self._next += 1
        return self._next - 1


class Candidate:
    """`extras` are the members that nothing canonical stands for."""

    def __init__(self, index: int, numbers: Numbers) -> None:
        self.index = index
        self.finish = ""
        self.has_calls = False
        self.extras: dict[str, Any] = {}
        self._numbers = numbers
        self._text: int | None = None  # the part that text is added to
        self._last_text: int | None = None
        self._thought: int | None = None
        self._signatures: list[str] = []  # of the open text
        self._call: int | None = None  # the call whose arguments are coming in
        self._arguments = PartialArguments()
        self._cited: list[dict[str, Any]] = []

    def take(self, said: dict[str, Any], events: list[Event]) -> None:
        content = said.get("content")
        parts = content.get("parts") if isinstance(content, dict) else None
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict):
                self._take_part(part, events)
        if not said.keys() <= _USUAL:
            self._take_extras(said, events)

    def end(self, events: list[Event]) -> None:
        self._close_call(events)
        self._close_text(events)
        self._close_thought(events)

    def _take_part(self, part: dict[str, Any], events: list[Event]) -> None:
        text = part.get("text")
        if "functionCall" in part:
            self._take_call(part, events)
        elif isinstance(text, str):
            self._take_text(text, part, events)
        elif part:
            self._take_whole(part, events)

    def _take_text(self, text: str, part: dict[str, Any], events: list[Event]) -> None:
        signature = text_of(part.get("thoughtSignature"))
        if part.get("thought") is True:
            self._take_thought(text, signature, events)
            return
        if text:
            self._close_thought(events)
            self._close_call(events)
            if self._text is None:
                self._text = self._last_text = self._numbers.take()
            events.append(TextDelta(self._text, text, self.index))
        if signature:
            self._signatures.append(signature)

    def _take_thought(self, text: str, signature: str, events: list[Event]) -> None:
        if not (text or signature):
            return
        self._close_call(events)
        self._close_text(events)
        if self._thought is None:
            self._thought = self._numbers.take()
        events.append(ThinkingDelta(self._thought, text, signature, made_by="gemini", choice=self.index))
        if signature:
            self._close_thought(events)

    def _take_call(self, part: dict[str, Any], events: list[Event]) -> None:
        call = part["functionCall"]
        if not isinstance(call, dict):
            return
        name, goes_on = text_of(call.get("name")), bool(call.get("willContinue"))
        if name:
            self._open_call(name, call, part, events, goes_on=goes_on)
        elif self._call is None:
            return
        self._arguments.add(call.get("partialArgs"))
        if isinstance(call.get("args"), dict) and not name:
            self._arguments.whole.update(call["args"])
        if not goes_on:
            self._close_call(events)

    def _open_call(
        self, name: str, call: dict[str, Any], part: dict[str, Any], events: list[Event], *, goes_on: bool
    ) -> None:
        self.end(events)
        number = self._call = self._numbers.take()
        self.has_calls = True
        self._arguments = PartialArguments(call.get("args") if isinstance(call.get("args"), dict) else None)
        known = "" if goes_on else render_arguments(call.get("args"))
        call_id = text_of(call.get("id")) or make_id(number, name, known, self._numbers.seed)
        signature = text_of(part.get("thoughtSignature"))
        made_by: Any = "gemini" if signature else None
        events.append(ToolCallStarted(number, call_id, name, "function", signature, made_by, choice=self.index))

    def _take_whole(self, part: dict[str, Any], events: list[Event]) -> None:
        """An image, a sound, code that ran: in one piece."""
        if part.keys() == {"thoughtSignature"}:  # a signature that stands alone is the last text's
            self._signatures.append(text_of(part["thoughtSignature"]))
            return
        self.end(events)
        number, media = self._numbers.take(), parse_media(part)
        if media is not None:
            events.append(MediaAdded(number, media, choice=self.index))
        else:
            events.append(NativeAdded(number, parse_native(part), self.index))
        events.append(PartEnded(number, self.index))

    def _take_extras(self, said: dict[str, Any], events: list[Event]) -> None:
        self.finish = finish_word(said.get("finishReason")) or self.finish
        if "logprobsResult" in said and (tokens := parse_logprobs(said["logprobsResult"])):
            events.append(LogprobsAdded(tokens, self.index))
        for name, value in said.items():
            if name not in _SAID and value not in ({}, [], None, ""):
                self.extras[name] = value
                if name == "groundingMetadata":
                    self._cite(parse_grounding(value), events)
                elif name == "citationMetadata":
                    self._cite(parse_recitation(value), events)

    def _cite(self, citations: list[Any], events: list[Event]) -> None:
        """Each chunk repeats what was cited so far."""
        for citation in citations:
            if self._last_text is not None and citation.raw not in self._cited:
                self._cited.append(citation.raw)
                events.append(CitationAdded(self._last_text, citation, self.index))

    def _close_text(self, events: list[Event]) -> None:
        if self._text is not None:
            events.append(PartEnded(self._text, self.index))
            self._text = None
        for signature in self._signatures:
            number = self._numbers.take()
            events.append(ThinkingDelta(number, "", signature, made_by="gemini", choice=self.index))
            events.append(PartEnded(number, self.index))
        self._signatures.clear()

    def _close_thought(self, events: list[Event]) -> None:
        if self._thought is not None:
            events.append(PartEnded(self._thought, self.index))
            self._thought = None

    def _close_call(self, events: list[Event]) -> None:
        if self._call is not None:
            if self._arguments.whole:
                events.append(ToolArgsDelta(self._call, to_json(self._arguments.whole), self.index))
            events.append(PartEnded(self._call, self.index))
            self._call = None
