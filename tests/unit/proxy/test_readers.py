import msgspec
import orjson
import pytest

from proxy.dialects.anthropic.tap import AnthropicStreamReader, parse_anthropic_usage, read_anthropic_body
from proxy.dialects.openai.chunks import TokenCounts, parse_openai_usage
from proxy.dialects.openai.tap import OpenAIStreamReader, read_openai_body, without_usage
from proxy.dialects.reading import StreamReader
from proxy.records import Usage


def sse(*events: object, name: bool = False) -> bytes:
    out = b""
    for event in events:
        prefix = f"event: {event['type']}\n".encode() if name and isinstance(event, dict) else b""
        out += prefix + b"data: " + (event if isinstance(event, bytes) else orjson.dumps(event)) + b"\n\n"
    return out


def chunk(**delta: object) -> dict[str, object]:
    return {"id": "c1", "model": "m1", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {"prompt_tokens": 100, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 60}},
            Usage(input=40, cache_read=60, output=9),
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 50, "completion_tokens_details": {"reasoning_tokens": 40}},
            Usage(input=10, output=50, reasoning=40),
        ),
        (  # xAI counts reasoning beside the completion
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 35,
                "completion_tokens_details": {"reasoning_tokens": 20},
            },
            Usage(input=10, output=25, reasoning=20),
        ),
        ({"prompt_tokens": 30, "prompt_cache_hit_tokens": 20, "completion_tokens": 1}, Usage(10, 20, output=1)),
        ({"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 9}}, Usage(cache_read=5)),
        ({"prompt_tokens": None, "completion_tokens": "many", "prompt_tokens_details": None}, Usage()),
        (
            {"prompt_tokens": 9, "completion_tokens": 8, "prompt_tokens_details": {"audio_tokens": 4}},
            Usage(input=9, output=8, audio_input=4),
        ),
        ({}, Usage()),
    ],
)
def test_openai_usage_has_the_cached_part_taken_out(usage: object, expected: Usage) -> None:
    assert parse_openai_usage(msgspec.convert(usage, TokenCounts)) == expected


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {"input_tokens": 3, "cache_read_input_tokens": 50, "cache_creation_input_tokens": 20, "output_tokens": 7},
            Usage(input=3, cache_read=50, cache_write_5m=20, output=7),
        ),
        (
            {
                "input_tokens": 3,
                "cache_creation_input_tokens": 30,
                "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
                "output_tokens": 7,
            },
            Usage(input=3, cache_write_5m=10, cache_write_1h=20, output=7),
        ),
        ({"input_tokens": None, "output_tokens": 2, "cache_creation": None}, Usage(output=2)),
    ],
)
def test_anthropic_usage_keeps_the_two_prices_of_a_cache_write_apart(usage: dict[str, object], expected: Usage) -> None:
    assert parse_anthropic_usage(usage) == expected


def test_an_openai_stream_is_read_to_its_end() -> None:
    reader = OpenAIStreamReader()
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    assert not reader.read(sse(chunk(role="assistant", content=""), chunk(content="Hel"), chunk(content="lo")))
    assert reader.read(
        sse(
            {"id": "c1", "choices": [{"delta": {}, "finish_reason": "stop"}]},
            {"id": "c1", "choices": [], "usage": usage, "service_tier": "flex"},
        )
    )
    assert not reader.reading.is_complete
    reader.read(sse(b"[DONE]"))

    reading = reader.reading
    assert (reading.model, reading.response_id, reading.stop_reason) == ("m1", "c1", "stop")
    assert (reading.usage, reading.output_characters, reading.is_complete) == (Usage(input=3, output=2), 5, True)
    assert reading.service_tier == "flex"


