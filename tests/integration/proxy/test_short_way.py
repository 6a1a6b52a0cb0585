"""Calls that need no task: answered, failed, left, revoked and cut off like all others."""

import asyncio
from pathlib import Path

import pytest
from typing_extensions import override

from proxy.front_client import FrontClient
from tests.integration.proxy.fake_provider import (
    LAST_CHUNK,
    STREAM_HEAD,
    Asked,
    Wire,
    answering,
    chunk,
    openai_body,
    openai_frames,
    whole,
)
from tests.integration.proxy.running import AGENT_KEY, RUN_KEY, MemorySink, connected, proxied, request, written

WHOLE = answering(whole(openai_body()))
STREAM = STREAM_HEAD + chunk(b"".join(openai_frames())) + LAST_CHUNK


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls that needed one."""
    seen: list[str] = []
    spawn = FrontClient.spawn

    def noting(client: FrontClient, steps: object) -> None:
        seen.append(client.call.call_id if client.call is not None else "")
        spawn(client, steps)  # type: ignore[arg-type]

    monkeypatch.setattr(FrontClient, "spawn", noting)
    return seen


async def test_a_whole_answer_and_a_whole_stream_need_no_task(tmp_path: Path, tasks: list[str]) -> None:
    async def by_kind(asked: Asked, wire: Wire) -> None:
        await (answering(STREAM) if b'"stream":true' in asked.body else WHOLE)(asked, wire)

    async with proxied(tmp_path, by_kind) as (provider, proxy):
        assert (await proxy.ask(request())).body == openai_body()
        streamed = await proxy.ask(request(stream=True))
        await proxy.ask(request())

    assert tasks == []
    assert streamed.body.endswith(b"data: [DONE]\n\n")
    assert b'"usage":{' not in streamed.body  # the provider was asked for it, the client did not
    assert [ended["outcome"] for ended in proxy.sink.of("call_ended")] == ["ok", "ok", "ok"]
    assert provider.connections == 1


async def test_a_stream_of_a_chunk_for_each_event_is_the_same_to_client_and_log(
    tmp_path: Path, tasks: list[str]
) -> None:
    frames = openai_frames(tuple(f"word {number} " for number in range(40)))
    bodies = [b"".join(map(chunk, frames)), chunk(b"".join(frames))]
    found = []
    for body in bodies:
        async with proxied(tmp_path, answering(STREAM_HEAD + body + LAST_CHUNK)) as (_, proxy):
            answer = await proxy.ask(request(stream=True))
        ended = proxy.sink.ended
        found.append((answer.body, ended["usage"], ended["stop_reason"], ended["response_digest"], ended["outcome"]))

    assert tasks == []
    assert found[0] == found[1]
    assert found[0][0] == b"".join([*frames[:-2], frames[-1]])  # without the usage that the client did not ask for


async def test_a_stream_that_is_cut_goes_out_as_far_as_it_came(tmp_path: Path, tasks: list[str]) -> None:
    frames = openai_frames()[:2]
    async with proxied(tmp_path, answering(STREAM_HEAD + chunk(b"".join(frames)) + LAST_CHUNK)) as (_, proxy):
        answer = await proxy.ask(request(stream=True))
    assert answer.body.startswith(b"".join(frames))
    assert b"upstream_cut" in answer.body
    assert proxy.sink.ended["outcome"] == "truncated"
    assert len(tasks) == 1


async def test_requests_with_the_same_head_on_one_connection_keep_their_own_bodies_and_callers(tmp_path: Path) -> None:
    async with proxied(tmp_path, WHOLE) as (provider, proxy), connected(proxy) as connection:
        bodies = [request(extra="x" * count) for count in (0, 5, 5000, 1)]
        for body in bodies:
            connection.writer.write(written(body))
            assert (await connection.response()).status == 200
        connection.writer.write(written(b"{}"))
        assert (await connection.response()).status == 404
        connection.writer.write(written(bodies[0], key=AGENT_KEY))
        assert (await connection.response()).status == 200
        proxy.policy.change(RUN_KEY, state="revoked")
        connection.writer.write(written(bodies[0]))
        assert (await connection.response()).status == 403

    assert [asked.body for asked in provider.asked] == [*bodies, bodies[0]]
    keys = [started["key_id"] for started in proxy.sink.of("call_started")]
    assert keys == ["r_1"] * 5 + ["k_agent"]


@pytest.mark.parametrize("refused_at", [1, 2], ids=["before the provider is asked", "before the client is answered"])
async def test_a_log_that_takes_no_record_fails_the_call_and_not_the_connection(
    tmp_path: Path, refused_at: int
) -> None:
    class Full(MemorySink):
        writes = 0

        @override
        def write(self, *records: bytes) -> None:
            self.writes += 1
            if self.writes == refused_at:
                raise OSError(28, "No space left on device")
            super().write(*records)

    async with proxied(tmp_path, WHOLE, sink=Full()) as (provider, proxy), connected(proxy) as connection:
        connection.writer.write(written(request()))
        failed = await connection.response()
        connection.writer.write(written(request()))
        answered = await connection.response()

    assert (failed.status, answered.status) == (500, 200)
    assert "space" not in failed.body.decode()
    assert len(provider.asked) == refused_at


async def test_a_connection_that_the_provider_had_closed_costs_the_call_nothing(tmp_path: Path) -> None:
    async with proxied(tmp_path, WHOLE) as (provider, proxy):
        await proxy.ask(request())

        async def closing(asked: Asked, wire: Wire) -> None:
            if len(provider.asked) == 2:  # on the reused connection: without one byte of an answer
                wire.cut()
            else:
                await WHOLE(asked, wire)

        provider.script = closing
        assert (await proxy.ask(request())).status == 200

    assert len(provider.asked) == 3
    assert len(proxy.sink.of("call_started")) == len(proxy.sink.of("call_ended")) == 2


async def test_a_call_under_way_when_the_grace_is_over_is_recorded_as_interrupted(tmp_path: Path) -> None:
    async def silent(_: Asked, wire: Wire) -> None:
        await wire.gone.wait()

    async with proxied(tmp_path, silent) as (provider, proxy):
        _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(written(request()))
        await provider.until(lambda: len(provider.asked) == 1)
    writer.close()

    assert (proxy.sink.ended["outcome"], proxy.sink.ended["error_code"]) == ("error", "interrupted")
