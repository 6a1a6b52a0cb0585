"""openai's responses, to a model of every dialect."""

import json
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
    {"type": "function", "name": "weather", "description": "Tells the weather.", "parameters": CITY, "strict": False},
    {"type": "function", "name": "now", "parameters": NOTHING, "strict": False},
]
INSTRUCTIONS = "Be brief."


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
async def async_client(gateway: Gateway) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


def said(text: str) -> str:
    return f"Weather? play: {text}"


@every_provider
def test_a_text_comes_with_its_end_and_its_usage(client: openai.OpenAI, gateway: Gateway, provider: str) -> None:
    answer = client.responses.create(model=MODELS[provider], input=said("text"), instructions=INSTRUCTIONS)

    assert gateway.asked.dialect == provider
    assert (answer.output_text, answer.status) == (ANSWER, "completed")
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (100, 20, 120)


@every_provider
async def test_a_stream_says_the_same_in_numbered_events(async_client: openai.AsyncOpenAI, provider: str) -> None:
    async with async_client.responses.stream(model=MODELS[provider], input=said("text")) as stream:
        events: list[Any] = [event async for event in stream]
        answer = await stream.get_final_response()

    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == ANSWER
    assert (answer.output_text, answer.status) == (ANSWER, "completed")
    assert answer.usage is not None
    assert answer.usage.output_tokens == 20


@every_provider
@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
def test_tools_are_called_and_their_results_answered(
    client: openai.OpenAI, gateway: Gateway, provider: str, is_stream: bool
) -> None:
    if is_stream:
        with client.responses.stream(model=MODELS[provider], input=said("tools"), tools=TOOLS) as stream:
            response: Any = stream.get_final_response()
    else:
        response = client.responses.create(model=MODELS[provider], input=said("tools"), tools=TOOLS)
    calls = [item for item in response.output if item.type == "function_call"]
    results: Any = [{"type": "function_call_output", "call_id": one.call_id, "output": RESULT} for one in calls]
    history: Any = [{"role": "user", "content": said("tools")}]
    items = [item.model_dump(exclude={"parsed_arguments"}, exclude_none=True) for item in response.output]
    answer = client.responses.create(model=MODELS[provider], input=[*history, *items, *results], tools=TOOLS)

    assert [(one.name, json.loads(one.arguments)) for one in calls] == CALLED
    assert answer.output_text == ANSWER
    assert json.dumps(gateway.asked.body).count("12 degrees") == 2


@pytest.mark.parametrize("provider", [one for one in MODELS if one != "responses"])
def test_a_conversation_goes_on_by_the_id_of_the_last_response(
    client: openai.OpenAI, gateway: Gateway, provider: str
) -> None:
    response = client.responses.create(model=MODELS[provider], input=said("tools"), tools=TOOLS)
    calls: list[Any] = [item for item in response.output if item.type == "function_call"]
    answer = client.responses.create(
        model=MODELS[provider],
        previous_response_id=response.id,
        input=[{"type": "function_call_output", "call_id": one.call_id, "output": RESULT} for one in calls],
        tools=TOOLS,
    )

    assert answer.output_text == ANSWER
    assert "play: tools" in json.dumps(gateway.asked.body)
    assert client.responses.retrieve(answer.id).output_text == ANSWER


@every_provider
@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
def test_thinking_is_a_summary_before_the_answer(client: openai.OpenAI, provider: str, is_stream: bool) -> None:
    asked: Any = {"model": MODELS[provider], "input": said("thinking"), "reasoning": {"summary": "auto"}}
    if is_stream:
        with client.responses.stream(**asked) as stream:
            answer: Any = stream.get_final_response()
    else:
        answer = client.responses.create(**asked)

    assert [item.type for item in answer.output] == ["reasoning", "message"]
    assert answer.output[0].summary[0].text == THOUGHT
    assert answer.output_text == ANSWER


@every_provider
def test_errors_are_of_the_librarys_classes(client: openai.OpenAI, provider: str) -> None:
    with pytest.raises(openai.BadRequestError, match="it is wrong"):
        client.responses.create(model=MODELS[provider], input=said("invalid"))
    with pytest.raises(openai.RateLimitError) as refused:
        client.responses.create(model=MODELS[provider], input=said("rate_limit"))

    assert refused.value.response.headers["retry-after"] == "1"


@every_provider
def test_a_stream_that_is_cut_is_never_completed(client: openai.OpenAI, gateway: Gateway, provider: str) -> None:
    kinds = []
    try:
        stream = client.responses.create(model=MODELS[provider], input=said("cut"), stream=True)
        kinds.extend(event.type for event in stream)
    except openai.APIError:
        kinds.append("error")

    assert kinds[-1] in {"error", "response.failed"}
    assert "response.completed" not in kinds
    assert gateway.ended["outcome"] == "truncated"