def test_usage_in_the_chunk_that_says_why_it_stopped_is_read_and_stays() -> None:
    frame = sse({"id": "c", "choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1}})
    reader = OpenAIStreamReader()
    assert not reader.read(frame)
    assert reader.reading.usage == Usage(input=1)
    assert without_usage(frame, 1) == frame


def test_only_the_usage_chunk_is_taken_out_of_a_block() -> None:
    first = sse({"choices": [], "prompt_filter_results": []}, chunk(content="[]"))
    last = sse(b"[DONE]")
    usage = sse({"choices": [], "usage": {"prompt_tokens": 1}})
    assert without_usage(first + usage + last, 1) == first + last
    assert without_usage(usage.replace(b"\n", b"\r\n") + last, 1) == last


def test_groq_puts_usage_into_a_place_of_its_own() -> None:
    reader = OpenAIStreamReader()
    usage = {"prompt_tokens": 4, "completion_tokens": 2}
    reader.read(sse({"choices": [{"delta": {}, "finish_reason": "stop"}], "x_groq": {"usage": usage}}))
    assert reader.reading.usage == Usage(input=4, output=2)


def test_an_anthropic_delta_replaces_what_was_counted_before() -> None:
    reader = AnthropicStreamReader()
    start = {"id": "m1", "model": "claude", "usage": {"input_tokens": 9, "output_tokens": 1}}
    reader.read(
        sse(
            {"type": "message_start", "message": start},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
            {"type": "message_delta", "delta": {"stop_reason": None}, "usage": {"output_tokens": 7}},
            {"type": "message_stop"},
            name=True,
        )
    )
    reading = reader.reading
    assert reading.usage == Usage(input=9, output=7)
    assert (reading.stop_reason, reading.is_complete, reading.output_characters) == ("end_turn", True, 2)


@pytest.mark.parametrize(
    ("reader", "stream", "code"),
    [
        (
            OpenAIStreamReader(),
            sse({"error": {"message": "busy", "type": "server_error", "code": None}}),
            "server_error",
        ),
        (OpenAIStreamReader(), sse({"error": {"message": "busy", "code": "overloaded"}}), "overloaded"),
        (OpenAIStreamReader(), sse({"error": "busy"}), "error"),
        (
            AnthropicStreamReader(),
            sse({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}, name=True),
            "overloaded_error",
        ),
    ],
)
def test_an_error_inside_of_a_stream_is_seen(reader: StreamReader, stream: bytes, code: str) -> None:
    reader.read(stream)
    assert reader.reading.error_code == code
    assert not reader.reading.is_complete


@pytest.mark.parametrize("reader", [OpenAIStreamReader(), AnthropicStreamReader()])
def test_nonsense_is_passed_over(reader: StreamReader) -> None:
    block = sse(b"{", b"7", b"[1]", b'{"choices":7}', b'{"type":7,"delta":[]}', b'{"choices":[null]}', b"\xff")
    assert not reader.read(block)
    assert reader.reading.usage is None


def test_an_answer_has_the_same_digest_streamed_and_whole() -> None:
    whole = read_openai_body(
        orjson.dumps(
            {
                "choices": [
                    {
                        "message": {
                            "content": "Hello",
                            "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": '{"a": 1, "b": 2}'}}],
                        }
                    }
                ]
            }
        )
    )
    streamed = OpenAIStreamReader()
    call = {"index": 0, "id": "2", "function": {"name": "f", "arguments": ""}}
    streamed.read(
        sse(
            chunk(content="Hel"),
            chunk(content="lo"),
            chunk(tool_calls=[call]),
            chunk(tool_calls=[{"index": 0, "function": {"arguments": '{"b":2,'}}]),
            chunk(tool_calls=[{"index": 0, "function": {"arguments": '"a":1}'}}]),
        )
    )
    message = read_anthropic_body(
        orjson.dumps(
            {
                "content": [
                    {"type": "text", "text": "Hello"},
                    {"type": "tool_use", "id": "3", "name": "f", "input": {"b": 2, "a": 1}},
                ]
            }
        )
    )
    assert whole.digest() == streamed.reading.digest() == message.digest()
    assert len(whole.digest()) == 16


def test_another_answer_has_another_digest_and_none_has_none() -> None:
    def body(text: str) -> bytes:
        return orjson.dumps({"id": text, "choices": [{"message": {"content": text}}]})

    assert read_openai_body(body("a")).digest() != read_openai_body(body("b")).digest()
    assert read_openai_body(b'{"error":{"message":"x"}}').digest() == ""


def test_an_event_of_several_lines_between_plain_ones_is_read_as_well() -> None:
    reader = OpenAIStreamReader()
    lines = b'data: {"choices":[{"delta":\ndata: {"content":"b"}}]}\n\n'
    reader.read(sse(chunk(content="a")) + lines + b": ping\n\n" + sse(chunk(content="c"), b"[DONE]"))
    assert reader.reading.output_characters == 3
    assert reader.reading.is_complete


def test_every_frame_with_usage_alone_is_taken_out_when_there_are_several() -> None:
    usage = sse({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}})
    first, last = sse(chunk(content="a", tool_calls=[])), sse(b"[DONE]")
    block = usage + first + usage + last
    assert without_usage(block, OpenAIStreamReader().read(block)) == first + last
