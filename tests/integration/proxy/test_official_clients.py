"""The vendors' own Python libraries, unchanged but for base URL and key."""

from pathlib import Path

import anthropic
import openai
import pytest

from tests.integration.proxy.fake_provider import (
    answering,
    anthropic_body,
    anthropic_frames,
    openai_body,
    openai_frames,
    streaming,
    whole,
)
from tests.integration.proxy.running import REVOKED_KEY, RUN_KEY, Running, proxied

MESSAGES = [{"role": "user", "content": "Say hello"}]


def openai_client(proxy: Running, key: str = RUN_KEY) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{proxy.url}/v1", api_key=key, max_retries=1)


def anthropic_client(proxy: Running, key: str = RUN_KEY) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=proxy.url, api_key=key, max_retries=1)


async def test_openai_gets_the_providers_bytes_and_its_unknown_fields(tmp_path: Path) -> None:
    async with (
        proxied(tmp_path, answering(whole(openai_body("Grüße")))) as (provider, proxy),
        openai_client(proxy) as client,
    ):
        raw = await client.chat.completions.with_raw_response.create(
            model="gpt-5-mini", messages=MESSAGES, extra_body={"x_mine": {"deep": [1]}}
        )

    assert raw.content == openai_body("Grüße")
    assert raw.parse().x_unknown == {"kept": [1, 2.5, "ü"]}
    assert b'"x_mine":{"deep":[1]}' in provider.asked[0].body
    assert proxy.sink.ended["outcome"] == "ok"


async def test_openai_streams_without_a_chunk_that_it_did_not_ask_for(tmp_path: Path) -> None:
    async with proxied(tmp_path, streaming(openai_frames(("Hel", "lo")))) as (_, proxy), openai_client(proxy) as client:
        stream = await client.chat.completions.create(model="gpt-5-mini", messages=MESSAGES, stream=True)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    assert text == "Hello"
    assert proxy.sink.ended["usage"] == {"input": 100, "output": 20}


async def test_anthropic_gets_the_providers_bytes_and_its_events(tmp_path: Path) -> None:
    async with (
        proxied(tmp_path, answering(whole(anthropic_body()))) as (provider, proxy),
        anthropic_client(proxy) as client,
    ):
        raw = await client.messages.with_raw_response.create(model="claude-haiku-5-5", messages=MESSAGES, max_tokens=9)
        provider.script = streaming(anthropic_frames())
        async with client.messages.stream(model="claude-haiku-5-5", messages=MESSAGES, max_tokens=9) as stream:
            message = await stream.get_final_message()

    assert await raw.read() == anthropic_body()
    assert message.content[0].text == "Hello"
    assert message.usage.output_tokens == 7
    assert provider.asked[0].headers["anthropic-version"]


async def test_a_revoked_run_is_told_once_and_not_retried(tmp_path: Path) -> None:
    async with (
        proxied(tmp_path, answering(whole(openai_body()))) as (provider, proxy),
        openai_client(proxy, REVOKED_KEY) as client,
        anthropic_client(proxy, REVOKED_KEY) as other,
    ):
        with pytest.raises(openai.PermissionDeniedError, match="a newer attempt took over") as refused:
            await client.chat.completions.create(model="gpt-5-mini", messages=MESSAGES)
        with pytest.raises(anthropic.PermissionDeniedError, match="a newer attempt took over"):
            await other.messages.create(model="claude-haiku-5-5", messages=MESSAGES, max_tokens=9)

    assert refused.value.code == "run_revoked"
    assert refused.value.request_id
    assert provider.asked == []


async def test_a_cut_stream_raises_in_both_libraries(tmp_path: Path) -> None:
    async with (
        proxied(tmp_path, streaming(openai_frames()[:2])) as (provider, proxy),
        openai_client(proxy) as client,
        anthropic_client(proxy) as other,
    ):
        with pytest.raises(openai.APIError, match="ended its stream"):
            async for _ in await client.chat.completions.create(model="gpt-5-mini", messages=MESSAGES, stream=True):
                pass
        provider.script = streaming(anthropic_frames()[:4])
        with pytest.raises(anthropic.APIError, match="ended its stream"):
            async with other.messages.stream(model="claude-x", messages=MESSAGES, max_tokens=9) as stream:
                await stream.get_final_message()
