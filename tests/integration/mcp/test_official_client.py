"""The official MCP client through the gateway gets exactly what it gets from the server itself."""

import anyio
import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from proxy.records import CallEnded, CallStarted
from tests.integration.mcp.conftest import AGENT_KEY, RUN_KEY, Gateway


class Reached:
    """An official client, direct or through the gateway, for one `async with`."""

    def __init__(self, url: str, key: str = "") -> None:
        self._http = httpx2.AsyncClient(headers={"authorization": f"Bearer {key}"} if key else {}, timeout=10)
        self._client = Client(streamable_http_client(url, http_client=self._http), mode="2026-07-28")

    async def __aenter__(self) -> Client:
        return await self._client.__aenter__()

    async def __aexit__(self, *exc):
        await self._client.__aexit__(*exc)
        await self._http.aclose()


async def everything(client: Client) -> list[object]:
    """What a client sees of a server: tools, answers, progress, errors of the tool and of the protocol."""
    seen: list[object] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, total, message))

    seen.append(await client.list_tools())
    seen.append(await client.call_tool("search", {"query": "Finland heat pump subsidy"}))
    seen.append(await client.call_tool("read_table", {"name": "market"}, progress_callback=note))
    seen.append(await client.call_tool("fetch_page", {"url": "/support/2026/amounts"}))
    with pytest.raises(MCPError) as unknown:
        await client.call_tool("größe", {})
    seen.append(unknown.value.error)
    return seen


async def test_a_client_sees_the_same_through_the_gateway_as_without_it(gateway: Gateway):
    async with Reached(f"{gateway.upstream_url}/mcp") as client:
        direct = await everything(client)
    async with Reached(gateway.url, RUN_KEY) as client:
        through = await everything(client)
    assert through == direct
    assert len([seen for seen in through if isinstance(seen, tuple)]) == 4


async def test_every_call_is_recorded_with_who_called_what(gateway: Gateway):
    async with Reached(gateway.url, RUN_KEY) as client:
        await client.list_tools()
        await client.call_tool("search", {"query": "Finland heat pump subsidy"})
        await client.call_tool("fetch_page", {"url": "/support/2026/amounts"})
    listed, searched, refused = [record for record in gateway.sink.records if isinstance(record, CallStarted)]
    ends = [record for record in gateway.sink.records if isinstance(record, CallEnded)]
    assert [record.call_id for record in ends] == [listed.call_id, searched.call_id, refused.call_id]
    assert {
        name: getattr(searched, name)
        for name in ("kind", "workspace_id", "key_id", "provider", "model", "dialect", "endpoint", "agent_id", "run_id")
    } == {
        "kind": "tool",
        "workspace_id": "w_1",
        "key_id": "k_run",
        "provider": "web",
        "model": "web/search",
        "dialect": "mcp",
        "endpoint": "/mcp/web",
        "agent_id": "a_1",
        "run_id": "r_1",
    }
    assert (searched.task_id, searched.epoch, searched.is_simulated) == ("t_1", 3, True)
    assert (listed.model, searched.label) == ("web/tools/list", '"Finland heat pump subsidy"')
    assert [(end.outcome, end.status, end.error_code) for end in ends] == [
        ("ok", 200, ""),
        ("ok", 200, ""),
        ("error", 200, "tool_error"),
    ]
    assert "subsidy" in ends[1].request_body
    assert "market.example" in ends[1].response_body
    assert all(0 < end.first_byte_us <= end.total_us for end in ends)


async def test_the_same_call_again_shows_by_its_fingerprint_and_its_answer(gateway: Gateway):
    async with Reached(gateway.url, AGENT_KEY) as client:
        for query in ("a", "b", "a"):
            await client.call_tool("search", {"query": query})
    starts = [record for record in gateway.sink.records if isinstance(record, CallStarted)]
    digests = {
        record.call_id: record.response_digest for record in gateway.sink.records if isinstance(record, CallEnded)
    }
    first, other, again = [
        record for record in starts if record.model == "web/search"
    ]  # the client lists tools by itself
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert digests[first.call_id] == digests[again.call_id]


async def test_a_client_that_gives_up_cancels_the_call_at_the_server(gateway: Gateway):
    async with Reached(gateway.url, AGENT_KEY) as client:
        with anyio.move_on_after(0.5):
            await client.call_tool("search", {"query": "[[sim:stall]]"})
        with anyio.fail_after(5):
            while not any(isinstance(record, CallEnded) for record in gateway.sink.records):
                await anyio.sleep(0.02)
    (end,) = [record for record in gateway.sink.records if isinstance(record, CallEnded)]
    assert (end.outcome, end.status) == ("client_left", 499)
    (asked,) = httpx2.get(f"{gateway.upstream_url}/sim/calls").json()
    assert asked["finished"] is False


async def test_an_agents_key_is_put_down_to_its_only_live_run(gateway: Gateway):
    async with Reached(gateway.url, AGENT_KEY) as client:
        await client.list_tools()
    assert (gateway.sink.records[0].key_id, gateway.sink.records[0].run_id) == ("k_agent", "r_1")
