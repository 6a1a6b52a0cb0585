"""Tool calls of runs that are held, frozen or taken away."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from proxy.fence import Fencing
from tests.integration.proxy.fake_provider import LAST_CHUNK, STREAM_HEAD, Asked, Script, Wire, answering, chunk, whole
from tests.integration.proxy.running import RUN_KEY, Running, proxied
from tests.integration.proxy.test_parking import HELD, LIVE, until_parked

META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
HEADERS = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "pay"}
CALL = orjson.dumps(
    {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "pay", "arguments": {}, "_meta": META}}
)
RESULT = b'{"jsonrpc":"2.0","id":1,"result":{"content":[]}}'
PROGRESS = b'data: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n'


def opened(proxy: Running, **headers: str) -> Any:
    return proxy.open(
        CALL, path="/mcp/web", headers=HEADERS | {name.replace("_", "-"): v for name, v in headers.items()}
    )


def code_of(body: bytes) -> str:
    return str(orjson.loads(body)["error"]["data"]["code"])


@pytest.mark.parametrize("headers", [{}, {"idempotency_key": "r_1/1"}], ids=["plain", "keyed"])
async def test_a_parked_tool_call_goes_on_when_its_run_does_and_is_asked_once(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    async with proxied(tmp_path, answering(whole(RESULT)), has_tools=True) as (server, proxy):
        proxy.policy.change(RUN_KEY, **HELD)
        async with opened(proxy, **headers) as connection:
            await until_parked(proxy)
            assert server.asked == []
            proxy.policy.change(RUN_KEY, **LIVE)
            response = await connection.response()

    assert (response.status, response.body) == (200, RESULT)
    assert len(server.asked) == 1
    assert [record["type"] for record in proxy.sink.records] == ["call_parked", "call_started", "call_ended"]
    assert proxy.sink.of("call_parked")[0]["call"]["model"] == "web/pay"
    assert proxy.sink.ended["queue_us"] > 0


async def test_a_parked_tool_call_whose_run_is_taken_away_gets_403(tmp_path: Path) -> None:
    async with proxied(tmp_path, answering(whole(RESULT)), has_tools=True) as (server, proxy):
        proxy.policy.change(RUN_KEY, **HELD)
        async with opened(proxy) as connection:
            await until_parked(proxy)
            proxy.policy.change(RUN_KEY, state="revoked")
            response = await connection.response()

    assert (response.status, code_of(response.body)) == (403, "run_revoked")
    assert server.asked == []
    assert proxy.sink.ended["outcome"] == "refused"


async def test_a_parked_tool_call_is_sent_away_at_the_bound_and_let_go_when_its_client_leaves(tmp_path: Path) -> None:
    async with proxied(tmp_path, answering(whole(RESULT)), has_tools=True, fencing=Fencing(park_seconds=0.2)) as (
        server,
        proxy,
    ):
        proxy.policy.change(RUN_KEY, **HELD)
        async with opened(proxy):
            await until_parked(proxy)
        async with opened(proxy) as connection:
            response = await connection.response()

    assert (response.status, code_of(response.body)) == (503, "run_paused")
    assert response.headers["x-should-retry"] == "true"
    assert [ended["outcome"] for ended in proxy.sink.of("call_ended")] == ["client_left", "refused"]
    assert server.asked == []


def beginning(release: asyncio.Event) -> Script:
    """A streamed tool answer that ends when it is told to."""

    async def script(_: Asked, wire: Wire) -> None:
        await wire.send(STREAM_HEAD + chunk(PROGRESS))
        async with asyncio.TaskGroup() as group:
            waits = [group.create_task(event.wait()) for event in (release, wire.gone)]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
        await wire.send(chunk(b"data: " + RESULT + b"\n\n") + LAST_CHUNK)

    return script


@pytest.mark.parametrize(
    ("change", "code"),
    [({"state": "revoked"}, "run_revoked"), ({"state": "held", "is_frozen": True}, "run_paused")],
    ids=["revoked", "frozen"],
)
async def test_a_streamed_tool_answer_is_cut_with_an_error_under_the_calls_id(
    tmp_path: Path, change: dict[str, Any], code: str
) -> None:
    async with (
        proxied(tmp_path, beginning(asyncio.Event()), has_tools=True) as (server, proxy),
        opened(proxy) as connection,
    ):
        await connection.head()
        await connection.chunk()
        proxy.policy.change(RUN_KEY, **change)
        last = (await connection.chunk()).strip().rpartition(b"data: ")[2]
        await server.until(lambda: server.gone == 1)

    assert (orjson.loads(last)["id"], code_of(last)) == (1, code)
    assert (proxy.sink.ended["outcome"], proxy.sink.ended["error_code"]) == ("truncated", code)


async def test_a_keyed_tool_call_is_asked_to_its_end_so_that_a_retry_does_not_make_it_twice(tmp_path: Path) -> None:
    release = asyncio.Event()
    async with proxied(tmp_path, beginning(release), has_tools=True) as (server, proxy):
        async with opened(proxy, idempotency_key="r_1/2") as connection:
            await connection.head()
            await connection.chunk()
            proxy.policy.change(RUN_KEY, state="held", is_frozen=True)
            release.set()
            assert RESULT in await connection.chunk()
        proxy.policy.change(RUN_KEY, state="live", is_frozen=False)
        async with opened(proxy, idempotency_key="r_1/2") as connection:
            again = await connection.response()

    assert orjson.loads(again.body) == orjson.loads(RESULT)
    assert len(server.asked) == 1
