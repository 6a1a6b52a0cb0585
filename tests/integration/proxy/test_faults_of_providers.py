"""Dead, slow, cut, compressed, failing: what the client is told, and what is billed."""

import asyncio
import gzip
from pathlib import Path

import orjson
import pytest

from proxy.upstream.attempt import Timeouts
from tests.integration.proxy.fake_provider import (
    LAST_CHUNK,
    STREAM_HEAD,
    Asked,
    Wire,
    answering,
    anthropic_frames,
    chunk,
    fake_provider,
    openai_body,
    openai_frames,
    streaming,
    whole,
)
from tests.integration.proxy.running import PROVIDER_KEY, RUN_KEY, MovedClock, proxied, request, running_proxy

ANTHROPIC = "/v1/messages"


async def test_a_dead_provider_is_a_502_that_leaks_no_address(tmp_path: Path) -> None:
    async with fake_provider(answering(b"")) as provider:
        port = provider.port
    async with running_proxy(tmp_path, port) as proxy:
        response = await proxy.ask(request())

    assert (response.status, response.json["error"]["code"]) == (502, "upstream_unreachable")
    assert str(port) not in response.body.decode()
    ended = proxy.sink.ended
    assert (ended["outcome"], ended.get("cost_nano_usd", 0), ended["error_code"]) == (
        "error",
        0,
        "upstream_unreachable",
    )


async def test_an_error_of_the_provider_passes_untouched(tmp_path: Path) -> None:
    body = b'{"error": {"message":"Rate limit", "type":"tokens","param":null,"code":"rate_limit_exceeded"}}'
    headers = "content-type: application/json\r\nretry-after: 7\r\n"
    headers += "x-ratelimit-remaining-tokens: 0\r\nx-request-id: req_theirs"
    async with proxied(tmp_path, answering(whole(body, "429 Too Many Requests", headers))) as (_provider, proxy):
        response = await proxy.ask(request())

    assert (response.status, response.body, response.headers["retry-after"]) == (429, body, "7")
    assert response.headers["x-ratelimit-remaining-tokens"] == "0"
    assert response.headers["x-pointsman-upstream-request-id"] == "req_theirs"
    assert response.headers["x-request-id"] == proxy.sink.started["call_id"]
    ended = proxy.sink.ended
    assert (ended["outcome"], ended["upstream_status"], ended["error_code"]) == ("error", 429, "rate_limit_exceeded")
    assert ended.get("usage", {}) == {}


async def test_a_provider_that_never_answers_is_a_504(tmp_path: Path) -> None:
    async def stall(_: Asked, wire: Wire) -> None:
        await wire.gone.wait()

    async with proxied(tmp_path, stall, timeouts=Timeouts(first_byte=0.2)) as (provider, proxy):
        response = await proxy.ask(request("claude-sonnet-4-5"), path=ANTHROPIC)
        await provider.until(lambda: provider.gone == 1)

    assert (response.status, response.json["error"]["type"]) == (504, "timeout_error")


