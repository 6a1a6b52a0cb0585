"""cohere's chat of version 2, to a model of every dialect; and what else its library asks."""

import json
from collections.abc import Iterator
from typing import Any

import cohere
import pytest
from cohere.core.api_error import ApiError
from cohere.errors import BadRequestError, TooManyRequestsError, UnauthorizedError

from tests.integration.proxy.clients.gateway import (
    ANSWER,
    CALLED,
    CITY,
    KEY,
    MODELS,
    NOTHING,
    RESULT,
    THOUGHT,
    Gateway,
    every_provider,
)

TOOLS: Any = [
    {"type": "function", "function": {"name": "weather", "description": "Tells the weather.", "parameters": CITY}},
    {"type": "function", "function": {"name": "now", "parameters": NOTHING}},
]
ONCE: Any = {"max_retries": 0}

whole_and_streamed = pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])


@pytest.fixture
def client(gateway: Gateway) -> Iterator[cohere.ClientV2]:
    with cohere.ClientV2(KEY, base_url=gateway.url) as client:
        yield client


def said(text: str) -> list[Any]:
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": f"Weather? play: {text}"}]


def chat(client: cohere.ClientV2, is_stream: bool, **asked: Any) -> tuple[dict[str, Any], str, Any]:
    """The message, why it ended, and its usage."""
    if not is_stream:
        answer = client.chat(**asked, request_options=ONCE)
        return answer.message.dict(), answer.finish_reason, answer.usage
    message: dict[str, Any] = {"role": "assistant", "content": [], "tool_calls": []}
    end: Any = None
    for event in client.chat_stream(**asked, request_options=ONCE):
        delta: Any = getattr(event, "delta", None)
        if event.type == "content-start":
            message["content"].append(delta.message.content.dict())
        elif event.type == "content-delta":
            for name, text in delta.message.content.dict().items():
                message["content"][-1][name] = (message["content"][-1].get(name) or "") + (text or "")
        elif event.type == "tool-call-start":
            message["tool_calls"].append(delta.message.tool_calls.dict())
        elif event.type == "tool-call-delta":
            call = message["tool_calls"][event.index or 0]["function"]
            call["arguments"] = (call["arguments"] or "") + delta.message.tool_calls.function.arguments
        elif event.type == "message-end":
            end = delta
    return message, end.finish_reason, end.usage


def text_of(message: dict[str, Any]) -> str:
    return "".join(one.get("text") or "" for one in message["content"])


@every_provider
@whole_and_streamed
def test_a_text_comes_with_its_end_and_its_usage(
    client: cohere.ClientV2, gateway: Gateway, provider: str, is_stream: bool
) -> None:
    message, end, usage = chat(client, is_stream, model=MODELS[provider], messages=said("text"))

    assert gateway.asked.dialect == provider
    assert (text_of(message), end) == (ANSWER, "COMPLETE")
    counted = usage.billed_units if provider == "cohere" else usage.tokens
    assert (counted.input_tokens, counted.output_tokens) == (100, 20)
    ended = gateway.ended
    assert (ended["outcome"], ended["usage"]["output"]) == ("ok", 20)


@every_provider
@whole_and_streamed
def test_tools_are_called_and_their_results_answered(
    client: cohere.ClientV2, gateway: Gateway, provider: str, is_stream: bool
) -> None:
    asked: Any = {"model": MODELS[provider], "tools": TOOLS}
    message, end, _ = chat(client, is_stream, messages=said("tools"), **asked)
    calls = message["tool_calls"]
    called = [(one["function"]["name"], json.loads(one["function"]["arguments"] or "{}")) for one in calls]
    results = [{"role": "tool", "tool_call_id": one["id"], "content": RESULT} for one in calls]
    turns = [*said("tools"), {"role": "assistant", "tool_calls": calls}, *results]
    answer, _, _ = chat(client, False, messages=turns, **asked)

    assert (end, called) == ("TOOL_CALL", CALLED)
    assert text_of(answer) == ANSWER
    assert json.dumps(gateway.asked.body).count("12 degrees") == 2


@every_provider
@whole_and_streamed
def test_thinking_is_a_content_of_its_own(client: cohere.ClientV2, provider: str, is_stream: bool) -> None:
    thinking: Any = {"type": "enabled", "token_budget": 2000}
    message, _, _ = chat(client, is_stream, model=MODELS[provider], messages=said("thinking"), thinking=thinking)

    assert [one["type"] for one in message["content"]] == ["thinking", "text"]
    assert message["content"][0]["thinking"] == THOUGHT
    assert text_of(message) == ANSWER


@every_provider
def test_a_refusal_of_the_request_is_a_bad_request(client: cohere.ClientV2, gateway: Gateway, provider: str) -> None:
    with pytest.raises(BadRequestError, match="it is wrong"):
        client.chat(model=MODELS[provider], messages=said("invalid"), request_options=ONCE)

    assert gateway.ended["outcome"] == "error"


@every_provider
def test_a_rate_limit_is_an_error_of_its_class(client: cohere.ClientV2, provider: str) -> None:
    said_once = [*said("rate_limit"), {"role": "user", "content": "cohere"}]
    with pytest.raises(TooManyRequestsError) as refused:
        client.chat(model=MODELS[provider], messages=said_once, request_options=ONCE)

    assert {name.lower(): value for name, value in (refused.value.headers or {}).items()}["retry-after"] == "1"


@every_provider
def test_a_stream_that_is_cut_ends_with_an_error(client: cohere.ClientV2, gateway: Gateway, provider: str) -> None:
    _, end, _ = chat(client, True, model=MODELS[provider], messages=said("cut"))

    assert end == "ERROR"
    assert gateway.ended["outcome"] == "truncated"


def test_bytes_pass_to_cohere_with_its_key(client: cohere.ClientV2, gateway: Gateway) -> None:
    messages: Any = [{"role": "user", "content": "Weather? play: text"}]
    answer = client.chat(model="command-a-03-2025", messages=messages, documents=["It rains."], safety_mode="STRICT")

    asked = gateway.asked
    assert answer.usage is not None
    assert answer.usage.tokens is not None
    assert answer.usage.tokens.input_tokens == 171  # beside what is billed
    assert (asked.path, asked.headers["authorization"]) == ("/v1/chat", "Bearer sk-of-the-provider")
    assert (asked.body["documents"], asked.body["safety_mode"]) == (["It rains."], "STRICT")


def test_an_unknown_key_is_unauthorized(gateway: Gateway) -> None:
    with cohere.ClientV2("wrong-key", base_url=gateway.url) as client, pytest.raises(UnauthorizedError, match="key"):
        client.chat(model=MODELS["openai"], messages=said("text"), request_options=ONCE)


def test_an_unknown_model_is_not_found(client: cohere.ClientV2) -> None:
    with pytest.raises(ApiError, match="No provider here serves") as refused:
        client.chat(model="nobody-has-this", messages=said("text"), request_options=ONCE)

    assert refused.value.status_code == 404
