"""From a commit in SQL to what clients meet: revocations, pauses and freezes through real processes."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from pointsman.contract import digest

from controlplane.plain_sqlite import writing
from tests.fakes.databases import insert, opened
from tests.fakes.installation import Installation, installation, wait_until
from tests.integration.proxy.fake_provider import (
    LAST_CHUNK,
    STREAM_HEAD,
    Asked,
    FakeProvider,
    Wire,
    answering,
    anthropic_frames,
    chunk,
    fake_provider,
    openai_body,
    openai_frames,
    whole,
)

AGENT_KEY = "agent-key-of-a-1"
MESSAGES: list[Any] = [{"role": "user", "content": "hello"}]
TRIES = 100
PROVIDERS = """
providers:
  openai: {{base_url: "http://127.0.0.1:{port}/v1", api_key: sk-upstream}}
  anthropic: {{base_url: "http://127.0.0.1:{port}/v1", api_key: sk-upstream}}
"""


class Office:
    """What the control plane would commit, for an installation whose gateway asks `provider`."""

    def __init__(self, place: Installation, provider: FakeProvider) -> None:
        self.place = place
        self.provider = provider

    def end_run(self, number: int) -> None:
        self._commit(
            "UPDATE runs SET state = 'cancelled', reason = 'by Ada', ended_at_ms = 9e15 WHERE run_id = ?",
            f"r_{number}", topic="run", subject_id=f"r_{number}",
        )  # fmt: skip

    def set_state(self, number: int, state: str) -> None:
        self._commit(f"UPDATE runs SET state = '{state}' WHERE run_id = ?", f"r_{number}", "run", f"r_{number}")

    def freeze(self, scope: str, subject_id: str) -> None:
        self._commit(
            "INSERT INTO freezes (scope, subject_id, workspace_id, root_id, reason, actor_kind, actor_id, "
            f"actor_name, at_ms) VALUES ('{scope}', ?, 'w', '', 'spends too much', 'person', 'u', 'Ada', 1)",
            subject_id, "freeze", subject_id,
        )  # fmt: skip

    def thaw(self, subject_id: str) -> None:
        self._commit("DELETE FROM freezes WHERE subject_id = ?", subject_id, "freeze", subject_id)

    def _commit(self, statement: str, parameter: str, topic: str, subject_id: str) -> None:
        with opened(self.place.home.control_database) as control, writing(control):
            control.execute(statement, (parameter,))
            insert(control, "outbox", workspace_id="w", topic=topic, subject_id=subject_id, at_ms=1)

    async def until_parked(self, count: int = 1) -> None:
        def are_parked() -> bool:
            rows = self.place.rows("SELECT COUNT(*) AS n FROM calls WHERE outcome = '' AND error_code = 'run_paused'")
            return bool(rows[0]["n"] == count)

        await asyncio.to_thread(wait_until, are_parked, f"{count} calls are parked")

    async def park(self, client: httpx2.AsyncClient, key: str) -> "asyncio.Future[httpx2.Response]":
        """A call that waits: asked again as long as the gateway does not know yet, up to one look."""
        async with asyncio.timeout(10):
            while True:
                asking = asyncio.ensure_future(ask(client, key))
                await asyncio.wait([asking], timeout=0.5)  # the provider answers at once
                if not asking.done():
                    return asking

    async def row(self, condition: str) -> dict[str, Any]:
        rows = await asyncio.to_thread(
            wait_until, lambda: self.place.rows(f"SELECT * FROM calls WHERE {condition}"), condition
        )
        return dict(rows[0])


@asynccontextmanager
async def office(root: Path, runs: int = 3, **environment: str) -> AsyncIterator[Office]:
    with installation(root, runs, **environment) as place:
        async with fake_provider(answering(whole(openai_body()))) as provider:
            (place.home.root / "pointsman.yaml").write_text(PROVIDERS.format(port=provider.port), encoding="utf-8")
            with opened(place.home.control_database) as control, writing(control):
                insert(
                    control, "keys", key_id="k_1", workspace_id="w", kind="agent", agent_id="a_1", name="key",
                    key_digest=digest(AGENT_KEY), tail="abcd", created_at_ms=1,
                )  # fmt: skip
            await asyncio.to_thread(place.start_gateway)
            place.start_recorder()
            yield Office(place, provider)
            for process in place.processes:
                if process.poll() is None:
                    await asyncio.to_thread(place.kill, process)  # so that the provider sees its connections end


def say(what: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    p50, p99 = (ordered[int(len(ordered) * share) - 1] * 1000 for share in (0.5, 0.99))
    figures = f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, most {ordered[-1] * 1000:.0f} ms of {len(ordered)}"
    print(f"\n{what}: {figures}")  # noqa: T201 - the figures of a requirement, seen with -s


async def ask(client: httpx2.AsyncClient, key: str, **headers: str) -> httpx2.Response:
    body = {"model": "gpt-5-mini", "messages": MESSAGES}
    return await client.post("/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}", **headers})


async def test_each_of_a_hundred_revoked_runs_is_refused_within_a_second_and_stays_refused(tmp_path: Path) -> None:
    seconds = []
    async with office(tmp_path, runs=TRIES) as desk, httpx2.AsyncClient(base_url=desk.place.url) as client:
        for number in range(TRIES):
            key = desk.place.run_key(number)
            assert (await ask(client, key)).status_code == 200
            await asyncio.to_thread(desk.end_run, number)
            committed = time.monotonic()
            while (answer := await ask(client, key)).status_code == 200:
                assert time.monotonic() - committed < 1
            seconds.append(time.monotonic() - committed)
            assert answer.json()["error"]["code"] == "run_revoked"
            count = len(desk.provider.asked)
            assert (await ask(client, key)).status_code == 403
            assert len(desk.provider.asked) == count
    say("commit to refusal", seconds)
    assert max(seconds) < 1


async def test_streams_of_revoked_runs_are_cut_within_a_second_in_both_libraries(tmp_path: Path) -> None:
    tries, seconds = 20, []

    async def endless(asked: Asked, wire: Wire) -> None:
        frames = anthropic_frames()[:4] if "/messages" in asked.line else openai_frames()[:1]
        await wire.send(STREAM_HEAD + chunk(b"".join(frames)))
        await wire.gone.wait()

    async def read(stream: AsyncIterator[object], begun: asyncio.Event) -> None:
        async for _ in stream:
            begun.set()

    async with office(tmp_path, runs=tries) as desk:
        desk.provider.script = endless
        for number in range(tries):
            key, begun = desk.place.run_key(number), asyncio.Event()
            client: Any
            if number % 2:
                client = anthropic.AsyncAnthropic(base_url=desk.place.url, api_key=key, max_retries=0)
                stream = await client.messages.create(
                    model="claude-haiku-5-5", messages=MESSAGES, max_tokens=9, stream=True
                )
            else:
                client = openai.AsyncOpenAI(base_url=f"{desk.place.url}/v1", api_key=key, max_retries=0)
                stream = await client.chat.completions.create(model="gpt-5-mini", messages=MESSAGES, stream=True)
            reading = asyncio.ensure_future(read(stream, begun))
            await begun.wait()
            await asyncio.to_thread(desk.end_run, number)
            committed = time.monotonic()
            with pytest.raises((openai.APIError, anthropic.APIError), match="it was cancelled"):
                async with asyncio.timeout(1):
                    await reading
            seconds.append(time.monotonic() - committed)
            await client.close()
        await desk.provider.until(lambda: desk.provider.gone == desk.provider.connections)
        row = await desk.row(f"run_id = 'r_{tries - 1}' AND outcome <> ''")
    say("commit to cut", seconds)

    assert (row["outcome"], row["error_code"], row["after_revocation"]) == ("truncated", "run_revoked", 1)
    assert (row["input_tokens"], row["cache_read_tokens"], row["is_usage_estimated"]) == (10, 50, 1)
    assert row["cost_nano_usd"] > 0


@pytest.mark.parametrize(("scope", "subject_id"), [("task", "t_0"), ("agent", "a_1"), ("workspace", "w")])
async def test_a_freeze_parks_new_calls_and_cuts_streams_and_a_thaw_asks_each_parked_one_once(
    tmp_path: Path, scope: str, subject_id: str
) -> None:
    frames, keyed = openai_frames(), {"idempotency-key": "r_0/1"}

    async def script(asked: Asked, wire: Wire) -> None:
        if b"stream" in asked.body:
            await wire.send(STREAM_HEAD + chunk(frames[0]))
            await wire.gone.wait()
        else:
            await wire.send(whole(openai_body()))

    async with office(tmp_path) as desk, httpx2.AsyncClient(base_url=desk.place.url, timeout=30) as client:
        desk.provider.script = script
        streaming = {"model": "gpt-5-mini", "messages": MESSAGES, "stream": True}
        headers = {"authorization": f"Bearer {desk.place.run_key(0)}"}
        async with client.stream("POST", "/v1/chat/completions", json=streaming, headers=headers) as stream:
            parts = stream.aiter_raw()
            await anext(parts)
            await asyncio.to_thread(desk.freeze, scope, subject_id)
            rest = b"".join([part async for part in parts])
        waiting = [
            asyncio.ensure_future(ask(client, desk.place.run_key(0), **keyed)),
            asyncio.ensure_future(ask(client, AGENT_KEY, **{"x-pointsman-task": "T-0"})),
        ]
        await desk.until_parked(2)
        other = await ask(client, desk.place.run_key(1)) if scope == "task" else None
        asked = len(desk.provider.asked)
        held = await asyncio.to_thread(
            wait_until, lambda: desk.place.control("SELECT substate FROM run_usage WHERE substate = 'held'"), "held"
        )
        assert not any(one.done() for one in waiting)
        await asyncio.to_thread(desk.thaw, subject_id)
        answers = await asyncio.gather(*waiting)
        await desk.row("run_id = 'r_0' AND idempotency_key = 'r_0/1' AND outcome = 'ok' AND queue_us > 0")

    error = json.loads(rest.strip().rpartition(b"data: ")[2])["error"]
    assert error["code"] == "run_paused"
    assert "frozen by Ada (spends too much)" in error["message"]
    assert held
    assert other is None or other.status_code == 200
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(desk.provider.asked) == asked + 2


async def test_a_stream_runs_on_through_a_freeze_where_the_policy_says_finish(tmp_path: Path) -> None:
    release = asyncio.Event()
    frames = openai_frames()

    async def held(asked: Asked, wire: Wire) -> None:
        if b"stream" not in asked.body:
            await wire.send(whole(openai_body()))
            return
        await wire.send(STREAM_HEAD + chunk(frames[0]))
        await release.wait()
        await wire.send(chunk(b"".join(frames[1:])) + LAST_CHUNK)

    async with (
        office(tmp_path, POINTSMAN_FREEZE_STREAMS="finish") as desk,
        httpx2.AsyncClient(base_url=desk.place.url, timeout=30) as client,
    ):
        desk.provider.script = held
        streaming = {"model": "gpt-5-mini", "messages": MESSAGES, "stream": True}
        headers = {"authorization": f"Bearer {desk.place.run_key(0)}"}
        async with client.stream("POST", "/v1/chat/completions", json=streaming, headers=headers) as stream:
            parts = stream.aiter_raw()
            await anext(parts)
            await asyncio.to_thread(desk.freeze, "workspace", "w")
            waiting = await desk.park(client, desk.place.run_key(1))  # so the freeze is known
            release.set()
            rest = b"".join([part async for part in parts])
        waiting.cancel()

    assert b"[DONE]" in rest


async def test_a_gateway_killed_with_parked_calls_cuts_them_and_records_no_answer(tmp_path: Path) -> None:
    async with office(tmp_path) as desk, httpx2.AsyncClient(base_url=desk.place.url, timeout=30) as client:
        await asyncio.to_thread(desk.set_state, 0, "paused")
        key = desk.place.run_key(0)
        waiting = [await desk.park(client, key), *(asyncio.ensure_future(ask(client, key)) for _ in range(9))]
        await desk.until_parked(10)
        gateway = desk.place.processes[0]
        await asyncio.to_thread(desk.place.kill, gateway)
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        await asyncio.to_thread(
            wait_until, lambda: not desk.place.rows("SELECT 1 FROM calls WHERE outcome = ''"), "every call is over"
        )
        rows = desk.place.rows(
            "SELECT outcome, error_code, cost_nano_usd, cost_bound_nano_usd, COUNT(*) AS calls FROM calls "
            "WHERE outcome <> 'ok' GROUP BY 1, 2, 3, 4"
        )
        asked = len(desk.provider.asked)
        await asyncio.to_thread(desk.place.start_gateway)
        again = asyncio.ensure_future(ask(client, key))
        await desk.until_parked()
        await asyncio.to_thread(desk.set_state, 0, "running")
        answer = await again

    assert all(isinstance(end, httpx2.TransportError) for end in ends)
    nothing = {"cost_nano_usd": 0, "cost_bound_nano_usd": 0}
    assert rows == [{"outcome": "refused", "error_code": "interrupted", **nothing, "calls": 10}]
    assert answer.status_code == 200
    assert len(desk.provider.asked) == asked + 1


async def test_a_gateway_told_to_stop_sends_parked_calls_to_the_next_one(tmp_path: Path) -> None:
    async with office(tmp_path) as desk, httpx2.AsyncClient(base_url=desk.place.url, timeout=30) as client:
        await asyncio.to_thread(desk.set_state, 0, "paused")
        waiting = await desk.park(client, desk.place.run_key(0))
        await desk.until_parked()
        asked = len(desk.provider.asked)
        stopped = await asyncio.to_thread(desk.place.stop, desk.place.processes[0])
        answer = await waiting
        row = await desk.row("outcome = 'refused'")

    assert stopped == 0
    assert (answer.status_code, answer.headers["x-should-retry"]) == (503, "true")
    assert answer.json()["error"]["code"] == "run_paused"
    assert (row["error_code"], row["cost_nano_usd"]) == ("run_paused", 0)
    assert len(desk.provider.asked) == asked


async def test_a_call_made_while_its_run_waits_is_summed_as_the_cost_of_waiting(tmp_path: Path) -> None:
    async with office(tmp_path) as desk, httpx2.AsyncClient(base_url=desk.place.url) as client:
        assert (await ask(client, desk.place.run_key(0))).status_code == 200
        await asyncio.to_thread(desk.set_state, 0, "waiting_approval")
        await asyncio.to_thread(desk.end_run, 1)  # seen by the gateway after the one before
        async with asyncio.timeout(5):
            while (await ask(client, desk.place.run_key(1))).status_code == 200:
                pass
        assert (await ask(client, desk.place.run_key(0))).status_code == 200
        (usage,) = await asyncio.to_thread(
            wait_until,
            lambda: desk.place.control("SELECT * FROM run_usage WHERE run_id = 'r_0' AND calls = 2 AND live_calls = 0"),
            "both calls are summed",
        )

    assert usage["wait_cost_nano_usd"] * 2 == usage["cost_nano_usd"] > 0
