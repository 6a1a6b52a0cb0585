"""A provider's stream → events.

Every piece is told once, by its delta; what only a `done` or the last response says is caught up with there. Events of
tools that the provider runs itself are passed over, for their item is whole when it is done. Unknown ones, too.
"""

from collections.abc import Callable, Iterator
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
    StreamEnded,
    TextDelta,
    UsageReported,
)
from proxy.canonical.failure import Failure
from proxy.canonical.parts import Media
from proxy.dialects.reading import count_of, member, text_of
from proxy.dialects.responses.answers import kept_members
from proxy.dialects.responses.failures import failure_of
from proxy.dialects.responses.growing import Items
from proxy.dialects.responses.parts_in import list_of, parse_citation
from proxy.dialects.responses.stops import parse_stop
from proxy.dialects.responses.usage import parse_usage_of
from proxy.wire.sse import FrameCutter, parse_data

_Body = dict[str, Any]
_CUT = "The provider's stream ended without its last event."


class ResponsesDecoder:
    def __init__(self) -> None:
        self._cutter = FrameCutter()
        self._items = Items()
        self._head: tuple[Any, ...] = ()
        self._is_over = False

    def feed(self, data: bytes) -> list[Event]:
        return self._read(self._cutter.feed(data))

    def close(self) -> list[Event]:
        events = self._read(self._cutter.close())
        if not self._is_over:
            self._is_over = True
            events.append(Failed(Failure("truncated", _CUT)))
        return events

    def _read(self, block: bytes) -> list[Event]:
        events: list[Event] = []
        for data in parse_data(block) if block else ():
            if self._is_over:
                break
            try:
                event = orjson.loads(data)
            except orjson.JSONDecodeError:
                continue
            if isinstance(event, dict):
                self._take(event, events)
        return events

    def _take(self, event: _Body, events: list[Event]) -> None:
        kind = event.get("type")
        if kind == "response.output_text.delta":  # nearly all of a stream
            text = event.get("delta")
            if isinstance(text, str) and text:
                events.append(TextDelta(self._items.text_part(event, text), text))
            if (tokens := event.get("logprobs")) and isinstance(tokens, list):
                events.append(LogprobsAdded(tokens))
            return
        taker = self._TAKERS.get(kind) if isinstance(kind, str) else None
        if taker is not None:
            events.extend(taker(self, event))
        elif kind is None and event.get("error"):
            events.extend(self._take_error(event))

    def _start(self, event: _Body) -> Iterator[Event]:
        """Once, and again when the provider knows better: the tier that was asked for is not the one that is paid."""
        response = event.get("response")
        if not isinstance(response, dict):
            return
        rest = {name: value for name, value in kept_members(response).items() if name != "error"}
        head = (text_of(response.get("id")), text_of(response.get("model")), count_of(response.get("created_at")), rest)
        if head != self._head:
            self._head = head
            yield MessageStarted(*head)

    def _take_item(self, event: _Body) -> Iterator[Event]:
        item = event.get("item")
        return self._items.begin(event, item) if isinstance(item, dict) else iter(())

    def _end_item(self, event: _Body) -> Iterator[Event]:
        item = event.get("item")
        return self._items.end(event, item) if isinstance(item, dict) else iter(())

    def _take_text_done(self, event: _Body) -> Iterator[Event]:
        return self._items.catch_up_text(event, event.get("text"))

    def _take_part_done(self, event: _Body) -> Iterator[Event]:
        part = event.get("part")
        return self._items.end_content(event, part) if isinstance(part, dict) else iter(())

    def _take_annotation(self, event: _Body) -> Iterator[Event]:
        annotation = event.get("annotation")
        if isinstance(annotation, dict):
            yield CitationAdded(self._items.cited_part(event), parse_citation(annotation))

    def _take_refusal(self, event: _Body) -> Iterator[Event]:
        return self._items.add_refusal(event, event.get("delta"))

    def _take_refusal_done(self, event: _Body) -> Iterator[Event]:
        return self._items.catch_up_refusal(event, event.get("refusal"))

    def _take_arguments(self, event: _Body) -> Iterator[Event]:
        return self._items.add_arguments(event, event.get("delta"))

    def _take_arguments_done(self, event: _Body) -> Iterator[Event]:
        return self._items.catch_up_arguments(event, event.get("arguments") or event.get("input"))

    def _take_thought(self, event: _Body) -> Iterator[Event]:
        return self._items.add_thought(event, event.get("delta"))

    def _take_thought_done(self, event: _Body) -> Iterator[Event]:
        return self._items.catch_up_thought(event, event.get("text"))

    def _take_partial_image(self, event: _Body) -> Iterator[Event]:
        image = Media("image", f"image/{text_of(event.get('output_format')) or 'png'}")
        image.data = text_of(event.get("partial_image_b64"))
        if image.data:
            yield MediaAdded(self._items.whole_part(event), image, is_partial=True)

    def _end(self, event: _Body) -> Iterator[Event]:
        self._is_over = True
        response = event.get("response")
        response = response if isinstance(response, dict) else {}
        yield from self._start(event)
        for index, item in enumerate(list_of(response.get("output"))):
            if isinstance(item, dict):
                yield from self._items.catch_up_item(index, item)
        usage = response.get("usage")
        if isinstance(usage, dict):
            yield UsageReported(parse_usage_of(response), usage)
        kind = text_of(event.get("type"))
        response = {"status": kind.removeprefix("response."), **response}
        if kind in {"response.failed", "response.cancelled"}:
            yield Failed(_failure(response))
            return
        stop, native_stop = parse_stop(response, has_calls=self._items.has_calls, has_refusal=self._items.has_refusal)
        yield MessageEnded(stop, native_stop)
        yield StreamEnded()

    def _take_error(self, event: _Body) -> Iterator[Event]:
        """`{type: error, code, message}`, or the same one deeper under `error`."""
        self._is_over = True
        failure = failure_of(event["error"] if event.get("error") else event)
        failure.message = failure.message or "The provider's stream ended with an error."
        yield Failed(failure)

    _TAKERS: ClassVar[dict[str, Callable[["ResponsesDecoder", _Body], Iterator[Event]]]] = {
        "response.created": _start,
        "response.queued": _start,
        "response.in_progress": _start,
        "response.output_item.added": _take_item,
        "response.output_item.done": _end_item,
        "response.output_text.done": _take_text_done,
        "response.output_text.annotation.added": _take_annotation,
        "response.content_part.done": _take_part_done,
        "response.refusal.delta": _take_refusal,
        "response.refusal.done": _take_refusal_done,
        "response.function_call_arguments.delta": _take_arguments,
        "response.function_call_arguments.done": _take_arguments_done,
        "response.custom_tool_call_input.delta": _take_arguments,
        "response.custom_tool_call_input.done": _take_arguments_done,
        "response.reasoning_summary_text.delta": _take_thought,
        "response.reasoning_summary_text.done": _take_thought_done,
        "response.reasoning_text.delta": _take_thought,
        "response.reasoning_text.done": _take_thought_done,
        "response.image_generation_call.partial_image": _take_partial_image,
        "response.completed": _end,
        "response.incomplete": _end,
        "response.failed": _end,
        "response.cancelled": _end,
        "error": _take_error,
    }


def _failure(response: _Body) -> Failure:
    failure = failure_of(response.get("error"))
    failure.message = failure.message or "The provider's answer failed."
    failure.code = failure.code or text_of(member(response, "status"))
    return failure
