"""A call of a held run waits, and costs nothing while it does."""

import asyncio
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from proxy.fence import Fencing
from tests.integration.proxy.fake_provider import (
    STREAM_HEAD,
    Asked,
    Wire,
    answering,
    anthropic_body,
    chunk,
    openai_body,
    openai_frames,
    streaming,
    whole,
)
from tests.integration.proxy.running import AGENT_KEY, RUN_KEY, Running, proxied, request

HELD = {"state": "held", "reason": "its run is paused (operator)"}
LIVE = {"state": "live", "reason": ""}


async def until_parked(proxy: Running, count: int = 1) -> None:
    async with asyncio.timeout(5):
        while len(proxy.sink.of("call_parked")) < count:
            await asyncio.sleep(0.005)  # the record is what tells


async def test_a_parked_call_goes_on_when_its_run_does_and_is_asked_once(tmp_path: Path) -> None:
    async with proxied(tmp_path, answering(whole(openai_body()))) as (provider, proxy):
        proxy.policy.change(RUN_KEY, **HELD)
        async with proxy.open(request()) as connection:
            await until_parked(proxy)
            assert provider.asked == []
            proxy.policy.change(RUN_KEY, **LIVE)
            response = await connection.response()

    assert (response.status, response.body) == (200, openai_body())
    assert len(provider.asked) == 1
    assert provider.asked[0].body == request()
    assert [record["type"] for record in proxy.sink.records] == ["call_parked", "call_started", "call_ended"]
    parked, started, ended = proxy.sink.records
    assert parked["reason"] == "its run is paused (operator)"
    assert parked["call"]["call_id"] == started["call_id"]
    assert "cost_bound_nano_usd" not in parked["call"]
    assert started["cost_bound_nano_usd"] > 0
    assert ended["queue_us"] >= (started["at_ns"] - parked["call"]["at_ns"]) // 1000


async def test_a_parked_stream_streams_when_its_run_goes_on(tmp_path: Path) -> None:
    async with proxied(tmp_path, streaming(openai_frames())) as (_, proxy):
        proxy.policy.change(RUN_KEY, **HELD)
        async with proxy.open(request(stream=True)) as connection:
            await until_parked(proxy)
            proxy.policy.change(RUN_KEY, **LIVE)
            response = await connection.response()

    assert b"[DONE]" in response.body


async def test_a_parked_call_that_goes_on_as_a_stream_can_be_cut_like_any_other(tmp_path: Path) -> None:
    async def endless(_: Asked, wire: Wire) -> None:
        await wire.send(STREAM_HEAD + chunk(openai_frames()[0]))
        await wire.gone.wait()

    async with proxied(tmp_path, endless) as (_, proxy):
        proxy.policy.change(RUN_KEY, **HELD)
        async with proxy.open(request(stream=True)) as connection:
            await until_parked(proxy)
            proxy.policy.change(RUN_KEY, **LIVE)
            await connection.head()
            await connection.chunk()
            proxy.policy.change(RUN_KEY, state="revoked")
            assert b"run_revoked" in await connection.chunk()


async def test_a_parked_call_whose_run_is_taken_away_gets_403_and_was_never_asked(tmp_path: Path) -> None:
    async with proxied(tmp_path, answering(whole(openai_body()))) as (provider, proxy):
        proxy.policy.change(RUN_KEY, **HELD)
        async with proxy.open(request()) as connection:
            await until_parked(proxy)
            proxy.policy.change(RUN_KEY, state="revoked", reason="it was cancelled")
            response = await connection.response()

    assert (response.status, response.json["error"]["code"]) == (403, "run_revoked")
    assert provider.asked == []
    ended = proxy.sink.ended
    assert (ended["outcome"], ended.get("cost_nano_usd", 0), ended["error_code"]) == ("refused", 0, "run_revoked")
    assert ended["queue_us"] > 0


async def test_at_the_bound_both_libraries_are_told_to_come_again_and_do(tmp_path: Path) -> None:
    async with (
        proxied(tmp_path, answering(whole(openai_body())), fencing=Fencing(park_seconds=0.05)) as (provider, proxy),
        openai.AsyncOpenAI(base_url=f"{proxy.url}/v1", api_key=RUN_KEY, max_retries=0) as one,
        anthropic.AsyncAnthropic(base_url=proxy.url, api_key=RUN_KEY, max_retries=0) as other,
    ):
        proxy.policy.change(RUN_KEY, **HELD)
        messages: list[Any] = [{"role": "user", "content": "Say hello"}]
        with pytest.raises(openai.APIStatusError, match="on hold: its run is paused") as refused:
            await one.chat.completions.create(model="gpt-5-mini", messages=messages)
        with pytest.raises(anthropic.APIStatusError, match="on hold") as also:
            await other.messages.create(model="claude-x", messages=messages, max_tokens=9)
        proxy.policy.change(RUN_KEY, **LIVE)
        provider.script = answering(whole(anthropic_body()))
        await other.messages.create(model="claude-x", messages=messages, max_tokens=9)

    assert [error.value.status_code for error in (refused, also)] == [503, 503]
    assert refused.value.code == "run_paused"
    assert also.value.body["error"]["code"] == "run_paused"  # type: ignore[index]
    assert {error.value.response.headers["x-should-retry"] for error in (refused, also)} == {"true"}
    assert refused.value.response.headers["retry-after"] == "15"
    assert len(provider.asked) == 1
    assert [ended["outcome"] for ended in proxy.sink.of("call_ended")] == ["refused", "refused", "ok"]


