"""Items of an answer while they grow: which part is which, and how much of each has been told."""

from collections.abc import Iterator
from typing import Any

import msgspec

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
from proxy.canonical.parts import Media
from proxy.dialects.reading import text_of
from proxy.dialects.responses.output_items import call_extra, call_name, parse_native, parse_output_item
from proxy.dialects.responses.parts_in import list_of, parse_citation

_Body = dict[str, Any]
_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
_SUMMARY, _TEXT = "summary", "content"


class _Part(msgspec.Struct):
    number: int
    told: list[str] = []  # piece by piece
    cited: int = 0
    has_ended: bool = False


class _Item(msgspec.Struct):
    identity: str = ""
    parts: dict[Any, _Part] = {}
    is_call: bool = False
    is_over: bool = False


class Items:
    """Items are known by their `output_index`; providers change their ids between events."""

    def __init__(self) -> None:
        self._items: dict[Any, _Item] = {}
        self._count = 0
        self.has_calls = False
        self.has_refusal = False

    def _item(self, event: _Body) -> _Item:
        index = event.get("output_index")
        key = index if isinstance(index, int) else text_of(event.get("item_id"))
        found = self._items.get(key)
        if found is None:
            found = self._items[key] = _Item(text_of(event.get("item_id")))
        return found

    def _part(self, item: _Item, key: object) -> _Part:
        found = item.parts.get(key)
        if found is None:
            found = item.parts[key] = _Part(self._count)
            self._count += 1
        return found

    def begin(self, event: _Body, item: _Body) -> Iterator[Event]:
        growing = self._item(event)
        growing.identity = text_of(item.get("id")) or growing.identity
        if text_of(item.get("type")) in _CALLS and not growing.is_call:
            yield from self._begin_call(growing, item)
            yield from self._arguments(growing, item.get(_CALLS[item["type"]]))

    def _begin_call(self, growing: _Item, item: _Body) -> Iterator[Event]:
        growing.is_call = self.has_calls = True
        yield ToolCallStarted(
            self._part(growing, 0).number,
            text_of(item.get("call_id")) or text_of(item.get("id")),
            call_name(item),
            "custom" if item["type"] == "custom_tool_call" else "function",
            item_id=text_of(item.get("id")),
            extra=call_extra(item),
        )

    def text_part(self, event: _Body, piece: str) -> int:
        """The number of the text or refusal that grows by this piece."""
        part = self._part(self._item(event), _index(event))
        part.told.append(piece)
        return part.number

    def cited_part(self, event: _Body) -> int:
        part = self._part(self._item(event), _index(event))
        part.cited += 1
        return part.number

    def whole_part(self, event: _Body) -> int:
        return self._part(self._item(event), 0).number

    def catch_up_text(self, event: _Body, text: object) -> Iterator[Event]:
        part = self._part(self._item(event), _index(event))
        if rest := _rest(part, text):
            yield TextDelta(part.number, rest)

    def add_refusal(self, event: _Body, piece: object) -> Iterator[Event]:
        if isinstance(piece, str) and piece:
            self.has_refusal = True
            yield RefusalDelta(self.text_part(event, piece), piece)

    def catch_up_refusal(self, event: _Body, text: object) -> Iterator[Event]:
        self.has_refusal = True
        part = self._part(self._item(event), _index(event))
        if rest := _rest(part, text):
            yield RefusalDelta(part.number, rest)

    def end_content(self, event: _Body, content: _Body) -> Iterator[Event]:
        """A part of a message is whole; one of a reasoning item waits for what is encrypted."""
        if text_of(content.get("type")) in {"output_text", "refusal"}:
            yield from self._end_part(self._item(event), _index(event), content)

    def _end_part(self, item: _Item, key: object, content: _Body) -> Iterator[Event]:
        part = self._part(item, key)
        if part.has_ended:
            return
        part.has_ended = True
        is_refusal = content.get("type") == "refusal"
        self.has_refusal |= is_refusal
        was_silent = not part.told
        rest = _rest(part, content.get("refusal" if is_refusal else "text"))
        if rest:
            yield RefusalDelta(part.number, rest) if is_refusal else TextDelta(part.number, rest)
        if was_silent and rest and (tokens := list_of(content.get("logprobs"))):
            yield LogprobsAdded(tokens)
        for annotation in list_of(content.get("annotations"))[part.cited :]:
            if isinstance(annotation, dict):
                part.cited += 1
                yield CitationAdded(part.number, parse_citation(annotation))
        if part.told or part.cited:
            yield PartEnded(part.number)

    def add_arguments(self, event: _Body, piece: object) -> Iterator[Event]:
        item = self._item(event)
        if item.is_call and isinstance(piece, str) and piece:
            part = self._part(item, 0)
            part.told.append(piece)
            yield ToolArgsDelta(part.number, piece)

    def catch_up_arguments(self, event: _Body, arguments: object) -> Iterator[Event]:
        item = self._item(event)
        return self._arguments(item, arguments) if item.is_call else iter(())

    def _arguments(self, item: _Item, arguments: object) -> Iterator[Event]:
        part = self._part(item, 0)
        if rest := _rest(part, arguments):
            yield ToolArgsDelta(part.number, rest)

    def add_thought(self, event: _Body, piece: object) -> Iterator[Event]:
        if isinstance(piece, str) and piece:
            part, is_summary, identity = self._thought(event)
            part.told.append(piece)
            yield _thinking(part.number, piece, identity, is_summary=is_summary)

    def catch_up_thought(self, event: _Body, text: object) -> Iterator[Event]:
        part, is_summary, identity = self._thought(event)
        if rest := _rest(part, text):
            yield _thinking(part.number, rest, identity, is_summary=is_summary)

    def _thought(self, event: _Body) -> tuple[_Part, bool, str]:
        item = self._item(event)
        summary = event.get("summary_index")
        key = (_TEXT, _index(event)) if summary is None else (_SUMMARY, _index(event, "summary_index"))
        return self._part(item, key), summary is not None, item.identity

    def end(self, event: _Body, item: _Body) -> Iterator[Event]:
        growing = self._item(event)
        if growing.is_over:
            return
        growing.is_over = True
        growing.identity = growing.identity or text_of(item.get("id"))
        kind = text_of(item.get("type"))
        if kind == "message":
            yield from self._end_message(growing, item)
        elif kind == "reasoning":
            yield from self._end_reasoning(growing, item)
        elif kind in _CALLS:
            if not growing.is_call:
                yield from self._begin_call(growing, item)
            yield from self._arguments(growing, item.get(_CALLS[kind]))
            yield PartEnded(self._part(growing, 0).number)
        else:
            yield from self._end_whole(growing, item)

    def catch_up_item(self, index: int, item: _Body) -> Iterator[Event]:
        """An item that only the last response tells of. Its place there is not always its index in the stream."""
        identity = text_of(item.get("id"))
        for key, growing in self._items.items():
            if identity and growing.identity == identity:
                return self.end({"output_index": key} if isinstance(key, int) else {"item_id": key}, item)
        return self.end({"output_index": index}, item)

    def _end_message(self, growing: _Item, item: _Body) -> Iterator[Event]:
        content = item.get("content")
        parts = [{"type": "output_text", "text": content}] if isinstance(content, str) else list_of(content)
        for index, part in enumerate(parts):
            if isinstance(part, dict):
                yield from self._end_part(growing, index, part)

    def _end_reasoning(self, growing: _Item, item: _Body) -> Iterator[Event]:
        identity = growing.identity or text_of(item.get("id"))  # Copilot gives each event an id of its own
        for name in (_SUMMARY, _TEXT):
            for index, piece in enumerate(list_of(item.get(name))):
                text = piece.get("text") if isinstance(piece, dict) else None
                if isinstance(text, str) and text:
                    part = self._part(growing, (name, index))
                    if rest := _rest(part, text):
                        yield _thinking(part.number, rest, identity, is_summary=name == _SUMMARY)
        last = max(growing.parts.values(), key=lambda part: part.number, default=None) or self._part(growing, 0)
        yield ThinkingDelta(
            last.number, signature=text_of(item.get("encrypted_content")), made_by="responses", item_id=identity
        )
        for part in growing.parts.values():
            yield PartEnded(part.number)

    def _end_whole(self, growing: _Item, item: _Body) -> Iterator[Event]:
        number = self._part(growing, 0).number
        (part,) = parse_output_item(item)
        yield MediaAdded(number, part) if isinstance(part, Media) else NativeAdded(number, parse_native(item))
        yield PartEnded(number)


def _index(event: _Body, name: str = "content_index") -> int:
    index = event.get(name)
    return index if isinstance(index, int) else 0


def _thinking(number: int, text: str, identity: str, *, is_summary: bool) -> ThinkingDelta:
    return ThinkingDelta(number, text, made_by="responses", item_id=identity, is_summary=is_summary)


def _rest(part: _Part, text: object) -> str:
    """What of the whole text has not been told, and takes it for told. Nothing when something else was told."""
    told = "".join(part.told)
    if not isinstance(text, str) or len(text) <= len(told) or not text.startswith(told):
        return ""
    part.told = [text]
    return text[len(told) :]
