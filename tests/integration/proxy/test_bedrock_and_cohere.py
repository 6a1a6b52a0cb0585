"""The vendors' own libraries over providers whose dialects no client speaks: Bedrock, signed and binary, and Cohere."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openai
import orjson
import pytest

from proxy.ports import Policy, Provider
from proxy.providers.signing import Keys, sign
from proxy.wire.aws_events import render_message
from tests.integration.proxy.fake_provider import Asked, Script, Wire, answering, chunk, streaming, whole
from tests.integration.proxy.running import PROVIDER_KEY, proxied
from tests.integration.proxy.translating import PARAMETERS, SAID, anthropic_client, frame, only, openai_client

MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
KEYS = {"region": "eu-west-1", "access_key_id": "AKIDEXAMPLE", "secret_access_key": "secret", "session_token": "token"}
BINARY_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ntransfer-encoding: chunked\r\n\r\n"
)
USAGE = {"inputTokens": 10, "outputTokens": 7, "totalTokens": 67, "cacheReadInputTokens": 50}


def bedrock(api_key: str = "") -> Callable[[Policy], Policy]:
    def change(policy: Policy) -> Policy:
        base_url = policy.providers[0].base_url.removesuffix("/v1")
        return replace(policy, providers=(Provider("bedrock", "bedrock", base_url, api_key, settings=KEYS),))

    return change


def event(name: str, **payload: Any) -> bytes:
    return render_message({":event-type": name, ":message-type": "event"}, orjson.dumps(payload))


def said(*words: str) -> list[bytes]:
    return [
        event("messageStart", role="assistant"),
        *(event("contentBlockDelta", contentBlockIndex=0, delta={"text": word}) for word in words),
        event("contentBlockStop", contentBlockIndex=0),
    ]


ENDED = [event("messageStop", stopReason="end_turn"), event("metadata", usage=USAGE, metrics={"latencyMs": 5})]


def sending(frames: list[bytes], width: int = 7) -> Script:
    """A stream that is cut where it hurts."""

    async def script(_: Asked, wire: Wire) -> None:
        await wire.send(BINARY_HEAD)
        data = b"".join(frames)
        for start in range(0, len(data), width):
            await wire.send(chunk(data[start : start + width]))
        await wire.send(b"0\r\n\r\n")

    return script


def signed_by_hand(asked: Asked, origin: str) -> str:
    """As AWS does it to compare: from what arrived, with the time that the request names."""
    at = datetime.strptime(asked.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    path, keys = asked.line.split()[1], Keys("AKIDEXAMPLE", "secret", "token")
    headers = dict(sign("POST", origin + path, asked.body, int(at.timestamp()) * 10**9, keys, "eu-west-1"))
    return headers[b"authorization"].decode()


async def test_openais_library_streams_bedrock_over_a_signed_request(tmp_path: Path) -> None:
    script = sending([*said("Hel", "lo"), *ENDED])
    async with proxied(tmp_path, script, change=bedrock()) as (provider, proxy), openai_client(proxy) as client:
        stream = await client.chat.completions.create(
            model=MODEL, messages=SAID, stream=True, stream_options={"include_usage": True}, max_completion_tokens=9
        )
        chunks = [one async for one in stream]

    (asked,) = provider.asked
    escaped = "us.anthropic.claude-sonnet-4-5-20250929-v1%3A0"
    assert asked.line == f"POST /model/{escaped}/converse-stream HTTP/1.1"
    assert orjson.loads(asked.body)["inferenceConfig"] == {"maxTokens": 9}
    authorization = asked.headers["authorization"]
    assert re.match(r"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/\d{8}/eu-west-1/bedrock/aws4_request, ", authorization)
    assert asked.headers["x-amz-security-token"] == "token"
    assert authorization == signed_by_hand(asked, f"http://127.0.0.1:{provider.port}")
    assert "".join(one.choices[0].delta.content or "" for one in chunks if one.choices) == "Hello"
    assert chunks[-1].usage is not None
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (60, 7)
    ended = proxy.sink.ended
    assert (ended["outcome"], ended["stop_reason"]) == ("ok", "end_turn")
    assert ended["usage"] == {"input": 10, "cache_read": 50, "output": 7}
    assert ended["cost_nano_usd"] > 0


async def test_a_bedrock_api_key_needs_no_signature(tmp_path: Path) -> None:
    answer = {"output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}}, "stopReason": "end_turn"}
    script = answering(whole(orjson.dumps({**answer, "usage": USAGE})))
    async with (
        proxied(tmp_path, script, change=bedrock("bedrock-key")) as (provider, proxy),
        anthropic_client(proxy) as client,
    ):
        message = await client.messages.create(model=MODEL, messages=SAID, max_tokens=9)

    (asked,) = provider.asked
    assert asked.headers["authorization"] == "Bearer bedrock-key"
    assert "x-amz-date" not in asked.headers
    assert (getattr(message.content[0], "text", ""), message.stop_reason) == ("Hi", "end_turn")
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (10, 50)


async def test_thinking_signed_on_bedrock_comes_back_to_it_through_anthropics_library(
    tmp_path: Path,
) -> None:
    thought = [
        event("messageStart", role="assistant"),
        event("contentBlockDelta", contentBlockIndex=0, delta={"reasoningContent": {"text": "Hm"}}),
        event("contentBlockDelta", contentBlockIndex=0, delta={"reasoningContent": {"signature": "signed"}}),
        event("contentBlockStop", contentBlockIndex=0),
        event("contentBlockStart", contentBlockIndex=1, start={"toolUse": {"toolUseId": "t1", "name": "weather"}}),
        event("contentBlockDelta", contentBlockIndex=1, delta={"toolUse": {"input": '{"city":"Oslo"}'}}),
        event("contentBlockStop", contentBlockIndex=1),
        event("messageStop", stopReason="tool_use"),
        ENDED[1],
    ]
    tools: Any = [{"name": "weather", "input_schema": PARAMETERS}]
    async with (
        proxied(tmp_path, sending(thought), change=bedrock()) as (provider, proxy),
        anthropic_client(proxy) as client,
    ):
        async with client.messages.stream(model=MODEL, messages=SAID, max_tokens=9, tools=tools) as stream:
            message = await stream.get_final_message()
        provider.script = sending([*said("Rain."), *ENDED])
        result = {"type": "tool_result", "tool_use_id": "t1", "content": "rain"}
        turns: Any = [*SAID, {"role": "assistant", "content": message.content}, {"role": "user", "content": [result]}]
        async with client.messages.stream(model=MODEL, messages=turns, max_tokens=9, tools=tools) as stream:
            await stream.get_final_message()

    assert [block.type for block in message.content] == ["thinking", "tool_use"]
    back = orjson.loads(provider.asked[1].body)["messages"]
    assert back[1]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "signed"}}},
        {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Oslo"}}},
    ]
    assert back[2]["content"][0]["toolResult"]["content"] == [{"text": "rain"}]


async def test_an_error_of_bedrock_is_one_of_openai_with_its_status(tmp_path: Path) -> None:
    body = b'{"message":"Too many requests, please wait before trying again."}'
    head = "x-amzn-errortype: ThrottlingException:http://internal.amazon.com/\r\ncontent-type: application/json"
    script = answering(whole(body, "429 Too Many Requests", head))
    async with proxied(tmp_path, script, change=bedrock()) as (_, proxy), openai_client(proxy) as client:
        with pytest.raises(openai.RateLimitError, match="Too many requests"):
            await client.chat.completions.create(model=MODEL, messages=SAID)
    assert proxy.sink.ended["error_code"] == "ThrottlingException"


async def test_an_exception_at_the_start_of_a_binary_stream_is_answered_with_its_status(tmp_path: Path) -> None:
    headers = {":message-type": "exception", ":exception-type": "throttlingException"}
    broken = render_message(headers, b'{"message":"Slow down."}')
    async with (
        proxied(tmp_path, sending([said()[0], broken]), change=bedrock()) as (_, proxy),
        openai_client(proxy) as client,
    ):
        with pytest.raises(openai.RateLimitError, match="Slow down"):
            await client.chat.completions.create(model=MODEL, messages=SAID, stream=True)
    assert proxy.sink.ended["outcome"] == "error"


async def test_a_binary_stream_that_breaks_off_is_no_clean_end(tmp_path: Path) -> None:
    script = sending(said("Hel", "lo"))
    async with proxied(tmp_path, script, change=bedrock()) as (_, proxy), openai_client(proxy) as client:
        stream = await client.chat.completions.create(model=MODEL, messages=SAID, stream=True)
        with pytest.raises(openai.APIError):
            [one async for one in stream]
    assert proxy.sink.ended["outcome"] == "truncated"


async def test_openais_library_streams_cohere_and_pays_what_is_billed(tmp_path: Path) -> None:
    billed = {
        "billed_units": {"input_tokens": 5, "output_tokens": 7},
        "tokens": {"input_tokens": 70, "output_tokens": 9},
    }
    frames = [
        frame("message-start", id="abc", delta={"message": {"role": "assistant"}}),
        frame("content-start", index=0, delta={"message": {"content": {"type": "text", "text": ""}}}),
        *(frame("content-delta", index=0, delta={"message": {"content": {"text": word}}}) for word in ("Hel", "lo")),
        frame("content-end", index=0),
        frame("message-end", delta={"finish_reason": "COMPLETE", "usage": billed}),
        b"data: [DONE]\n\n",
    ]
    async with (
        proxied(tmp_path, streaming(frames), change=only("cohere", "cohere")) as (provider, proxy),
        openai_client(proxy) as client,
    ):
        stream = await client.chat.completions.create(model="command-a-03-2025", messages=SAID, stream=True, top_p=0.5)
        chunks = [one async for one in stream]

    (asked,) = provider.asked
    assert asked.line.endswith("/chat HTTP/1.1")
    assert asked.headers["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert orjson.loads(asked.body) == {
        "model": "command-a-03-2025",
        "messages": [{"role": "user", "content": "Say hello"}],
        "p": 0.5,
        "stream": True,
    }
    assert "".join(one.choices[0].delta.content or "" for one in chunks) == "Hello"
    assert proxy.sink.ended["usage"] == {"input": 5, "output": 7}
