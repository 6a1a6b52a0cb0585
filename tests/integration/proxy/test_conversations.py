"""What a client's dialect, or its provider, does not keep, and the gateway does."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import orjson
import pytest

from proxy.ports import Policy
from tests.integration.proxy.fake_provider import (
    answering,
    anthropic_body,
    anthropic_frames,
    streaming,
    whole,
)
from tests.integration.proxy.running import proxied
from tests.integration.proxy.translating import (
    CLAUDE,
    GPT,
    PARAMETERS,
    SAID,
    only,
    openai_client,
)


async def test_a_conversation_of_responses_goes_on_with_a_provider_that_keeps_nothing(tmp_path: Path) -> None:
    async with (
        proxied(tmp_path, answering(whole(anthropic_body("I am Claude."))), change=only("anthropic", "anthropic")) as (
            provider,
            proxy,
        ),
        openai_client(proxy) as client,
    ):
        first = await client.responses.create(model=CLAUDE, input="Who are you?")
        provider.script = streaming(anthropic_frames())
        stream = await client.responses.create(
            model=CLAUDE, input="Say hello", previous_response_id=first.id, stream=True
        )
        (second,) = [one.response async for one in stream if one.type == "response.completed"]
        found = await client.responses.retrieve(second.id)
        items = [one async for one in client.responses.input_items.list(second.id, order="asc")]
        await client.responses.delete(first.id)
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(first.id)
        with pytest.raises(openai.BadRequestError, match="not found"):
            await client.responses.create(model=CLAUDE, input="And?", previous_response_id="resp_of_nobody")
        unkept = await client.responses.create(model=CLAUDE, input="Psst", store=False)
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(unkept.id)

    turns = orjson.loads(provider.asked[1].body)["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert (found.output_text, found.previous_response_id) == ("Hello", first.id)
    assert len(items) == 3
    assert len(provider.asked) == 3
    assert len(proxy.sink.of("call_ended")) == 4, "to read what is kept is no call"


async def test_a_conversation_takes_its_history_along_to_openai_itself(tmp_path: Path) -> None:
    def both(policy: Policy) -> Policy:
        openai_too = replace(policy.providers[0], speaks=("responses",), models=("gpt-*",))
        return replace(policy, providers=(openai_too, policy.providers[1]))

    answer = {"id": "resp_x", "object": "response", "model": GPT, "status": "completed", "output": []}
    async with (
        proxied(tmp_path, answering(whole(anthropic_body("I am Claude."))), change=both) as (provider, proxy),
        openai_client(proxy) as client,
    ):
        first = await client.responses.create(model=CLAUDE, input="Who are you?")
        provider.script = answering(whole(orjson.dumps(answer)))
        await client.responses.create(model=GPT, input="Say hello", previous_response_id=first.id)
        await client.responses.create(model=GPT, input="Say hello", previous_response_id="resp_x")

    sent = orjson.loads(provider.asked[1].body)
    assert "previous_response_id" not in sent
    assert [item.get("role") for item in sent["input"]] == ["user", "assistant", "user"]
    assert orjson.loads(provider.asked[2].body)["previous_response_id"] == "resp_x"


async def test_what_claude_signed_comes_back_to_it_though_openais_library_has_no_place_for_it(tmp_path: Path) -> None:
    message = orjson.loads(anthropic_body(""))
    thought = {"type": "thinking", "thinking": "Oslo it is.", "signature": "c2lnbmVk"}
    call = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}}
    message.update(content=[thought, call], stop_reason="tool_use")
    tools: Any = [{"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}]
    async with (
        proxied(tmp_path, answering(whole(orjson.dumps(message))), change=only("anthropic", "anthropic")) as (
            provider,
            proxy,
        ),
        openai_client(proxy) as client,
    ):
        asked: Any = {"model": CLAUDE, "tools": tools, "reasoning_effort": "low"}
        answer = await client.chat.completions.create(messages=SAID, **asked)
        provider.script = answering(whole(anthropic_body("It rains.")))
        calls = [
            one.model_dump(include={"id", "type", "function"}) for one in answer.choices[0].message.tool_calls or ()
        ]
        result = {"role": "tool", "tool_call_id": "toolu_1", "content": "rain"}
        turns: Any = [*SAID, {"role": "assistant", "tool_calls": calls}, result]
        await client.chat.completions.create(messages=turns, **asked)

    assert orjson.loads(provider.asked[1].body)["messages"][1]["content"] == [thought, call]
