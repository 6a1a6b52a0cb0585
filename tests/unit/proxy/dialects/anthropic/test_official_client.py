"""What the encoder writes, as Anthropic's own Python client understands it. No socket: the transport is played."""

import anthropic
import httpx2
import orjson
import pytest

from proxy.canonical.events import (
    Event,
    Failed,
    MessageEnded,
    MessageStarted,
    StreamEnded,
    TextDelta,
    ThinkingDelta,
    ToolArgsDelta,
    ToolCallStarted,
    UsageReported,
)
from proxy.canonical.failure import Failure
from proxy.canonical.folding import fold
from proxy.dialects.anthropic.codec import CODEC
from proxy.dialects.codec import Opening
from proxy.records import Usage

EVENTS: list[Event] = [
    MessageStarted("chatcmpl-1", "gpt-5"),
    ThinkingDelta(0, "hm", made_by="openai"),
    TextDelta(1, "Let me "),
    TextDelta(1, "look."),
    ToolCallStarted(2, "call_1", "weather"),
    ToolCallStarted(3, "call_2", "time"),
    ToolArgsDelta(2, '{"city":'),
    ToolArgsDelta(2, ' "Bern"}'),
    MessageEnded("tool_calls", "tool_calls"),
    UsageReported(Usage(input=7, cache_read=3, output=9), {"prompt_tokens": 10}),
    StreamEnded(),
]
ASKED = {"model": "gpt-5", "max_tokens": 64, "messages": [{"role": "user", "content": "hi"}]}


def client_of(status: int, content_type: str, body: bytes) -> anthropic.Anthropic:
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(status, headers={"content-type": content_type}, content=body)
    )
    return anthropic.Anthropic(
        api_key="key", base_url="http://127.0.0.1", http_client=httpx2.Client(transport=transport), max_retries=0
    )


def encoded(*events: Event) -> bytes:
    encoder = CODEC.encoder(Opening("call_1", "gpt-5"))
    return b"".join(map(encoder.encode, events)) + encoder.close()


def check(message: anthropic.types.Message) -> None:
    thinking, text, weather, time = message.content
    assert (thinking.type, text.type, weather.type, time.type) == ("thinking", "text", "tool_use", "tool_use")
    assert text.text == "Let me look."  # type: ignore[union-attr] # the type was just compared
    assert (weather.name, weather.input) == ("weather", {"city": "Bern"})  # type: ignore[union-attr] # as above
    assert (time.id, time.input) == ("call_2", {})  # type: ignore[union-attr] # as above
    assert message.stop_reason == "tool_use"
    usage = message.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (7, 3, 9)


def test_a_translated_stream_is_a_message_of_the_official_client() -> None:
    with (
        client_of(200, "text/event-stream", encoded(*EVENTS)) as client,
        client.messages.stream(**ASKED) as stream,  # type: ignore[arg-type] # plain values
    ):
        check(stream.get_final_message())


def test_a_translated_answer_is_a_message_of_the_official_client() -> None:
    answer = fold(EVENTS, "openai")
    assert not isinstance(answer, Failure)
    body = orjson.dumps(CODEC.render_answer(answer, Opening("call_1", "gpt-5")))
    with client_of(200, "application/json", body) as client:
        check(client.messages.create(**ASKED))  # type: ignore[call-overload] # plain values


def test_a_failure_inside_a_stream_is_raised_by_the_official_client() -> None:
    broken = encoded(TextDelta(0, "a"), Failed(Failure("overloaded", "Too busy")))
    with (
        client_of(200, "text/event-stream", broken) as client,
        client.messages.stream(**ASKED) as stream,  # type: ignore[arg-type] # plain values
        pytest.raises(anthropic.APIStatusError, match="Too busy"),
    ):
        stream.get_final_message()


def test_a_failure_is_the_official_clients_own_error() -> None:
    status, body = CODEC.render_failure(Failure("rate_limit", "Slow down"), "call_1")
    with (
        client_of(status, "application/json", orjson.dumps(body)) as client,
        pytest.raises(anthropic.RateLimitError, match="Slow down"),
    ):
        client.messages.create(**ASKED)  # type: ignore[call-overload] # plain values
