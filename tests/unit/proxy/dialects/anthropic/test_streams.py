"""The stream in both directions, frame by frame."""

import json
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from proxy.canonical.folding import fold, unfold
from proxy.canonical.parts import Citation, Media, Native, Part, Text, Thinking, ToolCall
from proxy.canonical.request import Loss
from proxy.dialects.anthropic.codec import CODEC
from proxy.dialects.codec import Opening
from proxy.records import Usage
from tests.unit.proxy.dialects.streams import decode_with

Json = dict[str, Any]


def sse(*events: Json) -> bytes:
    return b"".join(
        f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode() for event in events
    )


def block(index: int, content_block: Json, *deltas: Json) -> list[Json]:
    return [
        {"type": "content_block_start", "index": index, "content_block": content_block},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


START = {
    "type": "message_start",
    "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-6", "content": [],
        "stop_reason": None, "stop_sequence": None,
        "usage": {
            "input_tokens": 10, "cache_creation_input_tokens": 7, "cache_read_input_tokens": 5, "output_tokens": 1,
            "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4},
        },
    },
}  # fmt: skip
END = [
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {"output_tokens": 42, "server_tool_use": {"web_search_requests": 2}},
    },
    {"type": "message_stop"},
]
STREAM = sse(
    START,
    {"type": "ping"},
    *block(
        0,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": "Grüße 🙂"},
        {"type": "signature_delta", "signature": "c2ln"},
    ),
    *block(1, {"type": "redacted_thinking", "data": "b3Bh"}),
    *block(
        2,
        {"type": "text", "text": "", "citations": []},
        {"type": "text_delta", "text": "日本"},
        {"type": "citations_delta", "citation": {"type": "page_location", "cited_text": "x", "document_title": "T"}},
    ),
    *block(
        3,
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
        {"type": "input_json_delta", "partial_json": ""},
        {"type": "input_json_delta", "partial_json": '{"query": "a'},
        {"type": "input_json_delta", "partial_json": '"}'},
    ),
    *block(4, {"type": "compaction", "content": None}, {"type": "compaction_delta", "content": "sum"}),
    *block(
        5,
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}},
        {"type": "input_json_delta", "partial_json": ""},
    ),
    *block(
        6,
        {"type": "tool_use", "id": "toolu_2", "name": "g", "input": {}},
        {"type": "input_json_delta", "partial_json": '{"a":1}'},
    ),
    *block(7, {"type": "new_block", "text": "a"}, {"type": "new_delta", "text": "b", "more": 1}),
    {"type": "new_event", "index": 0},
    *END,
)
PARTS: list[Part] = [
    Thinking("Grüße 🙂", "c2ln", made_by="anthropic"),
    Thinking(redacted="b3Bh", made_by="anthropic"),
    Text(
        "日本",
        [
            Citation(
                "anthropic", {"type": "page_location", "cited_text": "x", "document_title": "T"}, title="T", text="x"
            )
        ],
    ),
    Native("anthropic", {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "a"}}),
    Native("anthropic", {"type": "compaction", "content": "sum"}),
    ToolCall("toolu_1", "f", "{}"),
    ToolCall("toolu_2", "g", '{"a":1}'),
    Native("anthropic", {"type": "new_block", "text": "ab", "more": 1}),
]


decode = partial(decode_with, CODEC)


def folded(events: list[Event]) -> Answer:
    answer = fold(events, "anthropic")
    assert isinstance(answer, Answer)
    return answer


def encode(*events: Event, opening: Opening | None = None) -> bytes:
    encoder = CODEC.encoder(opening or Opening("call_1", "asked-for"))
    return b"".join(map(encoder.encode, events)) + encoder.close()


def data_of(stream: bytes) -> list[Json]:
    frames = [frame.split("\n") for frame in stream.decode().split("\n\n")[:-1]]
    assert all(name == f"event: {json.loads(data[6:])['type']}" for name, data in frames)
    return [json.loads(data[6:]) for _, data in frames]