async def test_a_stream_that_stalls_ends_with_an_error_event_and_is_billed_by_estimate(tmp_path: Path) -> None:
    frames = openai_frames()

    async def stall(_: Asked, wire: Wire) -> None:
        await wire.send(STREAM_HEAD + chunk(frames[0]))
        await wire.gone.wait()

    async with proxied(tmp_path, stall, timeouts=Timeouts(idle=0.2)) as (_provider, proxy):
        response = await proxy.ask(request(stream=True))

    assert response.body.startswith(frames[0])
    error = orjson.loads(response.body.removeprefix(frames[0]).removeprefix(b"data: "))
    assert error["error"]["code"] == "upstream_timeout"
    assert proxy.sink.ended["usage"] == {"input": -(-len(request(stream=True)) // 4), "output": 1, "is_estimated": True}


@pytest.mark.parametrize("is_rude", [True, False], ids=["reset", "clean end"])
async def test_a_cut_stream_never_looks_like_a_clean_end(tmp_path: Path, is_rude: bool) -> None:
    frames = anthropic_frames()

    async def cut(_: Asked, wire: Wire) -> None:
        await wire.send(STREAM_HEAD + chunk(b"".join(frames[:4]) + frames[4][:30]))
        await provider.until(lambda: True)
        if is_rude:
            wire.writer.close()
            wire.gone.set()
        else:
            await wire.send(LAST_CHUNK)

    async with proxied(tmp_path, cut) as (provider, proxy):
        response = await proxy.ask(request("claude-sonnet-4-5", stream=True), path=ANTHROPIC)

    sent = b"".join(frames[:4])
    assert response.body.startswith(sent + b"event: error\ndata: ")  # half a frame is never passed on
    error = orjson.loads(response.body.removeprefix(sent + b"event: error\ndata: "))
    assert (error["type"], error["error"]["type"]) == ("error", "api_error")
    ended = proxy.sink.ended
    assert (ended["outcome"], ended["status"], ended["error_code"]) == ("truncated", 200, "upstream_cut")
    assert ended["usage"] == {"input": 10, "cache_read": 50, "output": 1, "is_estimated": True}


async def test_a_body_cut_before_the_client_has_anything_is_a_502(tmp_path: Path) -> None:
    async def cut(_: Asked, wire: Wire) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{")
        wire.cut()
        wire.gone.set()

    async with proxied(tmp_path, cut) as (_provider, proxy):
        response = await proxy.ask(request())

    assert (response.status, response.json["error"]["code"]) == (502, "upstream_cut")


async def test_a_stream_that_ends_before_its_first_event_is_a_502(tmp_path: Path) -> None:
    async with proxied(tmp_path, answering(STREAM_HEAD + LAST_CHUNK)) as (_provider, proxy):
        response = await proxy.ask(request(stream=True))

    assert (response.status, response.json["error"]["code"]) == (502, "upstream_cut")


async def test_an_error_inside_of_a_good_stream_is_passed_on_and_recorded_as_an_error(tmp_path: Path) -> None:
    error = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
    frames = [*anthropic_frames()[:4], error]
    async with proxied(tmp_path, streaming(frames)) as (_provider, proxy):
        response = await proxy.ask(request("claude-sonnet-4-5", stream=True), path=ANTHROPIC)

    assert response.body == b"".join(frames)
    assert (proxy.sink.ended["outcome"], proxy.sink.ended["error_code"]) == ("error", "overloaded_error")
    assert proxy.sink.ended["usage"]["is_estimated"]


async def test_an_answer_without_usage_is_billed_by_an_estimate_that_says_so(tmp_path: Path) -> None:
    frames = openai_frames(("word " * 8,), has_usage=False)
    async with proxied(tmp_path, streaming(frames)) as (_provider, proxy):
        await proxy.ask(request(stream=True))

    assert proxy.sink.ended["usage"] == {
        "input": -(-len(request(stream=True)) // 4),
        "output": 10,
        "is_estimated": True,
    }


async def test_an_answer_that_comes_compressed_unasked_passes_as_it_is_and_is_still_read(tmp_path: Path) -> None:
    squeezed = gzip.compress(openai_body())
    headers = "content-type: application/json\r\ncontent-encoding: gzip"
    async with proxied(tmp_path, answering(whole(squeezed, headers=headers))) as (_provider, proxy):
        response = await proxy.ask(request())

    assert (response.body, response.headers["content-encoding"]) == (squeezed, "gzip")
    assert proxy.sink.ended["usage"]["output"] == 20
    assert proxy.sink.ended["response_body"] == openai_body().decode()


async def test_keys_never_reach_the_record(tmp_path: Path) -> None:
    async with proxied(tmp_path, answering(whole(openai_body(f"your key is {PROVIDER_KEY}")))) as (_provider, proxy):
        await proxy.ask(request(metadata={"mine": RUN_KEY}))

    text = orjson.dumps(proxy.sink.records).decode()
    assert PROVIDER_KEY not in text
    assert RUN_KEY not in text
    assert "***" in proxy.sink.ended["request_body"]


async def test_a_slow_stream_reports_progress_once_a_second(tmp_path: Path) -> None:
    frames = openai_frames(("one ", "two ", "three "))
    clock, goes_on = MovedClock(), asyncio.Event()

    async def slow(_: Asked, wire: Wire) -> None:
        await wire.send(STREAM_HEAD + chunk(frames[0]))
        for frame in frames[1:3]:
            await goes_on.wait()
            goes_on.clear()
            await wire.send(chunk(frame))
        await goes_on.wait()
        await wire.send(chunk(b"".join(frames[3:])) + LAST_CHUNK)

    async with proxied(tmp_path, slow, clock=clock) as (_, proxy), proxy.open(request(stream=True)) as connection:
        await connection.head()
        while await connection.chunk():
            clock.seconds += 0.6  # so the third chunk comes after more than a second, and the last one too
            goes_on.set()

    assert [progress["output_tokens"] for progress in proxy.sink.of("call_progress")] == [4]
    assert proxy.sink.of("call_progress")[0]["cost_nano_usd"] > 0
