"""A repeated key is paid once, whatever happens to its clients or to the proxy."""

import asyncio
from pathlib import Path

import pytest

from proxy.deps import Limits
from tests.integration.proxy.fake_provider import (
    LAST_CHUNK,
    STREAM_HEAD,
    Asked,
    Wire,
    answering,
    chunk,
    openai_body,
    openai_frames,
    streaming,
    whole,
)
from tests.integration.proxy.running import AGENT_KEY, proxied, request

KEYED = {"idempotency-key": "r_1/7"}


async def test_a_repeated_key_is_answered_from_the_record(tmp_path: Path) -> None:
    async with proxied(tmp_path, answering(whole(openai_body()))) as (provider, proxy):
        first = await proxy.ask(request(), headers=KEYED)
        second = await proxy.ask(request(), headers=KEYED)

    assert first.body == second.body == openai_body()
    assert len(provider.asked) == 1
    assert provider.asked[0].headers["idempotency-key"] == "r_1/7"
    paid, replayed = proxy.sink.of("call_ended")
    assert second.headers["x-pointsman-replay"] == paid["call_id"] == replayed["replay_of"]
    assert second.headers["x-request-id"] == replayed["call_id"]
    assert (replayed["outcome"], replayed.get("cost_nano_usd", 0)) == ("replayed", 0)
    assert paid["cost_nano_usd"] > 0


async def test_a_stream_is_replayed_as_it_was(tmp_path: Path) -> None:
    async with proxied(tmp_path, streaming(openai_frames())) as (provider, proxy):
        first = await proxy.ask(request(stream=True), headers=KEYED)
        second = await proxy.ask(request(stream=True), headers=KEYED)

    assert first.body == second.body
    assert second.headers["content-type"] == "text/event-stream"
    assert len(provider.asked) == 1


async def test_the_same_key_with_another_body_is_a_422_whether_kept_or_in_flight(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def held(asked: Asked, wire: Wire) -> None:
        await release.wait()
        await wire.send(whole(openai_body()))

    async with proxied(tmp_path, held) as (provider, proxy):
        asking = asyncio.ensure_future(proxy.ask(request(), headers=KEYED))
        await provider.until(lambda: len(provider.asked) == 1)
        in_flight = await proxy.ask(request(temperature=1), headers=KEYED)
        release.set()
        await asking
        kept = await proxy.ask(request(temperature=1), headers=KEYED)

    assert [in_flight.status, kept.status] == [422, 422]
    assert kept.json["error"]["code"] == "idempotency_mismatch"
    assert len(provider.asked) == 1


async def test_callers_that_come_while_it_is_asked_get_the_same_stream(tmp_path: Path) -> None:
    frames = openai_frames()
    release = asyncio.Event()

    async def held(_: Asked, wire: Wire) -> None:
        await wire.send(STREAM_HEAD + chunk(frames[0]))
        await release.wait()
        await wire.send(chunk(b"".join(frames[1:])) + LAST_CHUNK)

    async with (
        proxied(tmp_path, held) as (provider, proxy),
        proxy.open(request(stream=True), headers=KEYED) as first,
        proxy.open(request(stream=True), headers=KEYED) as second,
    ):
        await first.head()
        _, headers = await second.head()
        parts = [await first.chunk(), await second.chunk()]
        release.set()
        for position, connection in enumerate((first, second)):
            while part := await connection.chunk():
                parts[position] += part

    assert parts == [b"".join(frames[:-2] + frames[-1:])] * 2
    assert len(provider.asked) == 1
    outcomes = {ended["call_id"]: ended["outcome"] for ended in proxy.sink.of("call_ended")}
    assert sorted(outcomes.values()) == ["ok", "replayed"]
    assert headers.get("x-pointsman-replay") in {None, *(key for key, value in outcomes.items() if value == "ok")}


async def test_a_keyed_call_goes_on_without_its_client_and_is_there_for_the_retry(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def held(_: Asked, wire: Wire) -> None:
        await release.wait()
        await wire.send(whole(openai_body()))

    async with proxied(tmp_path, held) as (provider, proxy):
        async with proxy.open(request(), headers=KEYED):
            await provider.until(lambda: len(provider.asked) == 1)
        release.set()
        retried = await proxy.ask(request(), headers=KEYED)

    assert retried.body == openai_body()
    assert len(provider.asked) == 1
    assert proxy.sink.of("call_ended")[0]["outcome"] == "ok"


@pytest.mark.timeout(30, method="thread")  # a loop that never yields swallows what a signal raises in it
async def test_others_are_answered_after_a_keyed_call_lost_its_client_before_the_first_byte(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def held(asked: Asked, wire: Wire) -> None:
        if "idempotency-key" in asked.headers:
            await release.wait()
        await wire.send(whole(openai_body()))

    async with proxied(tmp_path, held, limits=Limits(watch_after_seconds=0)) as (provider, proxy):
        async with proxy.open(request(), headers=KEYED):
            await provider.until(lambda: len(provider.asked) == 1)
        others = [await proxy.ask(request()) for _ in range(3)]  # by now the proxy has seen that the client is gone
        release.set()
        retried = await proxy.ask(request(), headers=KEYED)

    assert [other.status for other in others] == [200, 200, 200]
    assert (retried.body, len(provider.asked)) == (openai_body(), 4)


@pytest.mark.parametrize("status", ["500 Internal Server Error", "429 Too Many Requests", "408 Request Timeout"])
async def test_a_failure_is_not_kept_so_the_retry_asks_again(tmp_path: Path, status: str) -> None:
    async with proxied(tmp_path, answering(whole(b"{}", status))) as (provider, proxy):
        failed = await proxy.ask(request(), headers=KEYED)
        provider.script = answering(whole(openai_body()))
        retried = await proxy.ask(request(), headers=KEYED)

    assert (failed.status, retried.body) == (int(status[:3]), openai_body())
    assert len(provider.asked) == 2


async def test_a_cut_stream_is_not_kept(tmp_path: Path) -> None:
    frames = openai_frames()
    async with proxied(tmp_path, streaming(frames[:1])) as (provider, proxy):
        cut = await proxy.ask(request(stream=True), headers=KEYED)
        provider.script = streaming(frames)
        retried = await proxy.ask(request(stream=True), headers=KEYED)

    assert b'"error"' in cut.body
    assert retried.body == b"".join(frames[:-2] + frames[-1:])


async def test_a_provider_that_cannot_be_reached_answers_everybody_who_waits(tmp_path: Path) -> None:
    async def cut(_: Asked, wire: Wire) -> None:
        wire.cut()
        wire.gone.set()

    async with proxied(tmp_path, cut) as (_, proxy):
        responses = await asyncio.gather(*(proxy.ask(request(), headers=KEYED) for _ in range(4)))

    assert {response.status for response in responses} == {502}


async def test_a_key_is_its_owners_alone(tmp_path: Path) -> None:
    async with proxied(tmp_path, answering(whole(openai_body()))) as (provider, proxy):
        proxy.policy.policy.live_runs["a_1"] = ()  # type: ignore[index]
        await proxy.ask(request(), headers=KEYED)
        await proxy.ask(request(), headers=KEYED, key=AGENT_KEY)

    assert len(provider.asked) == 2