def test_every_kind_of_block_is_read() -> None:
    answer = folded(decode(STREAM))
    assert answer.choices == [Choice(PARTS, "tool_calls", "tool_use")]
    assert answer.usage == Usage(input=10, cache_read=5, cache_write_5m=3, cache_write_1h=4, output=42, searches=2)
    assert (answer.id, answer.model) == ("msg_1", "claude-opus-4-6")


WHOLE = decode(STREAM)


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=12), ends=st.sampled_from([b"\n", b"\r\n", b"\r"]))
@settings(max_examples=80, deadline=None)
def test_any_cut_and_any_line_end_give_the_same_events(cuts: list[int], ends: bytes) -> None:
    assert decode(STREAM.replace(b"\n", ends), cuts) == WHOLE


@given(at=st.lists(st.integers(0, STREAM.count(b"\n\n") - 1), max_size=5))
@settings(max_examples=20, deadline=None)
def test_comments_between_frames_change_nothing(at: list[int]) -> None:
    frames = STREAM.split(b"\n\n")
    for position in at:
        frames[position] = b": keep-alive\n\n" + frames[position]
    assert decode(b"\n\n".join(frames)) == WHOLE


def test_a_stream_whose_last_empty_line_is_missing_is_whole() -> None:
    assert decode(STREAM.removesuffix(b"\n\n")) == WHOLE


@pytest.mark.parametrize("frames", [0, 1, 5, -2])
def test_a_stream_that_ends_early_is_truncated_and_never_a_clean_end(frames: int) -> None:
    cut = b"\n\n".join(STREAM.split(b"\n\n")[: frames or None][:-1]) + b"\n\n" if frames else b""
    last = decode(cut)[-1]
    assert isinstance(last, Failed)
    assert last.failure.kind == "truncated"


def test_an_error_inside_a_stream_that_began_well_ends_it() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    events = decode(sse(START, error, *END))
    assert events[-1] == Failed(Failure("overloaded", "Overloaded", 0, "overloaded_error", raw=error))


def test_an_error_that_comes_as_plain_json_is_one_too() -> None:
    error = b'{"type":"error","error":{"type":"rate_limit_error","message":"Slow down"}}'
    (failed,) = decode(error)
    assert isinstance(failed, Failed)
    assert failed.failure.kind == "rate_limit"


@given(st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_no_bytes_make_the_decoder_raise(data: bytes) -> None:
    assert isinstance(decode(b"data: " + data + b"\n\n")[-1], Failed | StreamEnded)


NAMES = ["type", "index", "delta", "content_block", "message", "usage", "text", "content", "error", "citation", "input"]
TYPES = ["content_block_start", "content_block_delta", "content_block_stop", "message_start", "message_delta", "error"]
KINDS = ["text", "tool_use", "thinking", "server_tool_use", "text_delta", "input_json_delta", "citations_delta"]
scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from([*TYPES, *KINDS])
events = st.dictionaries(
    st.sampled_from(NAMES),
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
        max_leaves=12,
    ),
).flatmap(lambda event: st.sampled_from(TYPES).map(lambda kind: event | {"type": kind}))


@given(st.lists(events | scalars, max_size=4))
@settings(max_examples=200, deadline=None)
def test_no_json_makes_the_decoder_raise(values: list[Any]) -> None:
    decode(b"".join(b"data: " + json.dumps(value).encode() + b"\n\n" for value in values))


def test_what_was_read_is_written_so_that_it_reads_the_same() -> None:
    written = encode(*WHOLE)
    assert folded(decode(written)) == folded(WHOLE)
    assert data_of(written)[0]["message"]["usage"] == START["message"]["usage"]  # type: ignore[index]


def test_whole_answers_are_read_and_written_back() -> None:
    answer = folded(WHOLE)
    body = CODEC.render_answer(answer, Opening("x", "y"))
    assert CODEC.parse_answer(body) == answer
    assert folded(list(unfold(answer))) == answer


