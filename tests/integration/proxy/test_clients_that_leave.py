"""Nobody pays for what nobody reads; and who leaves does not end somebody else's call."""

import asyncio
from pathlib import Path

import pytest

from proxy.deps import Limits
from tests.integration.proxy.fake_provider import (
    LAST_CHUNK,
    STREAM_HEAD,
    Asked,
    Wire,
    anthropic_frames,
    chunk,
    openai_frames,
)
from tests.integration.proxy.running import proxied, request

ANTHROPIC = "/v1/messages"


async def test_a_client_that_leaves_mid_stream_ends_the_upstream_call_and_is_billed(tmp_path: Path) -> None:
    frames = anthropic_frames(("word " * 40, "more"))

    async def endless(_: Asked, wire: Wire) -> None:
        await wire.send(STREAM_HEAD + chunk(b"".join(frames[:4])))
        await wire.gone.wait()

    async with proxied(tmp_path, endless) as (provider, proxy):
        async with proxy.open(request("claude-sonnet-4-5", stream=True), path=ANTHROPIC) as connection:
            await connection.head()
            await connection.chunk()
        await provider.until(lambda: provider.gone == 1)

    ended = proxy.sink.ended
    assert (ended["outcome"], ended["status"]) == ("client_left", 200)
    assert ended["usage"] == {"input": 10, "cache_read": 50, "output": 50, "is_estimated": True}
    assert ended["cost_nano_usd"] == 10 * 3000 + 50 * 300 + 50 * 15000


async def test_a_client_that_leaves_before_the_answer_ends_the_upstream_call(tmp_path: Path) -> None:
    async def silent(_: Asked, wire: Wire) -> None:
        await wire.gone.wait()

    async with proxied(tmp_path, silent) as (provider, proxy):
        async with proxy.open(request()):
            await provider.until(lambda: len(provider.asked) == 1)
        await provider.until(lambda: provider.gone == 1)

    ended = proxy.sink.ended
    assert (ended["outcome"], ended["error_code"]) == ("client_left", "client_left")
    assert ended["usage"] == {"input": -(-len(request()) // 4), "is_estimated": True}


async def test_a_call_that_is_over_never_ends_the_next_one_on_its_connection(tmp_path: Path) -> None:
    """The trap: the watcher of the first call wakes after its last byte, while the second uses the same connection."""
    frames = openai_frames()

    async def slowly(_: Asked, wire: Wire) -> None:
        await wire.send(STREAM_HEAD + chunk(frames[0]))
        await provider.until(lambda: True)
        for frame in frames[1:]:
            await wire.send(chunk(frame))
        await wire.send(LAST_CHUNK)

    async with proxied(tmp_path, slowly, limits=Limits(watch_after_seconds=0)) as (provider, proxy):

        async def several(count: int) -> list[int]:
            sizes = []
            for _ in range(count):  # the client closes its connection after each answer
                response = await proxy.ask(request(stream=True))
                sizes.append(len(response.body))
            return sizes

        sizes = await asyncio.gather(*(several(6) for _ in range(8)))

    assert {size for row in sizes for size in row} == {len(b"".join(frames[:-2] + frames[-1:]))}
    assert {ended["outcome"] for ended in proxy.sink.of("call_ended")} == {"ok"}
    assert provider.connections <= 8  # so they were reused


async def test_a_client_that_reads_slowly_holds_the_provider_back(tmp_path: Path) -> None:
    sent = 0
    frame = openai_frames(("x" * 60_000,))[0]

    async def flood(_: Asked, wire: Wire) -> None:
        nonlocal sent
        await wire.send(STREAM_HEAD)
        while not wire.gone.is_set():
            await wire.send(chunk(frame))
            sent += len(frame)
            await provider._note()

    async with proxied(tmp_path, flood) as (provider, proxy):
        async with proxy.open(request(stream=True)) as connection:
            await connection.head()
            with pytest.raises(TimeoutError):  # the provider can write no more
                async with asyncio.timeout(2):
                    await provider.until(lambda: sent > 64 * 1024 * 1024)
        await provider.until(lambda: provider.gone == 1)

    assert proxy.sink.ended["outcome"] == "client_left"
    assert proxy.sink.ended["is_body_cut"]
