"""What happens to a call under way when its run is taken away, or frozen."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from proxy.fence import Fencing
from tests.integration.proxy.fake_provider import (
    LAST_CHUNK,
    STREAM_HEAD,
    Asked,
    Script,
    Wire,
    anthropic_frames,
    chunk,
    openai_body,
    openai_frames,
    whole,
)
from tests.integration.proxy.running import AGENT_KEY, RUN_KEY, Running, proxied, request

MESSAGES: list[Any] = [{"role": "user", "content": "Say hello"}]
ANTHROPIC = "/v1/messages"
FINISH = Fencing(revoked_streams="finish", frozen_streams="finish")
REVOKED = {"state": "revoked", "reason": "it was cancelled (by Ada)"}
FROZEN = {"state": "held", "reason": "its task is frozen by Ada", "is_frozen": True}
PAUSED = {"state": "held", "reason": "its run is paused"}


def endless(frames: list[bytes]) -> Script:
    """A stream that begins and then goes on for ever."""

    async def script(_: Asked, wire: Wire) -> None:
        await wire.send(STREAM_HEAD + chunk(b"".join(frames)))
        await wire.gone.wait()

    return script


async def consumed(stream: AsyncIterator[object], proxy: Running, change: dict[str, Any]) -> None:
    """Reads the stream to its end; after its first event the run's standing changes."""
    first = True
    async for _ in stream:
        if first:
            proxy.policy.change(RUN_KEY, **change)
        first = False


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [(REVOKED, "run_revoked", "it was cancelled"), (FROZEN, "run_paused", "its task is frozen by Ada")],
    ids=["revoked", "frozen"],
)
async def test_both_libraries_see_the_cut_of_a_stream_as_an_error_with_its_code(
    tmp_path: Path, change: dict[str, Any], code: str, said: str
) -> None:
    async with (
        proxied(tmp_path, endless(openai_frames()[:2])) as (provider, proxy),
        openai.AsyncOpenAI(base_url=f"{proxy.url}/v1", api_key=RUN_KEY, max_retries=0) as one,
        anthropic.AsyncAnthropic(base_url=proxy.url, api_key=RUN_KEY, max_retries=0) as other,
    ):
        stream = await one.chat.completions.create(model="gpt-5-mini", messages=MESSAGES, stream=True)
        with pytest.raises(openai.APIError, match=said) as cut:
            async with asyncio.timeout(5):
                await consumed(stream, proxy, change)
        proxy.policy.change(RUN_KEY, state="live", is_frozen=False)
        provider.script = endless(anthropic_frames()[:4])
        messages = await other.messages.create(model="claude-haiku-5-5", messages=MESSAGES, max_tokens=9, stream=True)
        with pytest.raises(anthropic.APIError, match=said) as other_cut:
            async with asyncio.timeout(5):
                await consumed(messages, proxy, change)
        await provider.until(lambda: provider.gone == 2)  # the provider stops at once, too

    assert cut.value.code == code
    assert other_cut.value.body["error"]["code"] == code  # type: ignore[index]
    is_revoked = code == "run_revoked"
    for ended in proxy.sink.of("call_ended"):
        assert (ended["outcome"], ended["status"], ended["error_code"]) == ("truncated", 200, code)
        assert ended.get("after_revocation", False) is is_revoked


async def test_a_cut_stream_is_billed_what_was_seen_and_marked_as_an_estimate(tmp_path: Path) -> None:
    async with (
        proxied(tmp_path, endless(anthropic_frames(("word " * 40, "more"))[:4])) as (_, proxy),
        proxy.open(request("claude-sonnet-4-5", stream=True), path=ANTHROPIC) as connection,
    ):
        await connection.head()
        await connection.chunk()
        proxy.policy.change(RUN_KEY, **REVOKED)
        assert b"event: error" in await connection.chunk()
        assert await connection.chunk() == b""

    ended = proxy.sink.ended
    assert ended["usage"] == {"input": 10, "cache_read": 50, "output": 50, "is_estimated": True}
    assert ended["cost_nano_usd"] == 10 * 3000 + 50 * 300 + 50 * 15000
    assert "word" in ended["response_body"]