def test_a_foreign_stream_is_told_in_anthropics_order_with_the_usage_at_its_end() -> None:
    frames = data_of(
        encode(
            MessageStarted(),
            MessageStarted("chatcmpl-9", "gpt-5"),
            ThinkingDelta(0, "hm", made_by="openai"),
            TextDelta(1, "Hel"),
            TextDelta(1, "lo"),
            MessageEnded("stop", "stop"),
            UsageReported(Usage(input=3, cache_read=2, output=4, reasoning=1), {"prompt_tokens": 5}),
            StreamEnded(),
        )
    )
    assert [frame["type"] for frame in frames] == [
        "message_start",
        *["content_block_start", "content_block_delta", "content_block_stop"],
        *["content_block_start", "content_block_delta", "content_block_delta", "content_block_stop"],
        *["message_delta", "message_stop"],
    ]
    assert frames[0]["message"]["id"] == "msg_chatcmpl-9"
    assert frames[0]["message"]["usage"]["input_tokens"] == 0
    assert frames[1]["content_block"] == {"type": "thinking", "thinking": "", "signature": ""}
    assert frames[-2]["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert frames[-2]["usage"] == {
        "input_tokens": 3, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 2, "output_tokens": 4,
        "output_tokens_details": {"thinking_tokens": 1},
    }  # fmt: skip


def test_parallel_calls_may_interleave_and_each_keeps_its_index() -> None:
    frames = data_of(
        encode(
            MessageStarted("a"),
            TextDelta(9, "x"),
            ToolCallStarted(1, "c1", "f"),
            ToolCallStarted(2, "c2", "g"),
            ToolArgsDelta(1, '{"a"'),
            ToolArgsDelta(2, ""),
            ToolArgsDelta(2, "{}"),
            ToolArgsDelta(1, ":1}"),
            MessageEnded("tool_calls", "tool_calls"),
            StreamEnded(),
        )
    )
    deltas = [
        (frame["index"], frame["delta"]["partial_json"]) for frame in frames if "partial_json" in frame.get("delta", {})
    ]
    assert deltas == [(1, '{"a"'), (2, "{}"), (1, ":1}")]
    assert sorted(frame["index"] for frame in frames if frame["type"] == "content_block_stop") == [0, 1, 2]
    assert frames[-2]["delta"]["stop_reason"] == "tool_use"


def test_text_that_speaks_again_after_another_part_gets_a_new_block() -> None:
    frames = data_of(
        encode(TextDelta(0, "a"), ThinkingDelta(1, "b"), TextDelta(0, "c"), MessageEnded("stop"), StreamEnded())
    )
    starts = [
        (frame["index"], frame["content_block"]["type"]) for frame in frames if frame["type"] == "content_block_start"
    ]
    assert starts == [(0, "text"), (1, "thinking"), (2, "text")]


def test_signatures_of_others_never_reach_a_client_of_anthropics_dialect() -> None:
    written = encode(
        ThinkingDelta(0, "", "Z2VtaW5p", made_by="gemini"), ThinkingDelta(1, "", redacted="eA==", made_by="bedrock"),
        MessageEnded("stop"), StreamEnded(),
    )  # fmt: skip
    assert b"content_block_start" not in written


def test_a_foreign_citation_with_an_address_is_a_search_result_and_does_not_come_back_as_anthropics() -> None:
    citation = Citation("openai", {"type": "url_citation"}, "https://example.org", "Example", "cited")
    events = [TextDelta(0, "a"), CitationAdded(0, citation), MessageEnded("stop"), StreamEnded()]
    (delta,) = [
        frame["delta"] for frame in data_of(encode(*events)) if frame.get("delta", {}).get("type") == "citations_delta"
    ]
    assert delta["citation"] == {
        "type": "web_search_result_location", "url": "https://example.org", "title": "Example", "cited_text": "cited",
        "encrypted_index": "",
    }  # fmt: skip
    echoed = {"type": "text", "text": "a", "citations": [delta["citation"]]}
    request = CODEC.parse_request({"model": "claude-opus-5", "messages": [{"role": "assistant", "content": [echoed]}]})
    assert CODEC.render_request(request).body["messages"][0]["content"] == "a"


