"""The vendors' own libraries, each over a provider that speaks another dialect than theirs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from proxy.ports import Policy, Provider
from tests.integration.proxy.fake_provider import (
    answering,
    anthropic_body,
    anthropic_frames,
    openai_body,
    openai_frames,
    streaming,
    whole,
)
from tests.integration.proxy.running import PROVIDER_KEY, RUN_KEY, proxied
from tests.integration.proxy.translating import (
    CLAUDE,
    GPT,
    PARAMETERS,
    SAID,
    anthropic_client,
    only,
    openai_client,
    tool_frames,
)


async def test_openais_library_asks_claude_and_gets_an_answer_of_its_own_kind(tmp_path: Path) -> None:
    async with (
        proxied(tmp_path, answering(whole(anthropic_body("Grüße"))), change=only("anthropic", "anthropic")) as (
            provider,
            proxy,
        ),
        openai_client(proxy) as client,
    ):
        answer = await client.chat.completions.create(model=CLAUDE, messages=SAID, max_completion_tokens=9)

    (asked,) = provider.asked
    assert asked.line == "POST /v1/messages HTTP/1.1"
    assert (asked.headers["x-api-key"], asked.headers["anthropic-version"]) == (PROVIDER_KEY, "2023-06-01")
    assert not [name for name in asked.headers if name.startswith(("x-stainless", "openai-", "authorization"))]
    assert orjson.loads(asked.body)["max_tokens"] == 9
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("Grüße", "stop")
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (60, 7)
    ended = proxy.sink.ended
    assert (ended["outcome"], ended["stop_reason"]) == ("ok", "end_turn")
    assert ended["usage"] == {"input": 10, "cache_read": 50, "output": 7}
    assert (proxy.sink.started["dialect"], proxy.sink.started["asked_dialect"]) == ("openai", "anthropic")


async def test_openais_library_streams_claude_with_usage_only_if_it_asks(tmp_path: Path) -> None:
    async with (
        proxied(tmp_path, streaming(anthropic_frames()), change=only("anthropic", "anthropic")) as (_, proxy),
        openai_client(proxy) as client,
    ):
        plain = [one async for one in await client.chat.completions.create(model=CLAUDE, messages=SAID, stream=True)]
        counted = [
            one
            async for one in await client.chat.completions.create(
                model=CLAUDE, messages=SAID, stream=True, stream_options={"include_usage": True}
            )
        ]

    assert "".join(one.choices[0].delta.content or "" for one in plain) == "Hello"
    assert all(one.usage is None for one in plain)
    assert counted[-1].usage is not None
    assert (counted[-1].usage.completion_tokens, counted[-1].choices) == (7, [])
    first, second = proxy.sink.of("call_ended")
    assert first["usage"] == second["usage"] == {"input": 10, "cache_read": 50, "output": 7}
    assert first["cost_nano_usd"] > 0


async def test_tools_that_claude_calls_at_once_reach_openais_library_each_with_its_arguments(tmp_path: Path) -> None:
    tools: Any = [
        {"type": "function", "function": {"name": name, "parameters": PARAMETERS}} for name in ("weather", "now")
    ]
    async with (
        proxied(tmp_path, streaming(tool_frames()), change=only("anthropic", "anthropic")) as (provider, proxy),
        openai_client(proxy) as client,
    ):
        async with client.chat.completions.stream(model=CLAUDE, messages=SAID, tools=tools) as stream:
            choice = (await stream.get_final_completion()).choices[0]
        provider.script = answering(whole(anthropic_body("It rains.")))
        calls = [one.model_dump(include={"id", "type", "function"}) for one in choice.message.tool_calls or ()]
        turns = [
            *SAID,
            {"role": "assistant", "tool_calls": calls},
            *({"role": "tool", "tool_call_id": one["id"], "content": "rain"} for one in calls),
        ]
        await client.chat.completions.create(model=CLAUDE, messages=turns, tools=tools)

    assert choice.finish_reason == "tool_calls"
    called = [(one.id, one.function.name, one.function.arguments) for one in choice.message.tool_calls or ()]
    assert called == [("toolu_1", "weather", '{"city":"Oslo"}'), ("toolu_2", "now", "{}")]
    sent = orjson.loads(provider.asked[1].body)["messages"]
    assert [turn["role"] for turn in sent] == ["user", "assistant", "user"]
    assert [block["tool_use_id"] for block in sent[2]["content"]] == ["toolu_1", "toolu_2"]


async def test_anthropics_library_asks_gpt_and_gets_a_message(tmp_path: Path) -> None:
    async with (
        proxied(tmp_path, answering(whole(openai_body("Hej"))), change=only("openai", "openai")) as (provider, proxy),
        anthropic_client(proxy) as client,
    ):
        message = await client.messages.create(
            model=GPT, messages=SAID, max_tokens=99, system="Be brief.", extra_headers={"anthropic-beta": "x-2026"}
        )

    (asked,) = provider.asked
    assert asked.line == "POST /v1/chat/completions HTTP/1.1"
    assert asked.headers["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert not [name for name in asked.headers if name.startswith("anthropic")]
    assert [turn["role"] for turn in orjson.loads(asked.body)["messages"]] in (
        ["system", "user"],
        ["developer", "user"],
    )
    assert (message.content[0].type, getattr(message.content[0], "text", "")) == ("text", "Hej")
    assert (message.stop_reason, message.usage.input_tokens, message.usage.cache_read_input_tokens) == (
        "end_turn",
        60,
        40,
    )
    assert proxy.sink.ended["usage"] == {"input": 60, "cache_read": 40, "output": 20, "reasoning": 5}


async def test_anthropics_library_streams_gpt(tmp_path: Path) -> None:
    async with (
        proxied(tmp_path, streaming(openai_frames()), change=only("openai", "openai")) as (provider, proxy),
        anthropic_client(proxy) as client,
        client.messages.stream(model=GPT, messages=SAID, max_tokens=99) as stream,
    ):
        message = await stream.get_final_message()

    assert orjson.loads(provider.asked[0].body)["stream_options"] == {"include_usage": True}
    assert getattr(message.content[0], "text", "") == "Hello"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (100, 20)
    assert proxy.sink.ended["outcome"] == "ok"


async def test_openais_responses_are_answered_by_claude(tmp_path: Path) -> None:
    async with (
        proxied(tmp_path, answering(whole(anthropic_body())), change=only("anthropic", "anthropic")) as (
            provider,
            proxy,
        ),
        openai_client(proxy) as client,
    ):
        answer = await client.responses.create(model=CLAUDE, input="Say hello")
        provider.script = streaming(anthropic_frames())
        events = [one async for one in await client.responses.create(model=CLAUDE, input="Say hello", stream=True)]

    assert (answer.output_text, answer.status) == ("Hello", "completed")
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
    assert [one.sequence_number for one in events] == list(range(len(events)))
    assert [record["outcome"] for record in proxy.sink.of("call_ended")] == ["ok", "ok"]


async def test_googles_form_is_answered_by_gpt_whole_as_events_and_as_an_array(tmp_path: Path) -> None:
    body = orjson.dumps({"contents": [{"role": "user", "parts": [{"text": "Say hello"}]}]})
    path, auth = f"/v1beta/models/{GPT}", {"x-goog-api-key": RUN_KEY, "content-type": "application/json"}
    async with proxied(tmp_path, answering(whole(openai_body())), change=only("openai", "openai")) as (provider, proxy):
        answer = await proxy.ask(body, path=f"{path}:generateContent", headers=auth, key=None)
        provider.script = streaming(openai_frames())
        events = await proxy.ask(body, path=f"{path}:streamGenerateContent?alt=sse&key={RUN_KEY}", key=None)
        array = await proxy.ask(body, path=f"{path}:streamGenerateContent", headers=auth, key=None)
        count = await proxy.ask(body, path=f"{path}:countTokens", headers=auth, key=None)

    assert answer.json["candidates"][0]["content"]["parts"] == [{"text": "Hello"}]
    assert events.headers["content-type"].startswith("text/event-stream")
    chunks = [orjson.loads(line[6:]) for line in events.body.split(b"\n") if line.startswith(b"data: ")]
    for found in (chunks, array.json):
        parts = [part for chunk in found for one in chunk.get("candidates", ()) for part in one["content"]["parts"]]
        assert "".join(part.get("text", "") for part in parts) == "Hello"
    assert (count.json["totalTokens"] > 0, count.headers["x-pointsman-estimated"]) == (True, "true")
    assert len(provider.asked) == 3
    assert all(RUN_KEY.encode() not in asked.head for asked in provider.asked)


async def test_a_whole_answer_becomes_a_stream_and_a_stream_a_whole_answer_if_that_was_asked(tmp_path: Path) -> None:
    async with (
        proxied(tmp_path, answering(whole(anthropic_body())), change=only("anthropic", "anthropic")) as (
            provider,
            proxy,
        ),
        openai_client(proxy) as client,
    ):
        chunks = [one async for one in await client.chat.completions.create(model=CLAUDE, messages=SAID, stream=True)]
        provider.script = streaming(anthropic_frames())
        answer = await client.chat.completions.create(model=CLAUDE, messages=SAID)

    assert "".join(one.choices[0].delta.content or "" for one in chunks) == "Hello"
    assert answer.choices[0].message.content == "Hello"
    assert [record["usage"]["output"] for record in proxy.sink.of("call_ended")] == [7, 7]


async def test_anthropics_library_counts_tokens_where_nobody_counts_them(tmp_path: Path) -> None:
    async with (
        proxied(tmp_path, answering(b""), change=only("openai", "openai")) as (provider, proxy),
        anthropic_client(proxy) as client,
    ):
        raw = await client.messages.with_raw_response.count_tokens(model=GPT, messages=SAID, system="Be brief.")

    assert (await raw.parse()).input_tokens > 3
    assert raw.headers["x-pointsman-estimated"] == "true"
    assert provider.asked == []
    ended = proxy.sink.ended
    assert (ended["outcome"], ended.get("cost_nano_usd", 0), ended.get("usage", {})) == ("ok", 0, {})


async def test_anthropics_library_reaches_claude_on_vertex_with_its_own_bytes_but_for_the_model(tmp_path: Path) -> None:
    model = "claude-haiku-5-5"

    def vertex(policy: Policy) -> Policy:
        settings = {"project": "p", "location": "global"}
        one = Provider("vertex", "gemini", policy.providers[0].base_url, "token", settings=settings)
        return replace(policy, providers=(one,))

    async with (
        proxied(tmp_path, answering(whole(anthropic_body())), change=vertex) as (provider, proxy),
        anthropic_client(proxy) as client,
    ):
        raw = await client.messages.with_raw_response.create(model=model, messages=SAID, max_tokens=9)

    (asked,) = provider.asked
    path = f"/v1/projects/p/locations/global/publishers/anthropic/models/{model}:rawPredict"
    assert (asked.line, asked.headers["authorization"]) == (f"POST {path} HTTP/1.1", "Bearer token")
    assert orjson.loads(asked.body) == {"anthropic_version": "vertex-2023-10-16", "messages": SAID, "max_tokens": 9}
    assert await raw.read() == anthropic_body()
    assert proxy.sink.ended["usage"] == {"input": 10, "cache_read": 50, "output": 7}
