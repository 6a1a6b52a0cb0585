"""LangChain and pydantic-ai: loops over the vendors' libraries, each to a model of every dialect."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import openai
import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from tests.integration.proxy.clients.gateway import ANSWER, CALLED, KEY, MODELS, RESULT, Gateway, every_provider


@tool
def weather(city: str) -> str:
    """Tells the weather."""
    return f"{city}: {RESULT}"


@tool
def now() -> str:
    """Tells the time."""
    return RESULT


@pytest.fixture(scope="module")
def langchain(gateway: Gateway) -> Iterator[Callable[[str, str], Any]]:
    """A model by form and name. LangChain shares connections between models, so they are closed at the end."""
    made: list[Any] = []

    def make(kind: str, model: str) -> Any:
        of_openai = {"stream_usage": True, "use_responses_api": kind == "responses"}
        address = gateway.url if kind == "anthropic" else f"{gateway.url}/v1"
        cls: Any = ChatAnthropic if kind == "anthropic" else ChatOpenAI
        more = {} if kind == "anthropic" else of_openai
        made.append(cls(model=model, base_url=address, api_key=KEY, max_retries=0, max_tokens=500, **more))
        return made[-1]

    yield make
    for one in made:
        (one._client if isinstance(one, ChatAnthropic) else one.root_client).close()


@asynccontextmanager
async def pydantic_model(gateway: Gateway, kind: str, model: str) -> AsyncIterator[Any]:
    if kind == "anthropic":
        async with anthropic.AsyncAnthropic(base_url=gateway.url, api_key=KEY) as of_anthropic:
            yield AnthropicModel(model, provider=AnthropicProvider(anthropic_client=of_anthropic))
        return
    form = OpenAIResponsesModel if kind == "responses" else OpenAIChatModel
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY) as of_openai:
        yield form(model, provider=OpenAIProvider(openai_client=of_openai))


every_form = pytest.mark.parametrize("kind", ["chat", "responses", "anthropic"])


@every_form
@every_provider
def test_langchain_calls_tools_and_streams_the_answer(
    langchain: Callable[[str, str], Any], gateway: Gateway, kind: str, provider: str
) -> None:
    model = langchain(kind, MODELS[provider]).bind_tools([weather, now])
    messages: list[Any] = [HumanMessage("Weather? play: tools")]
    messages.append(model.invoke(messages))
    tools = {"weather": weather, "now": now}
    called = [(call["name"], call["args"]) for call in messages[-1].tool_calls]
    messages.extend(
        ToolMessage(tools[call["name"]].invoke(call["args"]), tool_call_id=call["id"])
        for call in messages[-1].tool_calls
    )
    chunks = list(model.stream(messages))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk

    assert called == CALLED
    assert (whole.text, gateway.asked.dialect) == (ANSWER, provider)
    assert whole.usage_metadata["output_tokens"] == 20


@every_form
@every_provider
async def test_an_agent_of_pydantic_ai_runs_its_tools_and_answers(gateway: Gateway, kind: str, provider: str) -> None:
    agent, called = Agent(instructions="Be brief."), []

    @agent.tool_plain(name="weather")
    def tell_weather(city: str) -> str:
        called.append(("weather", {"city": city}))
        return RESULT

    @agent.tool_plain(name="now")
    def tell_time() -> str:
        called.append(("now", {}))
        return RESULT

    async with pydantic_model(gateway, kind, MODELS[provider]) as model:
        async with agent.run_stream("Weather? play: text", model=model) as streamed:
            text = await streamed.get_output()
        result = await agent.run("Weather? play: tools", model=model)

    assert (text, result.output) == (ANSWER, ANSWER)
    assert sorted(called) == sorted(CALLED)
    assert (result.usage.output_tokens, gateway.asked.dialect) == (40, provider)