def test_what_has_no_place_in_the_answer_is_told_once() -> None:
    opening = Opening("call_1", "m")
    encode(
        MediaAdded(0, Media("image", data="x")),
        NativeAdded(1, Native("responses", {"type": "web_search_call"})),
        LogprobsAdded([1]),
        TextDelta(2, "other", choice=1),
        TextDelta(2, "other", choice=1),
        StreamEnded(),
        opening=opening,
    )
    assert [loss.name for loss in opening.losses] == ["image", "web_search_call", "logprobs", "n"]
    assert all(isinstance(loss, Loss) for loss in opening.losses)


def test_a_refusal_is_text_and_a_failed_answer_says_so() -> None:
    frames = data_of(encode(RefusalDelta(0, "No."), MessageEnded("error", "MALFORMED_FUNCTION_CALL"), StreamEnded()))
    assert frames[2]["delta"] == {"type": "text_delta", "text": "No."}
    assert frames[-2]["delta"]["stop_reason"] == "refusal"
    assert "MALFORMED_FUNCTION_CALL" in frames[-2]["delta"]["stop_details"]["explanation"]


def test_free_text_of_a_custom_tool_becomes_json() -> None:
    written = encode(
        ToolCallStarted(0, "c", "patch", kind="custom"), ToolArgsDelta(0, 'a "b"'), ToolArgsDelta(0, "\n"),
        PartEnded(0), MessageEnded("tool_calls"), StreamEnded(),
    )  # fmt: skip
    (choice,) = folded(decode(written)).choices
    assert choice.parts == [ToolCall("c", "patch", '{"input":"a \\"b\\"\\n"}')]


def test_a_failure_in_the_middle_is_an_error_event_and_the_end() -> None:
    frames = data_of(encode(TextDelta(0, "a"), Failed(Failure("overloaded", "Too busy")), TextDelta(0, "b")))
    assert frames[-1] == {
        "type": "error", "error": {"type": "overloaded_error", "message": "Too busy"}, "request_id": "call_1",
    }  # fmt: skip
    assert not any(frame["type"] == "message_stop" for frame in frames)


def test_an_encoder_that_hears_no_end_ends_with_an_error() -> None:
    assert data_of(encode(TextDelta(0, "a")))[-1]["type"] == "error"


objects = st.dictionaries(st.text(max_size=8), st.integers(-9, 9), max_size=3)
arguments = objects.map(lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False))
words = st.text(min_size=1, max_size=8)
parts = st.one_of(
    st.builds(Text, words),
    st.builds(Thinking, words, words, made_by=st.just("anthropic")),
    st.builds(ToolCall, words, words, arguments),
)  # fmt: skip
answers = st.builds(
    lambda inside, stop: Answer(
        "anthropic", "msg_x", "m", choices=[Choice(inside, *stop)], usage=Usage(input=1, output=2)
    ),
    st.lists(parts, max_size=5),
    st.sampled_from(
        [("stop", "end_turn"), ("length", "max_tokens"), ("tool_calls", "tool_use"), ("refusal", "refusal")]
    ),
)


@given(answers)
@settings(max_examples=60, deadline=None)
def test_every_answer_survives_being_written_whole_or_as_a_stream(answer: Answer) -> None:
    whole = CODEC.parse_answer(CODEC.render_answer(answer, Opening("x", "y")))
    streamed = folded(decode(encode(*unfold(answer))))
    assert whole.choices == streamed.choices == answer.choices
    assert whole.usage == streamed.usage == answer.usage
