"""openai-agents, to a model of every dialect.

It holds websockets below 17, which the product needs above, so it cannot stand in the lock. These tests run where it
was put beside: `.venv/bin/uv pip install --no-deps openai-agents`.
"""

from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest

from tests.integration.proxy.clients.gateway import ANSWER, CALLED, KEY, MODELS, RESULT, Gateway, every_provider

agents = pytest.importorskip("agents", reason="openai-agents cannot stand in the lock, see the docstring")


@pytest.fixture
async def client(gateway: Gateway) -> AsyncIterator[openai.AsyncOpenAI]:
    agents.set_tracing_disabled(True)
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


@every_provider
@pytest.mark.parametrize("kind", ["chat", "responses"])
async def test_an_agent_runs_its_tools_and_answers(
    client: openai.AsyncOpenAI, gateway: Gateway, kind: str, provider: str
) -> None:
    called: list[tuple[str, Any]] = []

    @agents.function_tool(strict_mode=False)
    def weather(city: str) -> str:
        """Tells the weather."""
        called.append(("weather", {"city": city}))
        return RESULT

    @agents.function_tool(strict_mode=False)
    def now() -> str:
        """Tells the time."""
        called.append(("now", {}))
        return RESULT

    form = agents.OpenAIResponsesModel if kind == "responses" else agents.OpenAIChatCompletionsModel
    model = form(model=MODELS[provider], openai_client=client)
    agent = agents.Agent(name="clerk", instructions="Be brief.", model=model, tools=[weather, now])
    result = await agents.Runner.run(agent, "Weather? play: tools")
    streamed = agents.Runner.run_streamed(agent, "Weather? play: tools")
    events = [event.type async for event in streamed.stream_events()]

    assert (result.final_output, streamed.final_output) == (ANSWER, ANSWER)
    assert sorted(called) == sorted([*CALLED, *CALLED])
    assert "raw_response_event" in events
    assert gateway.asked.dialect == provider
