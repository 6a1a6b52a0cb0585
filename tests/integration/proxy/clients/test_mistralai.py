"""mistralai, whose API is OpenAI's chat completions in its own words, to a model of every dialect."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from mistralai.client import Mistral, errors

from tests.integration.proxy.clients.gateway import (
    ANSWER,
    CALLED,
    CITY,
    KEY,
    MODELS,
    NOTHING,
    RESULT,
    Gateway,
    every_provider,
)

TOOLS: Any = [
    {"type": "function", "function": {"name": "weather", "description": "Tells the weather.", "parameters": CITY}},
    {"type": "function", "function": {"name": "now", "parameters": NOTHING}},
]


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[Mistral]:
    with Mistral(api_key=KEY, server_url=gateway.url) as client:
        yield client


def said(text: str) -> list[Any]:
    return [{"role": "user", "content": f"Weather? play: {text}"}]


@every_provider
def test_a_text_comes_whole_and_as_a_stream(client: Mistral, provider: str) -> None:
    answer = client.chat.complete(model=MODELS[provider], messages=said("text"), max_tokens=500)
    with client.chat.stream(model=MODELS[provider], messages=said("text"), max_tokens=500) as stream:
        chunks = [event.data for event in stream]

    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == (ANSWER, "stop")
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (100, 20)
    assert "".join(str(one.delta.content or "") for chunk in chunks for one in chunk.choices) == ANSWER


@every_provider
def test_tools_are_called_and_their_results_answered(client: Mistral, gateway: Gateway, provider: str) -> None:
    choice = client.chat.complete(model=MODELS[provider], messages=said("tools"), tools=TOOLS).choices[0]
    calls: list[Any] = choice.message.tool_calls or []
    results = [{"role": "tool", "tool_call_id": one.id, "name": one.function.name, "content": RESULT} for one in calls]
    answer = client.chat.complete(
        model=MODELS[provider], messages=[*said("tools"), choice.message, *results], tools=TOOLS
    )

    assert choice.finish_reason == "tool_calls"
    assert [(one.function.name, json.loads(one.function.arguments)) for one in calls] == CALLED
    assert answer.choices[0].message.content == ANSWER
    assert json.dumps(gateway.asked.body).count("12 degrees") == 2


@every_provider
def test_errors_are_of_the_librarys_class(client: Mistral, provider: str) -> None:
    with pytest.raises(errors.SDKError, match="it is wrong") as refused:
        client.chat.complete(model=MODELS[provider], messages=said("invalid"))

    assert refused.value.status_code == 400
