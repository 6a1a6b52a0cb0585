"""anthropic's messages, to a model of every dialect."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anthropic
import pytest

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
    {"name": "weather", "description": "Tells the weather.", "input_schema": CITY},
    {"name": "now", "input_schema": NOTHING},
]
SYSTEM: Any = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway.url, api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
async def async_client(gateway: Gateway) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=gateway.url, api_key=KEY, max_retries=0) as client:
        yield client


def said(text: str) -> list[Any]:
    return [{"role": "user", "content": f"Weather? play: {text}"}]


def text_of(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


@every_provider
def test_a_text_comes_with_its_end_and_its_usage(client: anthropic.Anthropic, gateway: Gateway, provider: str) -> None:
    message = client.messages.create(model=MODELS[provider], messages=said("text"), max_tokens=500, system=SYSTEM)

    usage = message.usage
    assert gateway.asked.dialect == provider
    assert (text_of(message), message.stop_reason, message.role) == (ANSWER, "end_turn", "assistant")
    assert (usage.input_tokens + (usage.cache_read_input_tokens or 0), usage.output_tokens) == (100, 20)
    assert gateway.ended["outcome"] == "ok"


@every_provider
async def test_a_stream_says_the_same(async_client: anthropic.AsyncAnthropic, provider: str) -> None:
    async with async_client.messages.stream(
        model=MODELS[provider], messages=said("text"), max_tokens=500, system=SYSTEM
    ) as stream:
        pieces = [piece async for piece in stream.text_stream]
        message = await stream.get_final_message()

    assert ("".join(pieces), text_of(message), message.stop_reason) == (ANSWER, ANSWER, "end_turn")
    assert len(pieces) == 3
    assert message.usage.output_tokens == 20


@every_provider
@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
def test_tools_are_called_and_their_results_answered(
    client: anthropic.Anthropic, gateway: Gateway, provider: str, is_stream: bool
) -> None:
    asked: Any = {"model": MODELS[provider], "max_tokens": 500, "tools": TOOLS}
    if is_stream:
        with client.messages.stream(messages=said("tools"), **asked) as stream:
            message: Any = stream.get_final_message()
    else:
        message = client.messages.create(messages=said("tools"), **asked)
    calls = [block for block in message.content if block.type == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": one.id, "content": RESULT} for one in calls]
    turns = [*said("tools"), {"role": "assistant", "content": message.content}, {"role": "user", "content": results}]
    answer = client.messages.create(messages=turns, **asked)

    assert (message.stop_reason, [(one.name, one.input) for one in calls]) == ("tool_use", CALLED)
    assert text_of(answer) == ANSWER
    assert json.dumps(gateway.asked.body).count("12 degrees") == 2


@every_provider
@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
def test_thinking_is_a_block_that_may_be_sent_back(
    client: anthropic.Anthropic, gateway: Gateway, provider: str, is_stream: bool
) -> None:
    asked: Any = {
        "model": MODELS[provider], "max_tokens": 5000, "thinking": {"type": "enabled", "budget_tokens": 2000}
    }  # fmt: skip
    if is_stream:
        with client.messages.stream(messages=said("thinking"), **asked) as stream:
            message: Any = stream.get_final_message()
    else:
        message = client.messages.create(messages=said("thinking"), **asked)
    more = [{"role": "assistant", "content": message.content}, *said("text")]
    answer = client.messages.create(messages=[*said("thinking"), *more], **asked)

    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.content[0].thinking == THOUGHT
    assert (text_of(message), text_of(answer)) == (ANSWER, ANSWER)
    # Nobody reads another's thoughts; Bedrock's Claude signs as Anthropic's does.
    assert (THOUGHT in json.dumps(gateway.asked.body)) == (provider in {"anthropic", "bedrock"})


@pytest.mark.parametrize("provider", [one for one in MODELS if one != "anthropic"])
def test_tokens_are_estimated_where_nobody_counts(client: anthropic.Anthropic, provider: str) -> None:
    counted = client.messages.with_raw_response.count_tokens(model=MODELS[provider], messages=said("text"), tools=TOOLS)

    assert counted.parse().input_tokens > 20
    assert counted.headers["x-pointsman-estimated"] == "true"


@every_provider
def test_a_refusal_of_the_request_is_a_bad_request(client: anthropic.Anthropic, provider: str) -> None:
    with pytest.raises(anthropic.BadRequestError, match="it is wrong"):
        client.messages.create(model=MODELS[provider], messages=said("invalid"), max_tokens=500)


@every_provider
def test_a_rate_limit_is_an_error_of_its_class_and_says_when_to_come_back(
    client: anthropic.Anthropic, provider: str
) -> None:
    with pytest.raises(anthropic.RateLimitError) as refused:
        client.messages.create(model=MODELS[provider], messages=said("rate_limit"), max_tokens=500)

    assert refused.value.response.headers["retry-after"] == "1"
    assert refused.value.body["error"]["type"] == "rate_limit_error"  # type: ignore[call-overload, index]


@every_provider
def test_a_stream_that_is_cut_raises(client: anthropic.Anthropic, gateway: Gateway, provider: str) -> None:
    with (
        pytest.raises(anthropic.APIError),
        client.messages.stream(model=MODELS[provider], messages=said("cut"), max_tokens=500) as stream,
    ):
        stream.get_final_message()

    assert gateway.ended["outcome"] == "truncated"


@every_provider
def test_a_whole_answer_that_is_cut_is_a_fault_of_the_provider(client: anthropic.Anthropic, provider: str) -> None:
    with pytest.raises((anthropic.InternalServerError, anthropic.APIConnectionError)):
        client.messages.create(model=MODELS[provider], messages=said("cut"), max_tokens=500)
