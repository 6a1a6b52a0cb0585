"""google-genai, to a model of every dialect."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

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
    {
        "function_declarations": [
            {"name": "weather", "description": "Tells the weather.", "parameters_json_schema": CITY},
            {"name": "now", "description": "Tells the time.", "parameters_json_schema": NOTHING},
        ]
    }
]
BRIEF = types.GenerateContentConfig(system_instruction="Be brief.")
WITH_TOOLS = types.GenerateContentConfig(tools=TOOLS)


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[genai.Client]:
    with genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=gateway.url)) as client:
        yield client


def said(text: str) -> Any:
    return [types.Content(role="user", parts=[types.Part(text=f"Weather? play: {text}")])]


@every_provider
def test_a_text_comes_with_its_end_and_its_usage(client: genai.Client, gateway: Gateway, provider: str) -> None:
    answer = client.models.generate_content(model=MODELS[provider], contents=said("text"), config=BRIEF)

    assert gateway.asked.dialect == provider
    assert answer.text == ANSWER
    assert answer.candidates is not None
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP
    usage = answer.usage_metadata
    assert usage is not None
    assert (usage.prompt_token_count, usage.candidates_token_count, usage.total_token_count) == (100, 20, 120)


@every_provider
async def test_a_stream_says_the_same(gateway: Gateway, provider: str) -> None:
    asked: Any = {"model": MODELS[provider], "contents": said("text"), "config": BRIEF}
    async with genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=gateway.url)).aio as client:
        chunks = [chunk async for chunk in await client.models.generate_content_stream(**asked)]

    assert "".join(chunk.text or "" for chunk in chunks) == ANSWER
    usage = chunks[-1].usage_metadata
    assert usage is not None
    assert (usage.prompt_token_count, usage.candidates_token_count) == (100, 20)


@every_provider
@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
def test_tools_are_called_and_their_results_answered(
    client: genai.Client, gateway: Gateway, provider: str, is_stream: bool
) -> None:
    asked: Any = {"model": MODELS[provider], "contents": said("tools"), "config": WITH_TOOLS}
    models = client.models
    answers = list(models.generate_content_stream(**asked)) if is_stream else [models.generate_content(**asked)]
    parts = [
        part
        for one in answers
        for candidate in one.candidates or ()
        for part in (candidate.content and candidate.content.parts) or ()
    ]
    calls = [part.function_call for part in parts if part.function_call]
    results = [
        types.Part(function_response=types.FunctionResponse(id=one.id, name=one.name, response={"result": RESULT}))
        for one in calls
    ]
    turns = [*said("tools"), types.Content(role="model", parts=parts), types.Content(role="user", parts=results)]
    answer = models.generate_content(model=MODELS[provider], contents=turns, config=WITH_TOOLS)

    assert [(one.name, one.args or {}) for one in calls] == CALLED
    assert answer.text == ANSWER
    assert json.dumps(gateway.asked.body).count("12 degrees") == 2


@every_provider
def test_thinking_is_a_thought_beside_the_answer(client: genai.Client, provider: str) -> None:
    config = types.GenerateContentConfig(
        thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_budget=2000)
    )
    answer = client.models.generate_content(model=MODELS[provider], contents=said("thinking"), config=config)

    parts = answer.parts or []
    assert [(part.text, part.thought or False) for part in parts] == [(THOUGHT, True), (ANSWER, False)]
    assert answer.text == ANSWER


@every_provider
def test_errors_are_of_the_librarys_class(client: genai.Client, provider: str) -> None:
    with pytest.raises(errors.ClientError, match="it is wrong") as refused:
        client.models.generate_content(model=MODELS[provider], contents=said("invalid"))
    with pytest.raises(errors.ClientError) as limited:
        client.models.generate_content(model=MODELS[provider], contents=said("rate_limit"))

    assert (refused.value.code, refused.value.status) == (400, "INVALID_ARGUMENT")
    assert (limited.value.code, limited.value.status) == (429, "RESOURCE_EXHAUSTED")


@every_provider
def test_a_stream_that_is_cut_raises(client: genai.Client, gateway: Gateway, provider: str) -> None:
    with pytest.raises(errors.APIError):
        list(client.models.generate_content_stream(model=MODELS[provider], contents=said("cut")))

    assert gateway.ended["outcome"] == "truncated"
