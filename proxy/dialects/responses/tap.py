"""What a passing answer of this API says about itself, without translating it."""

from typing import Any

import msgspec

from proxy.dialects.reading import UNREADABLE, Reading, member, text_of
from proxy.dialects.responses.usage import parse_usage_of
from proxy.wire.sse import parse_data

_DONE = b"[DONE]"  # OpenRouter's, behind the last event
_ENDS = {"response.completed", "response.incomplete", "response.failed", "response.cancelled"}
_CALLS = {"response.function_call_arguments.delta", "response.custom_tool_call_input.delta"}
_THOUGHTS = {"response.reasoning_summary_text.delta", "response.reasoning_text.delta"}


class _Item(msgspec.Struct):
    """`content`, `arguments` and `input` are read when the item is whole."""

    type: str | None = None
    name: Any = None
    arguments: Any = None
    input: Any = None
    content: Any = None
    summary: Any = None
    action: Any = None


class _Response(msgspec.Struct):
    id: Any = None
    model: Any = None
    status: Any = None
    service_tier: Any = None
    usage: Any = None
    tool_usage: Any = None
    incomplete_details: Any = None
    error: Any = None
    output: list[_Item] | None = None


class _Event(msgspec.Struct):
    """The members of an error stand in the event itself, or under `error`."""

    type: str | None = None
    delta: Any = None
    output_index: int | None = None
    item: _Item | None = None
    response: _Response | None = None
    error: Any = None
    code: Any = None
    message: Any = None


_decode_event = msgspec.json.Decoder(_Event).decode
_decode_events = msgspec.json.Decoder(list[_Event]).decode
_decode_response = msgspec.json.Decoder(_Response).decode


class ResponsesStreamReader:
    """Reads one streamed response. Text is taken from its deltas, a call's name from where its item begins."""

    __slots__ = ("_told", "reading")

    def __init__(self) -> None:
        self.reading = Reading()
        self._told: set[object] = set()  # output indexes of calls whose arguments came piece by piece

    def read(self, block: bytes) -> int:
        for event in _decoded(parse_data(block)):
            self._take(event)
        return 0

    def _take(self, event: _Event) -> None:
        kind, reading = event.type, self.reading
        if kind == "response.output_text.delta" or kind == "response.refusal.delta":
            reading.add_text(event.delta)
        elif kind in _CALLS:
            self._told.add(event.output_index)
            reading.add_tool(event.output_index, None, event.delta)
        elif kind in _THOUGHTS:
            reading.add_reasoning(event.delta)
        elif kind == "response.output_item.added" and event.item is not None:
            if event.item.type in {"function_call", "custom_tool_call"}:
                reading.add_tool(event.output_index, event.item.name, None)
        elif kind == "response.output_item.done" and event.item is not None:
            if event.output_index not in self._told:
                _take_call(event.output_index, event.item, reading)
        elif event.response is not None:
            self._take_response(kind, event.response)
        elif kind == "error" or event.error is not None:
            _take_error(event.error or {"code": event.code, "message": event.message}, reading)

    def _take_response(self, kind: object, response: _Response) -> None:
        _take_head(response, self.reading)
        if kind in _ENDS:
            _take_end(response, self.reading)
            self.reading.is_complete = True


def read_responses_body(body: bytes) -> Reading:
    """Reads a whole answer, be it a response or an error."""
    reading = Reading()
    try:
        response = _decode_response(body)
    except UNREADABLE:
        return reading
    _take_head(response, reading)
    for index, item in enumerate(response.output or ()):
        _take_item(index, item, reading)
    _take_end(response, reading)
    reading.is_complete = True
    return reading


def _decoded(events: list[bytes]) -> list[_Event]:
    """All at once, since that is how they come; one by one when there is one that cannot be read."""
    try:
        return _decode_events(b"[%b]" % b",".join(events))
    except UNREADABLE:
        return [event for text in events if text != _DONE and (event := _decoded_one(text)) is not None]


def _decoded_one(text: bytes) -> _Event | None:
    try:
        return _decode_event(text)
    except UNREADABLE:
        return None  # not ours to judge: it passes, unread


def _take_head(response: _Response, reading: Reading) -> None:
    reading.response_id = text_of(response.id) or reading.response_id
    reading.model = text_of(response.model) or reading.model


def _take_end(response: _Response, reading: Reading) -> None:
    status = text_of(response.status)
    reading.stop_reason = text_of(member(response.incomplete_details, "reason")) or status
    reading.service_tier = text_of(response.service_tier)
    if isinstance(response.usage, dict):
        output = [{"type": item.type, "action": item.action} for item in response.output or ()]
        said = {"usage": response.usage, "tool_usage": response.tool_usage, "output": output}
        reading.usage = parse_usage_of(said)
    if response.error:
        _take_error(response.error, reading)
    elif status == "failed":
        _take_error({}, reading)


def _take_item(index: int, item: _Item, reading: Reading) -> None:
    for part in item.content if isinstance(item.content, list) else ():
        if item.type == "reasoning":
            reading.add_reasoning(member(part, "text"))
        else:
            reading.add_text(member(part, "text"))
            reading.add_text(member(part, "refusal"))
    for part in item.summary if isinstance(item.summary, list) else ():
        reading.add_reasoning(member(part, "text"))
    _take_call(index, item, reading)


def _take_call(index: object, item: _Item, reading: Reading) -> None:
    if item.type == "function_call":
        reading.add_tool(index, item.name, item.arguments)
    elif item.type == "custom_tool_call":
        reading.add_tool(index, item.name, item.input)


def _take_error(error: object, reading: Reading) -> None:
    reading.error_code = text_of(member(error, "code")) or text_of(member(error, "type")) or "error"
    reading.error_message = text_of(member(error, "message"))
