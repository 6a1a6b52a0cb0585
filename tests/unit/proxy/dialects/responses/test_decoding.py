"""Streams of providers, as they really come and as they come when something is wrong."""

from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.canonical.answer import Answer
from proxy.canonical.events import Failed, NativeAdded, StreamEnded, UsageReported
from proxy.canonical.failure import Failure
from proxy.canonical.folding import fold
from proxy.canonical.parts import Media, Refusal, Text, Thinking, ToolCall
from proxy.dialects.responses.codec import CODEC
from proxy.dialects.responses.tap import ResponsesStreamReader, read_responses_body
from proxy.errors import InvalidRequest
from proxy.records import Usage
from proxy.wire.sse import FrameCutter
from tests.unit.proxy.dialects.streams import decode_with

USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 17,
}
HEAD = {"id": "resp_1", "object": "response", "created_at": 9, "model": "gpt-5", "status": "in_progress", "output": []}
MESSAGE = {
    "id": "msg_1", "type": "message", "status": "completed", "role": "assistant",
    "content": [{"type": "output_text", "text": "Füße — 日本", "annotations": [], "logprobs": []}],
}  # fmt: skip
CALL = {
    "id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1", "name": "search",
    "arguments": '{"q": "naïve"}',
}  # fmt: skip
REASONING = {
    "id": "rs_1", "type": "reasoning", "encrypted_content": "gAAA",
    "summary": [{"type": "summary_text", "text": "One."}, {"type": "summary_text", "text": "Two."}],
}  # fmt: skip
DONE = {**HEAD, "status": "completed", "output": [REASONING, MESSAGE, CALL], "usage": USAGE}
EVENTS: list[dict[str, Any]] = [
    {"type": "response.created", "response": HEAD},
    {"type": "response.in_progress", "response": HEAD},
    {"type": "response.output_item.added", "output_index": 0, "item": {**REASONING, "summary": []}},
    {"type": "response.reasoning_summary_part.added", "output_index": 0, "item_id": "rs_1", "summary_index": 0},
    {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "On"},
    {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "e."},
    {"type": "response.reasoning_summary_text.done", "output_index": 0, "summary_index": 0, "text": "One."},
    {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 1, "delta": "Two."},
    {"type": "response.output_item.done", "output_index": 0, "item": REASONING},
    {"type": "response.output_item.added", "output_index": 1, "item": {**MESSAGE, "content": []}},
    {"type": "response.content_part.added", "output_index": 1, "content_index": 0, "part": {"type": "output_text"}},
    {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "Füße"},
    {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": " — 日本"},
    {"type": "response.output_text.done", "output_index": 1, "content_index": 0, "text": "Füße — 日本"},
    {"type": "response.content_part.done", "output_index": 1, "content_index": 0, "part": MESSAGE["content"][0]},
    {"type": "response.output_item.done", "output_index": 1, "item": MESSAGE},
    {"type": "response.output_item.added", "output_index": 2, "item": {**CALL, "arguments": ""}},
    {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": '{"q": '},
    {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": '"naïve"}'},
    {"type": "response.function_call_arguments.done", "output_index": 2, "arguments": CALL["arguments"]},
    {"type": "response.output_item.done", "output_index": 2, "item": CALL},
    {"type": "response.completed", "response": DONE},
]
READ = CODEC.parse_answer(DONE)


def stream(events: Iterable[dict[str, Any]], line: str = "\n") -> bytes:
    frames = [f"event: {event['type']}{line}data: {orjson.dumps(event).decode()}{line}{line}" for event in events]
    return "".join(frames).encode()


decoded = partial(decode_with, CODEC)


def folded(events: Iterable[dict[str, Any]]) -> Answer:
    answer = fold(decoded(stream(events)), "responses")
    assert isinstance(answer, Answer), answer
    return answer


def ended(*items: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"type": "response.completed", "response": {**HEAD, "status": "completed", "output": list(items), **members}}


def test_a_stream_folds_to_what_its_last_event_tells() -> None:
    answer = folded(EVENTS)
    assert answer == READ
    assert answer.choices[0].parts == [
        Thinking("One.", made_by="responses", item_id="rs_1", is_summary=True),
        Thinking("Two.", "gAAA", made_by="responses", item_id="rs_1", is_summary=True),
        Text("Füße — 日本"),
        ToolCall("call_1", "search", '{"q": "naïve"}', item_id="fc_1"),
    ]
    assert answer.choices[0].stop == "tool_calls"
    assert answer.usage == Usage(input=5, cache_read=4, cache_write_5m=1, output=7, reasoning=2)


@given(st.lists(st.integers(0, len(stream(EVENTS)) + 100), max_size=12), st.sampled_from(["\n", "\r\n", "\r"]))
@settings(max_examples=200)
def test_any_cut_gives_the_same_events_with_any_line_end(cuts: list[int], line: str) -> None:
    data = b": ping" + line.encode() * 2 + stream(EVENTS, line)
    assert decoded(data, cuts) == decoded(stream(EVENTS))


@given(st.integers(0, len(stream(EVENTS[:-1]))))
@settings(max_examples=100)
def test_a_stream_without_its_last_event_is_truncated_wherever_it_breaks_off(end: int) -> None:
    last = decoded(stream(EVENTS)[:end])[-1]
    assert isinstance(last, Failed)
    assert last.failure.kind == "truncated"


def test_a_last_frame_without_its_empty_line_still_ends_the_stream() -> None:
    assert decoded(stream(EVENTS).rstrip(b"\n")) == decoded(stream(EVENTS))


def test_what_follows_the_end_is_nobodys_business() -> None:
    data = stream([*EVENTS, EVENTS[0]]) + b"data: [DONE]\n\n"
    assert decoded(data) == decoded(stream(EVENTS))


MEMBERS = [
    "type", "item", "part", "delta", "response", "output", "content", "summary", "id", "text", "output_index", "error",
    "content_index", "summary_index", "role", "tools", "mode", "effort", "format", "schema",
    "annotations", "annotation", "logprobs", "usage", "arguments", "name", "status",
]  # fmt: skip
KINDS: list[Any] = [
    *sorted({event["type"] for event in EVENTS}),
    "error",
    "response.failed",
    "response.image_generation_call.partial_image",
    "response.output_text.annotation.added",
    "response.reasoning_text.done",
    "response.refusal.delta",
    "response.unheard_of",
    ["response.created"],
]
ITEM_KINDS = [
    "function_call",
    "custom_tool_call",
    "message",
    "reasoning",
    "image_generation_call",
    "unheard_of",
    3,
    [3],
]
values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=5),
    max_leaves=12,
)


@given(values, st.sampled_from(KINDS), st.sampled_from(ITEM_KINDS))
@settings(max_examples=300)
def test_no_event_of_any_form_makes_a_reader_fail(value: Any, kind: Any, item_kind: Any) -> None:
    event = {**(value if isinstance(value, dict) else {"item": value, "response": value}), "type": kind}
    if isinstance(event.get("item"), dict):
        event["item"]["type"] = item_kind
    data = stream([event])
    fold(decoded(data), "responses")
    ResponsesStreamReader().read(data)
    read_responses_body(orjson.dumps(event))
    CODEC.parse_answer({**event, "output": [event.get("item"), event.get("response")]})
    CODEC.parse_failure(500, {}, data)


@given(values, values, values, values)
@settings(max_examples=300)
def test_no_request_of_any_form_does_more_than_be_refused(one: Any, two: Any, three: Any, four: Any) -> None:
    members = {"tools": one, "tool_choice": two, "text": three, "reasoning": four, "instructions": two, "include": one}
    for asked in (one, [one, two], [{"role": "user", "content": [three]}], [{"role": "assistant", "content": two}]):
        for body in ({"model": "m", "input": asked}, {"model": "m", "input": asked, **members}):
            with suppress(InvalidRequest):
                CODEC.render_request(CODEC.parse_request(body))


def test_providers_that_tell_a_text_only_when_it_is_done_are_understood() -> None:
    events = [EVENTS[0], {"type": "response.output_item.done", "output_index": 0, "item": MESSAGE}, ended(MESSAGE)]
    assert folded(events).choices[0].parts == [Text("Füße — 日本")]
    assert folded([EVENTS[0], ended(MESSAGE, CALL)]).choices[0].parts == READ.choices[0].parts[2:]


def test_arguments_that_come_whole_with_their_call_are_told_once() -> None:
    events = [
        EVENTS[0],
        {"type": "response.output_item.added", "output_index": 0, "item": CALL},
        {"type": "response.function_call_arguments.done", "output_index": 0, "arguments": CALL["arguments"]},
        {"type": "response.output_item.done", "output_index": 0, "item": CALL},
        ended(CALL),
    ]
    assert folded(events).choices[0].parts == [READ.choices[0].parts[-1]]


def test_a_call_without_arguments_has_an_empty_object() -> None:
    item = {**CALL, "arguments": ""}
    events = [
        EVENTS[0],
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        ended(item),
    ]
    part = folded(events).choices[0].parts[0]
    assert isinstance(part, ToolCall)
    assert part.arguments == "{}"


def test_calls_that_interleave_are_kept_apart() -> None:
    other = {**CALL, "id": "fc_2", "call_id": "call_2", "arguments": '{"q": 2}'}
    kind = "response.function_call_arguments.delta"
    events = [
        EVENTS[0],
        {"type": "response.output_item.added", "output_index": 0, "item": {**CALL, "arguments": ""}},
        {"type": "response.output_item.added", "output_index": 1, "item": {**other, "arguments": ""}},
        {"type": kind, "output_index": 1, "delta": '{"q":'},
        {"type": kind, "output_index": 0, "delta": CALL["arguments"]},
        {"type": kind, "output_index": 1, "delta": " 2}"},
        ended(CALL, other),
    ]
    assert [part.arguments for part in folded(events).choices[0].parts if isinstance(part, ToolCall)] == [
        CALL["arguments"],
        '{"q": 2}',
    ]


def test_what_the_provider_ran_itself_is_never_dropped() -> None:
    search = {
        "type": "web_search_call",
        "id": "ws_1",
        "status": "completed",
        "action": {"type": "search", "query": "x"},
    }
    events = [
        EVENTS[0],
        {"type": "response.output_item.added", "output_index": 0, "item": {**search, "status": "in_progress"}},
        {"type": "response.web_search_call.searching", "output_index": 0, "item_id": "ws_1"},
        {"type": "response.output_item.done", "output_index": 0, "item": search},
        ended(search, usage=USAGE),
    ]
    found = decoded(stream(events))
    assert [event.native.raw for event in found if isinstance(event, NativeAdded)] == [search]
    assert next(event.usage.searches for event in found if isinstance(event, UsageReported)) == 1


def test_an_image_comes_in_growing_pieces_and_then_whole() -> None:
    image = {
        "type": "image_generation_call",
        "id": "ig_1",
        "status": "completed",
        "result": "QUJD",
        "output_format": "webp",
    }
    events = [
        EVENTS[0],
        {"type": "response.image_generation_call.partial_image", "output_index": 0, "partial_image_b64": "QQ=="},
        {"type": "response.output_item.done", "output_index": 0, "item": image},
        ended(image),
    ]
    (part,) = folded(events).choices[0].parts
    assert isinstance(part, Media)
    assert (part.data, part.media_type) == ("QUJD", "image/webp")


def test_a_refusal_is_one() -> None:
    item = {**MESSAGE, "content": [{"type": "refusal", "refusal": "I can't."}]}
    events = [
        EVENTS[0],
        {"type": "response.refusal.delta", "output_index": 0, "content_index": 0, "delta": "I can"},
        {"type": "response.refusal.done", "output_index": 0, "content_index": 0, "refusal": "I can't."},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        ended(item),
    ]
    choice = folded(events).choices[0]
    assert choice.parts == [Refusal("I can't.")]
    assert (choice.stop, choice.native_stop) == ("refusal", "completed")
    assert choice == CODEC.parse_answer(events[-1]["response"]).choices[0]


def test_an_answer_that_ran_out_of_tokens_is_not_complete() -> None:
    response = {**HEAD, "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "usage": USAGE}
    events = decoded(stream([EVENTS[0], {"type": "response.incomplete", "response": response}]))
    assert isinstance(events[-1], StreamEnded)
    answer = fold(events, "responses")
    assert isinstance(answer, Answer)
    assert (answer.choices[0].stop, answer.choices[0].native_stop) == ("length", "max_output_tokens")


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"type": "error", "code": "rate_limit_exceeded", "message": "Slow down.", "param": None}, "rate_limit"),
        ({"type": "error", "error": {"type": "insufficient_quota", "message": "Slow down."}}, "quota"),
        ({"type": "response.failed", "response": {**HEAD, "status": "failed", "usage": USAGE, "error":
            {"code": "context_length_exceeded", "message": "Slow down."}}}, "context_length"),
        ({"type": "response.failed", "response": {**HEAD, "error": {"code": "server_error", "message": "Slow down."}}},
         "server"),
    ],
)  # fmt: skip
def test_an_error_inside_of_a_stream_is_an_error(event: dict[str, Any], kind: str) -> None:
    data = stream([EVENTS[0], event])
    found = decoded(data)
    assert isinstance(found[-1], Failed)
    assert (found[-1].failure.kind, found[-1].failure.message) == (kind, "Slow down.")
    assert any(isinstance(one, UsageReported) for one in found) == ("usage" in orjson.dumps(event).decode())
    reader = ResponsesStreamReader()
    reader.read(data)
    assert reader.reading.error_code
    assert reader.reading.error_message == "Slow down."


