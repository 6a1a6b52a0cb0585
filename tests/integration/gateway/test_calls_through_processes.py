"""Real gateway and recorder processes in front of a fake provider: what is recorded is what happened."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from controlplane.plain_sqlite import writing
from tests.fakes.databases import insert, opened
from tests.fakes.installation import Installation, insert_run, installation, wait_until
from tests.fakes.upstream import COMPLETION_TOKENS, fake_upstream

CALLERS = 64


async def ask(client: httpx2.AsyncClient, key: str) -> httpx2.Response:
    body = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "hello"}]}
    return await client.post("/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}"})


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path, runs=8) as place:
        yield place


class Callers:
    """Concurrent clients, each asking again as soon as it was answered, until the gateway is gone."""

    def __init__(self, place: Installation) -> None:
        self.place = place
        self.answered: set[str] = set()  # request ids of answers that arrived whole
        self.cost = 0

    async def ask(self, client: httpx2.AsyncClient, number: int) -> None:
        body = {"model": "gpt-5-mini", "max_tokens": 50, "stream": number % 2 == 1}
        body["messages"] = [{"role": "user", "content": f"caller {number}, question {len(self.answered)}"}]
        headers = {"authorization": f"Bearer {self.place.run_key(number % 8)}"}
        answer = await client.post("/v1/chat/completions", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        assert b"answer" in answer.content
        self.answered.add(answer.headers["x-request-id"])

    async def keep_asking(self, number: int, until: int) -> None:
        async with httpx2.AsyncClient(base_url=self.place.url, timeout=30) as client:
            while len(self.answered) < until:
                try:
                    await self.ask(client, number)
                except httpx2.TransportError:
                    return


async def settled(place: Installation) -> None:
    """Waits until no call is in flight and every roll-up is told."""

    def is_settled() -> bool:
        stale = place.rows("SELECT COUNT(*) AS n FROM stale_rollups")[0]["n"]
        return not stale and not place.rows("SELECT 1 FROM calls WHERE outcome = '' LIMIT 1")

    await asyncio.to_thread(wait_until, is_settled, "no call is in flight and roll-ups are told")


def assert_roll_ups_are_sums(place: Installation) -> None:
    sums = place.rows(
        "SELECT run_id, COUNT(*) AS calls, SUM(outcome = 'unknown') AS unknown_calls, "
        "SUM(cost_nano_usd) AS cost_nano_usd, SUM(input_tokens) AS input_tokens, SUM(output_tokens) AS output_tokens, "
        "SUM(CASE WHEN outcome = 'unknown' THEN cost_bound_nano_usd ELSE 0 END) AS bound_nano_usd "
        "FROM calls GROUP BY run_id ORDER BY run_id"
    )
    usage = place.control(
        "SELECT run_id, calls, unknown_calls, cost_nano_usd, input_tokens, output_tokens, bound_nano_usd "
        "FROM run_usage ORDER BY run_id"
    )
    assert usage == sums


async def test_a_killed_gateway_loses_no_answered_call(place: Installation) -> None:
    place.start_recorder()
    gateway = place.start_gateway()
    callers = Callers(place)
    async with fake_upstream(place.upstream_port, delay_seconds=0.02), asyncio.TaskGroup() as tasks:
        asking = [tasks.create_task(callers.keep_asking(number, 10_000)) for number in range(CALLERS)]
        await asyncio.to_thread(wait_until, lambda: len(callers.answered) > 300, "300 calls are answered")
        place.kill(gateway)
        await asyncio.wait(asking, timeout=20)
        place.start_gateway()
        await settled(place)

    rows = {row["call_id"]: row for row in place.rows("SELECT * FROM calls")}
    assert {call_id for call_id in callers.answered if rows.get(call_id, {}).get("outcome") != "ok"} == set()
    beyond = [row for call_id, row in rows.items() if call_id not in callers.answered]
    assert len(beyond) <= CALLERS
    unknown = [row for row in beyond if row["outcome"] == "unknown"]
    assert unknown, "nothing was in flight: the kill came too late to show anything"
    assert all(row["cost_bound_nano_usd"] > 0 and row["cost_nano_usd"] == 0 for row in unknown)
    assert_roll_ups_are_sums(place)


async def test_a_recorder_killed_again_and_again_counts_every_call_once(place: Installation) -> None:
    place.start_gateway()
    callers = Callers(place)
    async with fake_upstream(place.upstream_port) as upstream, asyncio.TaskGroup() as tasks:
        asking = [tasks.create_task(callers.keep_asking(number, 1500)) for number in range(16)]
        for kill in range(1, 6):
            recorder = place.start_recorder()
            await asyncio.to_thread(
                wait_until, lambda kill=kill: place.rows("SELECT COUNT(*) AS n FROM calls")[0]["n"] > 150 * kill, "rows"
            )
            place.kill(recorder)
        place.start_recorder()
        await asyncio.wait(asking, timeout=30)
        await asyncio.to_thread(
            wait_until,
            lambda: place.rows("SELECT COUNT(*) AS n FROM calls WHERE outcome = 'ok'")[0]["n"] >= len(callers.answered),
            "all calls have ended",
        )
        await settled(place)

    assert {row["call_id"] for row in place.rows("SELECT call_id FROM calls WHERE outcome = 'ok'")} == callers.answered
    assert place.rows("SELECT COUNT(*) AS n FROM call_bodies")[0]["n"] == len(callers.answered)
    assert_roll_ups_are_sums(place)
    # gpt-5-mini: 0.25 $ a million in, 2 $ a million out
    cost = sum(250 * tokens + 2000 * COMPLETION_TOKENS for tokens in upstream.prompt_tokens)
    assert sum(row["cost_nano_usd"] for row in place.control("SELECT cost_nano_usd FROM run_usage")) == cost


async def test_a_run_is_refused_within_a_second_of_its_end(place: Installation) -> None:
    place.start_gateway()
    async with fake_upstream(place.upstream_port), httpx2.AsyncClient(base_url=place.url) as client:
        assert (await ask(client, place.run_key())).status_code == 200
        with opened(place.home.control_database) as control, writing(control):
            control.execute("UPDATE runs SET state = 'cancelled', reason = 'by Ada', ended_at_ms = 9e15")
            insert(control, "outbox", workspace_id="w", topic="run", subject_id="r_0", at_ms=1)
        ended = time.monotonic()
        while (answer := await ask(client, place.run_key())).status_code == 200:
            await asyncio.sleep(0.01)
        assert time.monotonic() - ended < 1

    assert answer.status_code == 403
    assert answer.headers["x-should-retry"] == "false"
    assert answer.json()["error"]["code"] == "run_revoked"
    assert "it was cancelled (by Ada)" in answer.json()["error"]["message"]


async def test_a_run_just_claimed_may_call_at_once(place: Installation) -> None:
    place.start_gateway()
    async with fake_upstream(place.upstream_port), httpx2.AsyncClient(base_url=place.url) as client:
        for number in range(100, 120):
            with opened(place.home.control_database) as control, writing(control):
                insert_run(control, number)
                insert(control, "outbox", workspace_id="w", topic="run", subject_id=f"r_{number}", at_ms=1)
            assert (await ask(client, place.run_key(number))).status_code == 200


async def test_told_to_stop_both_processes_end_cleanly_and_everything_is_recorded(place: Installation) -> None:
    recorder, gateway = place.start_recorder(), place.start_gateway()
    async with fake_upstream(place.upstream_port, delay_seconds=0.5), httpx2.AsyncClient(base_url=place.url) as client:
        asking = asyncio.ensure_future(ask(client, place.run_key()))
        await asyncio.to_thread(wait_until, lambda: place.rows("SELECT 1 FROM calls"), "the call has begun")
        assert await asyncio.to_thread(place.stop, gateway) == 0
        assert (await asking).status_code == 200
    assert place.stop(recorder) == 0
    assert [row["outcome"] for row in place.rows("SELECT outcome FROM calls")] == ["ok"]
    assert place.control("SELECT calls, live_calls FROM run_usage") == [{"calls": 1, "live_calls": 0}]
    assert {row["name"] for row in place.control("SELECT name FROM processes")} == {"proxy", "recorder"}


async def test_calls_go_on_while_the_recorder_is_down_and_are_recorded_when_it_is_back(place: Installation) -> None:
    place.start_gateway()
    async with fake_upstream(place.upstream_port), httpx2.AsyncClient(base_url=place.url) as client:
        for _ in range(5):
            assert (await ask(client, place.run_key())).status_code == 200
    assert place.rows("SELECT * FROM calls") == []
    place.start_recorder()
    await asyncio.to_thread(
        wait_until, lambda: len(place.rows("SELECT * FROM calls WHERE outcome = 'ok'")) == 5, "rows"
    )


async def test_a_tool_call_is_put_down_to_its_run_like_a_model_call(place: Installation) -> None:
    place.start_recorder()
    place.start("proxy.simulated", "--port", str(place.upstream_port), "--speed", "fast")
    place.start_gateway()
    await asyncio.to_thread(wait_until, lambda: place.accepts(place.upstream_port), "the tool server accepts calls")
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
    params = {"name": "search", "arguments": {"query": "heat pumps"}, "_meta": meta}
    headers = {
        "authorization": f"Bearer {place.run_key()}", "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "search",
    }  # fmt: skip
    async with httpx2.AsyncClient(base_url=place.url, headers=headers) as client:
        request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        assert (await client.post("/mcp/simulated", json=request)).status_code == 200
    await asyncio.to_thread(wait_until, lambda: place.control("SELECT 1 FROM run_usage WHERE live_calls = 0"), "a row")

    (call,) = place.rows("SELECT kind, model, outcome, run_id, is_simulated FROM calls")
    assert call == {"kind": "tool", "model": "simulated/search", "outcome": "ok", "run_id": "r_0", "is_simulated": 1}
    assert place.control("SELECT tool_calls, cost_nano_usd FROM run_usage") == [{"tool_calls": 1, "cost_nano_usd": 0}]


async def test_a_second_recorder_waits_and_takes_over(place: Installation) -> None:
    def present() -> list[int]:
        return [row["pid"] for row in place.control("SELECT pid FROM processes WHERE name = 'recorder'")]

    first = place.start_recorder()
    await asyncio.to_thread(wait_until, lambda: present() == [first.pid], "the first one is at work")
    second = place.start_recorder()
    place.kill(first)
    await asyncio.to_thread(wait_until, lambda: present() == [second.pid], "the second one is at work")
