"""openai's chat completions, to a model of every dialect."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
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
    {"type": "function", "function": {"name": "weather", "description": "Tells the weather.", "parameters": CITY}},
    {"type": "function", "function": {"name": "now", "parameters": NOTHING}},
]


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
async def async_client(gateway: Gateway) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


def said(text: str) -> list[Any]:
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": f"Weather? play: {text}"}]


@every_provider
def test_a_text_comes_with_its_end_and_its_usage(client: openai.OpenAI, gateway: Gateway, provider: str) -> None:
    answer = client.chat.completions.create(model=MODELS[provider], messages=said("text"), max_completion_tokens=500)

    assert gateway.asked.dialect == provider
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == (ANSWER, "stop")
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (100, 20, 120)
    assert gateway.ended["outcome"] == "ok"


@every_provider
async def test_a_stream_says_the_same(async_client: openai.AsyncOpenAI, provider: str) -> None:
    options: Any = {"include_usage": True}
    async with async_client.chat.completions.stream(
        model=MODELS[provider], messages=said("text"), stream_options=options
    ) as stream:
        answer = await stream.get_final_completion()

    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == (ANSWER, "stop")
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (100, 20)


@every_provider
@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
def test_tools_are_called_and_their_results_answered(
    client: openai.OpenAI, gateway: Gateway, provider: str, is_stream: bool
) -> None:
    messages = said("tools")
    if is_stream:
        with client.chat.completions.stream(model=MODELS[provider], messages=messages, tools=TOOLS) as stream:
            choice: Any = stream.get_final_completion().choices[0]
    else:
        choice = client.chat.completions.create(model=MODELS[provider], messages=messages, tools=TOOLS).choices[0]
    calls = choice.message.tool_calls or []
    called = [(one.function.name, json.loads(one.function.arguments)) for one in calls]
    messages.append(choice.message.model_dump(include={"role", "content", "tool_calls"}, exclude_none=True))
    messages.extend({"role": "tool", "tool_call_id": one.id, "content": RESULT} for one in calls)
    answer = client.chat.completions.create(model=MODELS[provider], messages=messages, tools=TOOLS)

    assert (choice.finish_reason, called) == ("tool_calls", CALLED)
    assert answer.choices[0].message.content == ANSWER
    assert json.dumps(gateway.asked.body).count("12 degrees") == 2


@every_provider
def test_thinking_stands_beside_the_answer(client: openai.OpenAI, provider: str) -> None:
    answer = client.chat.completions.create(
        model=MODELS[provider], messages=said("thinking"), reasoning_effort="low"
    ).choices[0]

    assert answer.message.content == ANSWER
    assert answer.message.reasoning_content == THOUGHT  # type: ignore[attr-defined]


@every_provider
def test_a_refusal_of_the_request_is_a_bad_request(client: openai.OpenAI, provider: str) -> None:
    with pytest.raises(openai.BadRequestError, match="it is wrong"):
        client.chat.completions.create(model=MODELS[provider], messages=said("invalid"))


@pytest.mark.parametrize("provider", ["openai", "gemini"])  # said in a header, said in the body
def test_a_rate_limit_is_waited_for_as_long_as_the_provider_says(client: openai.OpenAI, provider: str) -> None:
    started = time.monotonic()
    patient = client.with_options(max_retries=1)
    answer = patient.chat.completions.create(model=MODELS[provider], messages=said("rate_limit"))

    assert answer.choices[0].message.content == ANSWER
    assert time.monotonic() - started >= 1.0


@every_provider
def test_a_rate_limit_that_stays_is_an_error_of_its_class(client: openai.OpenAI, provider: str) -> None:
    with pytest.raises(openai.RateLimitError) as refused:
        client.chat.completions.create(model=MODELS[provider], messages=said("rate_limit"), max_completion_tokens=77)

    assert refused.value.response.headers["retry-after"] == "1"


@every_provider
def test_a_stream_that_is_cut_raises(client: openai.OpenAI, gateway: Gateway, provider: str) -> None:
    with pytest.raises(openai.APIError):
        for _ in client.chat.completions.create(model=MODELS[provider], messages=said("cut"), stream=True):
            pass

    assert gateway.ended["outcome"] == "truncated"