@given(st.lists(st.integers(0, len(stream(EVENTS))), max_size=8))
@settings(max_examples=50)
def test_the_tap_reads_a_cut_stream_as_it_reads_the_whole_answer(cuts: list[int]) -> None:
    reader, cutter, data, start = ResponsesStreamReader(), FrameCutter(), stream(EVENTS), 0
    for cut in [*sorted(cuts), len(data)]:
        reader.read(cutter.feed(data[start:cut]))
        start = cut
    reading, body = reader.reading, read_responses_body(orjson.dumps(DONE))
    assert reading.is_complete
    for one in (reading, body):
        assert (one.usage, one.model, one.response_id) == (READ.usage, "gpt-5", "resp_1")
        assert one.stop_reason == "completed"
    assert (reading.digest(), reading.output_characters) == (body.digest(), body.output_characters)
    assert reading.digest()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, b'{"error": {"code": "insufficient_quota", "message": "m", "type": "insufficient_quota"}}', "quota"),
        (429, b'{"error": {"code": "rate_limit_exceeded", "message": "m"}}', "rate_limit"),
        (400, b'{"error": {"code": "context_length_exceeded", "message": "m"}}', "context_length"),
        (400, b'{"error": {"code": "invalid_value", "message": "m", "param": "input[0]"}}', "invalid_request"),
        (
            401,
            b'{"error": {"code": "invalid_api_key", "message": "m", "type": "invalid_request_error"}}',
            "authentication",
        ),
        (404, b'{"error": "no such model"}', "not_found"),
        (400, b'{"error": {"code": "model_not_found", "message": "m"}}', "not_found"),
        (502, b"<html>Bad gateway</html>", "unavailable"),
        (500, b"", "server"),
        (503, b"null", "overloaded"),
        (200, orjson.dumps({**HEAD, "status": "failed", "error": {"code": "server_error", "message": "m"}}), "server"),
    ],
)
def test_an_error_answer_is_read_whatever_its_body(status: int, body: bytes, kind: str) -> None:
    failure = CODEC.parse_failure(status, {"retry-after": "7"}, body)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.status, failure.retry_after_seconds) == (kind, status, 7.0)
    assert failure.message
    rendered_status, rendered = CODEC.render_failure(failure, "call")
    assert rendered_status >= 400
    assert rendered["error"]["message"] == failure.message
