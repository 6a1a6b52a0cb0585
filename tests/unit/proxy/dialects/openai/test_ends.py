"""How a stream ends: well, with an error inside, or broken off."""

import json
from typing import Any

import pytest

from proxy.canonical.events import (
    Failed,
    MessageEnded,
    MessageStarted,
    StreamEnded,
    TextDelta,
    UsageReported,
)
from proxy.canonical.parts import Text
from proxy.dialects.openai.codec import CODEC
from proxy.records import Usage
from tests.unit.proxy.dialects.openai.playing import DONE, answer_of, decode, deltas, failure_of, frame, parts_of


def test_a_plain_stream_tells_text_usage_and_end_in_this_order() -> None:
    head = {"id": "chatcmpl-1", "created": 7, "model": "gpt", "object": "chat.completion.chunk"}
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
    stream = (
        frame({**head, "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
        + frame({**head, "choices": [{"index": 0, "delta": {"content": "Hel"}, "finish_reason": None}]})
        + frame({**head, "choices": [{"index": 0, "delta": {"content": "lo"}, "logprobs": None}]})
        + frame({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        + frame({**head, "choices": [], "usage": usage})
        + DONE
    )
    assert decode(stream) == [
        MessageStarted("chatcmpl-1", "gpt", 7),
        TextDelta(0, "Hel"),
        TextDelta(0, "lo"),
        UsageReported(Usage(input=9, output=2), usage),
        MessageEnded("stop", "stop"),
        StreamEnded(),
    ]


def test_a_call_that_ends_with_a_plain_stop_still_wants_its_result() -> None:
    call = {"index": 0, "id": "a", "function": {"name": "now", "arguments": "{}"}}
    choice = answer_of(deltas({"tool_calls": [call]}, finish="stop")).choices[0]
    assert (choice.stop, choice.native_stop) == ("tool_calls", "stop")


@pytest.mark.parametrize(
    ("chunk", "kind"),
    [
        ({"error": {"message": "Too many", "type": "tokens", "code": "rate_limit_exceeded"}}, "rate_limit"),
        ({"error": {"message": "No call", "type": "invalid_request_error", "status_code": 400}}, "invalid_request"),
        ({"error": {"code": 502, "message": "Provider down"}, "choices": [{"index": 0, "delta": {}}]}, "unavailable"),
        ({"choices": [{"index": 0, "delta": {}, "error": {"code": 429, "message": "Slow"}}]}, "rate_limit"),
        ({"object": "error", "message": "Bad", "type": "BadRequestError", "code": 400}, "invalid_request"),
        ({"error": "overloaded", "error_type": "overloaded"}, "overloaded"),
        ([{"error": {"code": 503, "message": "Busy", "status": "UNAVAILABLE"}}], "unavailable"),
        ({"detail": "Not enough memory"}, "server"),
    ],
)
def test_an_error_inside_a_good_answer_is_an_error_and_ends_it(chunk: Any, kind: str) -> None:
    begun = frame({"id": "c", "choices": [{"index": 0, "delta": {"content": "Hi"}}], "usage": {"prompt_tokens": 3}})
    events = decode(begun + frame(chunk) + frame({"choices": [{"index": 0, "delta": {"content": "more"}}]}) + DONE)
    failed = events[-1]
    assert isinstance(failed, Failed)
    assert failed.failure.kind == kind
    assert failed.failure.message
    assert UsageReported(Usage(input=3), {"prompt_tokens": 3}) in events  # what was used is still billed
    assert not any(isinstance(event, MessageEnded) for event in events)


def test_an_error_with_an_event_name_is_read_like_any_other() -> None:
    stream = frame({"choices": [{"index": 0, "delta": {"content": "x"}}]})
    stream += b'event: error\ndata: {"error":{"message":"no","code":"tool_use_failed"}}\n\n'
    assert failure_of(stream).code == "tool_use_failed"


def test_groqs_word_of_why_it_stopped_early_is_the_failure() -> None:
    last = {"choices": [{"index": 0, "delta": {"content": "Hi"}}], "x_groq": {"id": "r", "error": "over capacity"}}
    assert failure_of(frame(last) + DONE).message == "over capacity"


def test_a_stream_without_its_end_is_truncated() -> None:
    half = frame({"id": "c", "choices": [{"index": 0, "delta": {"content": "Hi"}}]})
    assert failure_of(half).kind == "truncated"
    assert failure_of(half + b'data: {"id":"c","choi').kind == "truncated"
    assert failure_of(b"").kind == "truncated"


def test_every_choice_that_has_its_reason_is_an_end_without_the_word() -> None:
    said = [{"index": 0, "delta": {"content": "Hi"}}, {"index": 1, "delta": {"content": "Ho"}}]
    begun = frame({"id": "c", "choices": said})
    first = frame({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    second = frame({"id": "c", "choices": [{"index": 1, "delta": {}, "finish_reason": "length"}]})
    assert failure_of(begun + first).kind == "truncated"
    assert [choice.stop for choice in answer_of(begun + first + second).choices] == ["stop", "length"]
    assert [choice.stop for choice in answer_of(begun + first + second.rstrip()).choices] == ["stop", "length"]


def test_a_chunk_that_is_no_json_is_a_failure_and_not_a_gap() -> None:
    assert failure_of(deltas({"content": "a"}, finish=None)[: -len(DONE)] + b"data: {oops\n\n" + DONE).kind == "server"


def test_half_of_a_character_does_not_end_a_stream() -> None:
    stream = b'data: {"choices":[{"index":0,"delta":{"content":"a\\ud83d"},"finish_reason":"stop"}]}\n\n' + DONE
    assert parts_of(stream) == [Text("a\ufffd")]


@pytest.mark.parametrize(
    ("body", "kind", "word"),
    [
        (b'{"error":{"message":"No","code":"model_not_found"}}', "not_found", "No"),
        (b"<html><head><title>502 Bad Gateway</title></head></html>", "server", "502 Bad Gateway"),
        (b"null", "truncated", "broke off"),
        (b"upstream connect error", "truncated", "broke off"),
    ],
)
def test_what_comes_in_the_place_of_a_stream_is_a_failure(body: bytes, kind: str, word: str) -> None:
    failure = failure_of(body)
    assert failure.kind == kind
    assert word in failure.message


def test_a_whole_answer_in_the_place_of_a_stream_is_read() -> None:
    message = {"role": "assistant", "content": "Hi"}
    body = json.dumps({"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}, indent=1)
    assert parts_of(body.encode()) == [Text("Hi")]


@pytest.mark.parametrize(
    ("word", "native", "stop"),
    [
        ("length", None, "length"),
        ("content_filter", None, "content_filter"),
        ("eos", None, "stop"),
        ("model_length", None, "context_window"),
        ("error", None, "error"),
        ("insufficient_system_resource", None, "error"),
        ("stop", "end_turn", "stop"),
        ("stop", "stop_sequence", "stop_sequence"),
        ("length", "MAX_TOKENS", "length"),
        ("content_filter", "refusal", "refusal"),
        ("never heard", None, "stop"),
    ],
)
def test_every_word_for_the_end_is_known_and_kept(word: str, native: str | None, stop: str) -> None:
    choice = {"index": 0, "delta": {"content": "x"}, "finish_reason": word, "native_finish_reason": native}
    found = answer_of(frame({"choices": [choice]}) + DONE).choices[0]
    assert (found.stop, found.native_stop) == (stop, native or word)


def test_an_end_without_a_reason_is_one_all_the_same() -> None:
    assert answer_of(deltas({"content": "x"}, finish="")).choices[0].stop == "stop"
    assert answer_of(DONE).choices[0].parts == []


def test_nothing_follows_the_end() -> None:
    decoder = CODEC.decoder()
    assert isinstance(list(decoder.feed(deltas({"content": "x"})))[-1], StreamEnded)
    assert list(decoder.feed(deltas({"content": "y"}))) == []
    assert list(decoder.close()) == []