async def test_a_stream_cut_before_its_first_byte_is_a_403_and_its_input_is_billed(tmp_path: Path) -> None:
    async def silent(_: Asked, wire: Wire) -> None:
        await wire.gone.wait()

    body = request(stream=True)
    async with proxied(tmp_path, silent) as (provider, proxy), proxy.open(body) as connection:
        await provider.until(lambda: len(provider.asked) == 1)
        proxy.policy.change(RUN_KEY, **REVOKED)
        response = await connection.response()

    assert (response.status, response.json["error"]["code"]) == (403, "run_revoked")
    ended = proxy.sink.ended
    assert (ended["outcome"], ended["status"], ended["after_revocation"]) == ("refused", 403, True)
    assert ended["usage"] == {"input": -(-len(body) // 4), "is_estimated": True}


async def test_the_stream_of_a_client_that_does_not_read_is_cut_and_billed_all_the_same(tmp_path: Path) -> None:
    frame = openai_frames(("x" * 60_000,))[0]

    async def flood(_: Asked, wire: Wire) -> None:
        await wire.send(STREAM_HEAD)
        while not wire.gone.is_set():
            await wire.send(chunk(frame))
            await provider._note()

    async with proxied(tmp_path, flood) as (provider, proxy), proxy.open(request(stream=True)) as connection:
        await connection.head()
        with pytest.raises(TimeoutError):  # every buffer on the way is full
            await provider.until(lambda: False, 1)
        proxy.policy.change(RUN_KEY, **REVOKED)
        ended = proxy.sink.ended
        await provider.until(lambda: provider.gone == 1)
        parts = [b""]
        while part := await connection.chunk():
            parts.append(part)

    assert (ended["outcome"], ended["error_code"], ended["after_revocation"]) == ("truncated", "run_revoked", True)
    assert ended["usage"]["output"] > 0
    assert b"run_revoked" in parts[-1]
    assert len(proxy.sink.of("call_ended")) == 1


@pytest.mark.parametrize("change", [REVOKED, FROZEN], ids=["revoked", "frozen"])
async def test_where_streams_finish_the_stream_runs_on_and_is_metered(tmp_path: Path, change: dict[str, Any]) -> None:
    frames, release = openai_frames(), asyncio.Event()

    async def held(_: Asked, wire: Wire) -> None:
        await wire.send(STREAM_HEAD + chunk(frames[0]))
        await release.wait()
        await wire.send(chunk(b"".join(frames[1:])) + LAST_CHUNK)

    async with proxied(tmp_path, held, fencing=FINISH) as (_, proxy), proxy.open(request(stream=True)) as connection:
        await connection.head()
        await connection.chunk()
        proxy.policy.change(RUN_KEY, **change)
        release.set()
        assert b"[DONE]" in await connection.chunk()

    ended = proxy.sink.ended
    assert (ended["outcome"], ended["usage"]) == ("ok", {"input": 100, "output": 20})
    assert ended.get("after_revocation", False) is (change is REVOKED)


async def test_a_pause_cuts_nothing(tmp_path: Path) -> None:
    frames, release = openai_frames(), asyncio.Event()

    async def held(_: Asked, wire: Wire) -> None:
        await wire.send(STREAM_HEAD + chunk(frames[0]))
        await release.wait()
        await wire.send(chunk(b"".join(frames[1:])) + LAST_CHUNK)

    async with proxied(tmp_path, held) as (_, proxy), proxy.open(request(stream=True)) as connection:
        await connection.head()
        await connection.chunk()
        proxy.policy.change(RUN_KEY, **PAUSED)
        release.set()
        assert b"[DONE]" in await connection.chunk()

    assert proxy.sink.ended["outcome"] == "ok"


async def test_a_call_by_its_agents_key_is_cut_with_the_run_it_was_put_down_to(tmp_path: Path) -> None:
    async with (
        proxied(tmp_path, endless(openai_frames()[:1])) as (_, proxy),
        proxy.open(request(stream=True), key=AGENT_KEY) as connection,
    ):
        await connection.head()
        await connection.chunk()
        proxy.policy.change(RUN_KEY, **REVOKED)
        assert b"run_revoked" in await connection.chunk()

    assert proxy.sink.ended["after_revocation"] is True


async def test_a_stream_by_a_key_that_is_revoked_is_cut(tmp_path: Path) -> None:
    async with (
        proxied(tmp_path, endless(openai_frames()[:1])) as (_, proxy),
        proxy.open(request(stream=True), key=AGENT_KEY) as connection,
    ):
        await connection.head()
        await connection.chunk()
        proxy.policy.forget(AGENT_KEY)
        assert b"invalid_api_key" in await connection.chunk()

    assert (proxy.sink.ended["outcome"], proxy.sink.ended["error_code"]) == ("truncated", "invalid_key")


async def test_a_stream_of_another_run_goes_on(tmp_path: Path) -> None:
    async with proxied(tmp_path, endless(openai_frames()[:1])) as (provider, proxy):
        proxy.policy.change(RUN_KEY, state="revoked")
        async with proxy.open(request(stream=True), key=AGENT_KEY) as connection:
            await connection.head()
            await connection.chunk()
            proxy.policy.change(RUN_KEY, **REVOKED)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await connection.chunk()
            assert provider.gone == 0


async def test_a_whole_answer_is_asked_to_its_end_paid_and_withheld(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def held(_: Asked, wire: Wire) -> None:
        await release.wait()
        await wire.send(whole(openai_body("secret")))

    async with proxied(tmp_path, held) as (provider, proxy), proxy.open(request()) as connection:
        await provider.until(lambda: len(provider.asked) == 1)
        proxy.policy.change(RUN_KEY, **REVOKED)
        release.set()
        response = await connection.response()

    assert (response.status, response.headers["x-should-retry"]) == (403, "false")
    assert b"secret" not in response.body
    ended = proxy.sink.ended
    assert (ended["outcome"], ended["status"], ended["upstream_status"]) == ("refused", 403, 200)
    assert ended["usage"] == {"input": 60, "cache_read": 40, "output": 20, "reasoning": 5}
    assert ended["cost_nano_usd"] > 0


@pytest.mark.parametrize(("fencing", "change"), [(FINISH, REVOKED), (Fencing(), FROZEN)], ids=["finish", "frozen"])
async def test_a_whole_answer_is_given_where_streams_finish_and_during_a_freeze(
    tmp_path: Path, fencing: Fencing, change: dict[str, Any]
) -> None:
    release = asyncio.Event()

    async def held(_: Asked, wire: Wire) -> None:
        await release.wait()
        await wire.send(whole(openai_body()))

    async with proxied(tmp_path, held, fencing=fencing) as (provider, proxy), proxy.open(request()) as connection:
        await provider.until(lambda: len(provider.asked) == 1)
        proxy.policy.change(RUN_KEY, **change)
        release.set()
        response = await connection.response()

    assert response.body == openai_body()


async def test_a_keyed_answer_withheld_from_a_lost_run_is_there_when_it_resumes(tmp_path: Path) -> None:
    release, keyed = asyncio.Event(), {"idempotency-key": "r_1/7"}

    async def held(_: Asked, wire: Wire) -> None:
        await release.wait()
        await wire.send(whole(openai_body()))

    async with proxied(tmp_path, held) as (provider, proxy):
        async with proxy.open(request(), headers=keyed) as connection:
            await provider.until(lambda: len(provider.asked) == 1)
            proxy.policy.change(RUN_KEY, **REVOKED)
            release.set()
            withheld = await connection.response()
        proxy.policy.change(RUN_KEY, state="live")
        again = await proxy.ask(request(), headers=keyed)

    assert withheld.status == 403
    assert (again.status, again.body) == (200, openai_body())
    assert len(provider.asked) == 1
    paid, replayed = proxy.sink.of("call_ended")
    assert (paid["outcome"], paid["after_revocation"], replayed["outcome"]) == ("ok", True, "replayed")


async def test_a_keyed_stream_is_cut_for_all_who_follow_it_and_not_kept(tmp_path: Path) -> None:
    keyed = {"idempotency-key": "r_1/8"}
    async with (
        proxied(tmp_path, endless(openai_frames()[:1])) as (provider, proxy),
        proxy.open(request(stream=True), headers=keyed) as first,
        proxy.open(request(stream=True), headers=keyed) as second,
    ):
        for connection in (first, second):
            await connection.head()
            await connection.chunk()
        proxy.policy.change(RUN_KEY, **REVOKED)
        ends = [await connection.chunk() for connection in (first, second)]
        await provider.until(lambda: provider.gone == 1)
        kept = list((tmp_path / "answers").rglob("*"))

    assert all(b"run_revoked" in end for end in ends)
    assert [path for path in kept if path.is_file()] == []
    assert [ended["outcome"] for ended in proxy.sink.of("call_ended")] == ["truncated", "replayed"]


async def test_a_stream_that_was_over_when_its_run_ended_is_whole(tmp_path: Path) -> None:
    """The last event is out, only the connection's end is not: there is nothing left to cut."""
    frames = openai_frames()

    async with proxied(tmp_path, endless(frames)) as (provider, proxy):
        async with proxy.open(request(stream=True)) as connection:
            await connection.head()
            assert b"[DONE]" in await connection.chunk()
            proxy.policy.change(RUN_KEY, **REVOKED)
        await provider.until(lambda: provider.gone == 1)

    assert (proxy.sink.ended["outcome"], proxy.sink.ended["usage"]) == ("ok", {"input": 100, "output": 20})
