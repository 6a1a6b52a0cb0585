"""The official MCP client against the simulated tool server, protocol 2026-07-28."""

import anyio
import httpx2
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError

META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


def post(base_url: str, method: str, params: dict | None = None, headers: dict | None = None) -> httpx2.Response:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**(params or {}), "_meta": META}}
    sent = {"mcp-protocol-version": "2026-07-28", "mcp-method": method, **(headers or {})}
    return httpx2.post(f"{base_url}/mcp", json=body, headers=sent)


@pytest.fixture
def client(base_url):
    return Client(f"{base_url}/mcp", mode="2026-07-28")


async def test_the_official_client_lists_and_calls_the_tools(client):
    async with client:
        listed = await client.list_tools()
        found = await client.call_tool("calculate", {"expression": "14200 - 9800"})
    assert [tool.name for tool in listed.tools] == ["search", "fetch_page", "calculate", "read_table"]
    assert (found.content[0].text, found.structured_content, found.is_error) == ("4400", {"value": 4400.0}, False)


async def test_the_client_that_probes_settles_on_the_modern_era(base_url):
    async with Client(f"{base_url}/mcp", mode="auto") as client:
        assert len((await client.list_tools()).tools) == 4


async def test_the_refused_page_is_an_error_of_the_tool_and_not_of_the_protocol(client):
    async with client:
        refused = await client.call_tool("fetch_page", {"url": "https://market.example/support/2026/amounts"})
    assert refused.is_error
    assert refused.content[0].text.startswith("403 Forbidden")


async def test_an_unknown_tool_and_a_missing_argument_are_invalid_params(client):
    async with client:
        with pytest.raises(MCPError) as unknown:
            await client.call_tool("nothing", {})
        with pytest.raises(MCPError) as missing:
            await client.call_tool("search", {})
    assert (unknown.value.error.code, missing.value.error.code) == (-32602, -32602)


async def test_progress_is_streamed_before_the_result(client):
    seen = []

    async def note(progress, total, message):
        seen.append((progress, total))

    async with client:
        found = await client.call_tool("read_table", {"name": "market"}, progress_callback=note)
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert len(found.structured_content["rows"]) == 6


async def test_a_client_that_gives_up_leaves_the_call_unfinished(client, base_url):
    async with client:
        with anyio.move_on_after(0.3) as patience:
            await client.call_tool("search", {"query": "[[sim:stall]]"})
    assert patience.cancelled_caught
    assert [(call["model"], call["finished"]) for call in httpx2.get(f"{base_url}/sim/calls").json()] == [
        ("search", False)
    ]


def test_headers_that_contradict_the_body_are_refused(base_url):
    answer = post(base_url, "tools/list", headers={"mcp-method": "tools/call"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32020)


def test_a_method_that_does_not_exist_is_404(base_url):
    answer = post(base_url, "resources/list")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, -32601)


def test_a_legacy_handshake_is_told_the_version_that_is_spoken(base_url):
    body = {"jsonrpc": "2.0", "id": 7, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}
    answer = httpx2.post(f"{base_url}/mcp", json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, -32022)
    assert error["data"] == {"supported": ["2026-07-28"], "requested": "2025-11-25"}


def test_a_notification_is_accepted_and_anything_but_post_is_not(base_url):
    body = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    accepted = httpx2.post(f"{base_url}/mcp", json=body, headers={"mcp-protocol-version": "2026-07-28"})
    assert (accepted.status_code, accepted.content) == (202, b"")
    assert httpx2.get(f"{base_url}/mcp").status_code == 405
