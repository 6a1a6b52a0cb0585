"""The vendors' own libraries, each over a provider that speaks another dialect than theirs."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import anthropic
import openai
import orjson
import pytest

from proxy.ports import Policy, Provider, UnsupportedPolicy
from tests.integration.proxy.fake_provider import (
    STREAM_HEAD,
    Asked,
    Wire,
    answering,
    anthropic_body,
    anthropic_frames,
    chunk,
    openai_body,
    openai_frames,
    streaming,
    whole,
)
from tests.integration.proxy.running import PROVIDER_KEY, RUN_KEY, Running, proxied

SAID: Any = [{"role": "user", "content": "Say hello"}]
CLAUDE, GPT, GEMINI = "claude-sonnet-4-5", "gpt-5-mini", "gemini-2.5-pro"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def openai_client(proxy: Running) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{proxy.url}/v1", api_key=RUN_KEY, max_retries=0)


def anthropic_client(proxy: Running) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=proxy.url, api_key=RUN_KEY, max_retries=0)


def only(name: str, dialect: Any, unsupported: UnsupportedPolicy = "warn") -> Callable[[Policy], Policy]:
    """A policy with one provider."""

    def change(policy: Policy) -> Policy:
        base_url = policy.providers[0].base_url
        one = Provider(name, dialect, base_url, PROVIDER_KEY, unsupported=unsupported)
        return replace(policy, providers=(one,))

    return change


async def listen(client: openai.AsyncOpenAI, said: list[str], is_said: asyncio.Event | None = None) -> None:
    """Puts down what a stream says as it comes; `is_said` when that is 'Hello'."""
    async for one in await client.chat.completions.create(model=CLAUDE, messages=SAID, stream=True):
        said.append(one.choices[0].delta.content or "")
        if is_said is not None and "".join(said) == "Hello":
            is_said.set()


def frame(kind: str, **rest: object) -> bytes:
    return f"event: {kind}\ndata: ".encode() + orjson.dumps({"type": kind, **rest}) + b"\n\n"


def tool_frames() -> list[bytes]:
    """Two tools called at once, their arguments interleaved, one without any."""
    head = orjson.loads(anthropic_body(""))
    head.update(content=[], stop_reason=None, usage={"input_tokens": 10, "output_tokens": 1})
    block = {"type": "tool_use", "input": {}}
    return [
        frame("message_start", message=head),
        frame("content_block_start", index=0, content_block={**block, "id": "toolu_1", "name": "weather"}),
        frame("content_block_start", index=1, content_block={**block, "id": "toolu_2", "name": "now"}),
        frame("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": '{"city":'}),
        frame("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": ""}),
        frame("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": '"Oslo"}'}),
        frame("content_block_stop", index=0),
        frame("content_block_stop", index=1),
        frame("message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None}, usage={"output_tokens": 7}),
        frame("message_stop"),
    ]


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


@pytest.mark.parametrize(
    ("status", "error", "raised", "kind"),
    [
        (
            "429 Too Many Requests",
            {"type": "rate_limit_error", "message": "slow down"},
            openai.RateLimitError,
            "slow down",
        ),
        (
            "529 Overloaded",
            {"type": "overloaded_error", "message": "Overloaded"},
            openai.InternalServerError,
            "Overloaded",
        ),
        (
            "401 Unauthorized",
            {"type": "authentication_error", "message": "no key"},
            openai.AuthenticationError,
            "no key",
        ),
        ("400 Bad Request", {"type": "invalid_request_error", "message": "bad"}, openai.BadRequestError, "bad"),
    ],
)
@pytest.mark.parametrize("is_stream", [False, True])
async def test_an_error_of_the_provider_is_one_of_the_clients_library(
    tmp_path: Path, status: str, error: dict[str, str], raised: type[openai.APIStatusError], kind: str, is_stream: bool
) -> None:
    script = answering(
        whole(
            orjson.dumps({"type": "error", "error": error}), status, "content-type: application/json\r\nretry-after: 7"
        )
    )
    async with (
        proxied(tmp_path, script, change=only("anthropic", "anthropic")) as (_, proxy),
        openai_client(proxy) as client,
    ):
        with pytest.raises(raised, match=kind) as caught:
            await client.chat.completions.create(model=CLAUDE, messages=SAID, stream=is_stream)

    assert caught.value.response.headers["retry-after"] == "7"
    assert (proxy.sink.ended["outcome"], proxy.sink.ended["upstream_status"]) == ("error", int(status[:3]))
    assert proxy.sink.ended["usage"] == {}


async def test_an_error_before_the_first_word_of_a_stream_has_a_status_of_its_own(tmp_path: Path) -> None:
    broken = [*anthropic_frames()[:1], frame("error", error={"type": "overloaded_error", "message": "Overloaded"})]
    async with (
        proxied(tmp_path, streaming(broken), change=only("anthropic", "anthropic")) as (_, proxy),
        openai_client(proxy) as client,
    ):
        with pytest.raises(openai.InternalServerError, match="Overloaded"):
            await client.chat.completions.create(model=CLAUDE, messages=SAID, stream=True)

    assert (proxy.sink.ended["outcome"], proxy.sink.ended["upstream_status"]) == ("error", 200)
    assert proxy.sink.ended["status"] >= 500


async def test_an_error_within_a_stream_is_an_error_and_no_end(tmp_path: Path) -> None:
    broken = [*anthropic_frames()[:4], frame("error", error={"type": "overloaded_error", "message": "Overloaded"})]
    async with (
        proxied(tmp_path, streaming(broken), change=only("anthropic", "anthropic")) as (_, proxy),
        openai_client(proxy) as client,
    ):
        said: list[str] = []
        with pytest.raises(openai.APIError, match="Overloaded"):
            await listen(client, said)

    assert "".join(said) == "Hel"
    assert (proxy.sink.ended["outcome"], proxy.sink.ended["error_code"]) == ("error", "overloaded_error")


@pytest.mark.parametrize("ending", ["without its last event", "in the middle of HTTP"])
async def test_a_stream_that_breaks_off_is_truncated_and_what_came_is_billed(tmp_path: Path, ending: str) -> None:
    frames = anthropic_frames()[:5]

    async def cut(_: Asked, wire: Wire) -> None:
        await wire.send(STREAM_HEAD + b"".join(map(chunk, frames)))
        await proxy_has_read.wait()
        wire.cut()

    proxy_has_read = asyncio.Event()
    script = streaming(frames) if ending == "without its last event" else cut
    async with (
        proxied(tmp_path, script, change=only("anthropic", "anthropic")) as (_, proxy),
        openai_client(proxy) as client,
    ):
        said: list[str] = []
        with pytest.raises(openai.APIError):
            await listen(client, said, proxy_has_read)

    assert "".join(said) == "Hello"
    ended = proxy.sink.ended
    assert ended["outcome"] == "truncated"
    assert ended["usage"]["is_estimated"]
    assert ended["usage"]["output"] > 0
    assert ended["cost_nano_usd"] > 0


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


async def test_what_the_provider_cannot_do_is_said_in_a_header_or_refused(tmp_path: Path) -> None:
    async with (
        proxied(tmp_path, answering(whole(anthropic_body())), change=only("anthropic", "anthropic")) as (
            provider,
            proxy,
        ),
        openai_client(proxy) as client,
    ):
        raw = await client.chat.completions.with_raw_response.create(model=CLAUDE, messages=SAID, seed=7, logit_bias={})
        proxy.policy.policy = only("anthropic", "anthropic", "drop")(proxy.policy.policy)
        silent = await client.chat.completions.with_raw_response.create(model=CLAUDE, messages=SAID, seed=7)
        proxy.policy.policy = only("anthropic", "anthropic", "reject")(proxy.policy.policy)
        with pytest.raises(openai.BadRequestError, match="'seed'"):
            await client.chat.completions.create(model=CLAUDE, messages=SAID, seed=7)

    assert "seed" in raw.headers["x-pointsman-dropped"].split(", ")
    assert "x-pointsman-dropped" not in silent.headers
    assert len(provider.asked) == 2
    assert [record.get("dropped", []) for record in proxy.sink.of("call_started")][1] == ["seed"]


async def test_a_repeated_translated_call_is_answered_from_the_record(tmp_path: Path) -> None:
    async with (
        proxied(tmp_path, answering(whole(anthropic_body())), change=only("anthropic", "anthropic")) as (
            provider,
            proxy,
        ),
        openai_client(proxy) as client,
    ):
        once = {"idempotency-key": "k-1"}
        first = await client.chat.completions.create(model=CLAUDE, messages=SAID, extra_headers=once)
        second = await client.chat.completions.create(model=CLAUDE, messages=SAID, extra_headers=once)

    assert first == second
    assert len(provider.asked) == 1
    assert [record["outcome"] for record in proxy.sink.of("call_ended")] == ["ok", "replayed"]