async def test_a_client_that_leaves_is_let_go_at_once_and_never_asked_for(tmp_path: Path) -> None:
    async with proxied(tmp_path, answering(whole(openai_body()))) as (provider, proxy):
        proxy.policy.change(RUN_KEY, **HELD)
        async with proxy.open(request()):
            await until_parked(proxy)
        async with asyncio.timeout(5):
            while not proxy.sink.of("call_ended"):
                await asyncio.sleep(0.005)
        proxy.policy.change(RUN_KEY, **LIVE)
        await proxy.ask(request())

    left, answered = proxy.sink.of("call_ended")
    assert (left["outcome"], left["error_code"], left.get("cost_nano_usd", 0)) == ("client_left", "client_left", 0)
    assert answered["outcome"] == "ok"
    assert len(provider.asked) == 1


async def test_no_more_calls_wait_than_may(tmp_path: Path) -> None:
    async with proxied(tmp_path, answering(whole(openai_body())), fencing=Fencing(most_parked=2)) as (provider, proxy):
        proxy.policy.change(RUN_KEY, **HELD)
        waiting = [asyncio.ensure_future(proxy.ask(request())) for _ in range(2)]
        await until_parked(proxy, 2)
        beyond = await proxy.ask(request())
        proxy.policy.change(RUN_KEY, **LIVE)
        answers = await asyncio.gather(*waiting)
        after = await proxy.ask(request())

    assert (beyond.status, beyond.json["error"]["code"]) == (503, "run_paused")
    assert [answer.status for answer in (*answers, after)] == [200, 200, 200]
    assert len(provider.asked) == 3


async def test_two_parked_calls_with_one_idempotency_key_are_asked_once(tmp_path: Path) -> None:
    keyed = {"idempotency-key": "r_1/9"}
    async with proxied(tmp_path, answering(whole(openai_body()))) as (provider, proxy):
        proxy.policy.change(RUN_KEY, **HELD)
        waiting = [asyncio.ensure_future(proxy.ask(request(), headers=keyed)) for _ in range(2)]
        await until_parked(proxy, 2)
        proxy.policy.change(RUN_KEY, **LIVE)
        answers = await asyncio.gather(*waiting)

    assert {answer.body for answer in answers} == {openai_body()}
    assert len(provider.asked) == 1
    assert sorted(ended["outcome"] for ended in proxy.sink.of("call_ended")) == ["ok", "replayed"]


async def test_an_agents_key_waits_with_the_run_it_stands_for(tmp_path: Path) -> None:
    async with proxied(tmp_path, answering(whole(openai_body()))) as (_, proxy):
        proxy.policy.change(RUN_KEY, **HELD)
        async with proxy.open(request(), key=AGENT_KEY) as connection:
            await until_parked(proxy)
            proxy.policy.change(RUN_KEY, **LIVE)
            assert (await connection.response()).status == 200

    assert proxy.sink.started["run_id"] == "r_1"


async def test_a_malformed_request_is_refused_at_once_and_models_are_listed_while_on_hold(tmp_path: Path) -> None:
    async with proxied(tmp_path, answering(whole(openai_body()))) as (_, proxy):
        proxy.policy.change(RUN_KEY, **HELD)
        wrong = await proxy.ask(b"{")
        listed = await proxy.ask(b"", path="/v1/models", method="GET")

    assert (wrong.status, listed.status) == (400, 200)


async def test_many_parked_calls_all_go_on_together(tmp_path: Path) -> None:
    async with proxied(tmp_path, answering(whole(openai_body()))) as (provider, proxy):
        proxy.policy.change(RUN_KEY, **HELD)
        waiting = [asyncio.ensure_future(proxy.ask(request())) for _ in range(400)]
        await until_parked(proxy, 400)
        assert provider.asked == []
        proxy.policy.change(RUN_KEY, **LIVE)
        async with asyncio.timeout(30):
            answers = await asyncio.gather(*waiting)

    assert {answer.status for answer in answers} == {200}
    assert len(provider.asked) == 400


async def test_calls_made_while_waiting_are_marked(tmp_path: Path) -> None:
    async with proxied(tmp_path, answering(whole(openai_body()))) as (_, proxy):
        await proxy.ask(request())
        proxy.policy.change(RUN_KEY, is_waiting=True)
        await proxy.ask(request())
        proxy.policy.change(AGENT_KEY, is_waiting=True)
        proxy.policy.change(RUN_KEY, state="revoked", is_waiting=False)
        await proxy.ask(request(), key=AGENT_KEY)
        proxy.policy.change(RUN_KEY, state="live")
        await proxy.ask(request(), key=AGENT_KEY)

    marks = [started.get("while_waiting", False) for started in proxy.sink.of("call_started")]
    assert marks == [False, True, True, False]
