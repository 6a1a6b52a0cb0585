"""The gateway byte by byte: what passes, what is refused, what is told when the server fails."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import orjson
import pytest

from proxy.records import CallEnded, CallStarted
from tests.integration.mcp.conftest import OLD_RUN_KEY, RUN_KEY, Gateway

META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


def tool_call(tool: str = "search", request_id: object = 1, meta: dict | None = None, **arguments: object) -> dict:
    params = {"name": tool, "arguments": arguments or {"query": "prices"}, "_meta": {**META, **(meta or {})}}
    return {"jsonrpc": "2.0", "id": request_id, "method": "tools/call", "params": params}


def post(gateway: Gateway, body: dict | bytes, key: str = RUN_KEY, url: str = "", **headers: str) -> httpx2.Response:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    routing = {"mcp-protocol-version": "2026-07-28"}
    if isinstance(body, dict):
        routing["mcp-method"] = body["method"]
        if "name" in body["params"]:
            routing["mcp-name"] = body["params"]["name"]
    sent = {"x-api-key": key, "accept": "application/json, text/event-stream", **routing}
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.post(url or gateway.url, content=raw, headers={**sent, **given}, timeout=10)


def error_of(answer: httpx2.Response) -> tuple[int, int, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error.get("data", {}).get("code", "")


def asked(gateway: Gateway) -> list[dict]:
    return httpx2.get(f"{gateway.upstream_url}/sim/calls").json()


def ended(gateway: Gateway) -> list[CallEnded]:
    return [record for record in gateway.sink.records if isinstance(record, CallEnded)]


@contextlib.asynccontextmanager
async def scripted(answer: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that says exactly these bytes and closes; and the requests that it read."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        heard.append(head + await reader.readexactly(length))
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/tools/", heard


def http(body: bytes, content_type: bytes = b"application/json", status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b" % (status, content_type, len(body), body)


# --- what passes ---


async def test_bytes_pass_unchanged_both_ways_whatever_they_hold(gateway: Gateway):
    params = b'{"_meta":%b}' % orjson.dumps(META)
    request = (
        b'{"jsonrpc":"2.0","id":1,  "later":{"b":1.50,"a":12345678901234567890123},"method":"tools/list","params":%b}'
        % params
    )
    answer = b'{"jsonrpc":"2.0" ,"id":1,"result":{"tools":[],"x-new":{"z":1,"a":2.50}}}'
    async with scripted(http(answer)) as (url, heard):
        gateway.point_at(url)
        received = await asyncio.to_thread(post, gateway, request, mcp_method="tools/list")
    assert heard[0].endswith(b"\r\n\r\n" + request)
    assert received.content == answer


async def test_the_agents_key_stays_here_and_the_configured_header_goes_on(gateway: Gateway):
    async with scripted(http(b'{"jsonrpc":"2.0","id":1,"result":{}}')) as (url, heard):
        gateway.point_at(url)
        headers = {"mcp_param_region": "eu", "traceparent": "00-a-b-01", "baggage": "secret=1", "cookie": "c=1"}
        await asyncio.to_thread(post, gateway, tool_call(), RUN_KEY, "", **headers)
    head = heard[0].partition(b"\r\n\r\n")[0].lower()
    assert head.startswith(b"post /tools/ http/1.1\r\n")
    assert RUN_KEY.lower().encode() not in heard[0].lower()
    for line in (b"x-secret: s3cret-token", b"mcp-param-region: eu", b"mcp-name: search", b"traceparent: 00-a-b-01"):
        assert line in head
    for name in (b"authorization", b"baggage", b"cookie", b"user-agent"):
        assert name not in head


def test_a_trace_context_in_meta_is_recorded_and_passed_on(gateway: Gateway):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    post(gateway, tool_call(meta={"traceparent": trace}))
    assert gateway.sink.records[0].traceparent == asked(gateway)[0]["traceparent"] == trace


def test_an_answer_names_the_call_and_says_that_it_is_simulated(gateway: Gateway):
    answer = post(gateway, tool_call())
    assert answer.headers["x-request-id"] == gateway.sink.records[0].call_id
    assert answer.headers["x-pointsman-simulated"] == "true"


def test_events_stream_through_as_they_come(gateway: Gateway):
    answer = post(gateway, tool_call("read_table", meta={"progressToken": "p"}, name="market"))
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.content.count(b"notifications/progress") == 4
    assert (ended(gateway)[0].outcome, gateway.sink.records[0].is_stream) == ("ok", True)


# --- what is refused ---


def test_a_missing_or_wrong_key_is_401_and_asks_nobody(gateway: Gateway):
    for key in ("", "pm_agent_wrong"):
        answer = post(gateway, tool_call(), key=key)
        assert error_of(answer) == (401, -32000, "invalid_key")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert (asked(gateway), gateway.sink.records) == ([], [])


def test_a_revoked_runs_key_is_403_with_the_reason(gateway: Gateway):
    answer = post(gateway, tool_call(), key=OLD_RUN_KEY)
    assert error_of(answer) == (403, -32000, "run_revoked")
    assert "reassigned by Maya" in answer.json()["error"]["message"]
    assert answer.headers["x-should-retry"] == "false"


def test_a_run_waits_while_nobody_can_tell_whether_it_is_live(gateway: Gateway):
    gateway.source.age = 31
    assert error_of(post(gateway, tool_call())) == (503, -32603, "policy_stale")


def test_an_unknown_server_is_404(gateway: Gateway):
    answer = post(gateway, tool_call(), url=gateway.url.replace("/web", "/nowhere"))
    assert error_of(answer) == (404, -32000, "not_found")
    assert "'nowhere'" in answer.json()["error"]["message"]


@pytest.mark.parametrize("header", ["mcp_method", "mcp_name", "mcp_protocol_version"])
def test_a_header_that_contradicts_the_body_is_refused_before_the_server_is_asked(gateway: Gateway, header: str):
    assert error_of(post(gateway, tool_call(), **{header: "other"}))[:2] == (400, -32020)
    assert asked(gateway) == []


def test_what_is_not_a_request_is_refused(gateway: Gateway):
    assert error_of(post(gateway, b"{"))[:2] == (400, -32700)
    assert error_of(post(gateway, b"[]"))[:2] == (400, -32600)
    assert httpx2.get(gateway.url, headers={"authorization": f"Bearer {RUN_KEY}"}).status_code == 405


def test_a_legacy_handshake_is_told_the_version_that_is_spoken(gateway: Gateway):
    body = orjson.dumps(
        {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}
    )
    answer = post(gateway, body)
    assert answer.json()["error"]["data"] == {"supported": ["2026-07-28"], "requested": "2025-11-25"}
    assert (answer.status_code, answer.json()["id"], answer.json()["error"]["code"]) == (400, 0, -32022)


def test_a_web_page_of_another_site_is_refused(gateway: Gateway):
    assert error_of(post(gateway, tool_call(), origin="https://evil.example")) == (403, -32000, "forbidden")
    assert post(gateway, tool_call(), origin="http://localhost:8080").status_code == 200


def test_a_refused_call_of_a_known_caller_is_recorded(gateway: Gateway):
    gateway.source.age = 31
    post(gateway, tool_call())
    assert [(end.outcome, end.status, end.error_code) for end in ended(gateway)] == [("refused", 503, "policy_stale")]


def test_keys_do_not_reach_the_recorded_bodies(gateway: Gateway):
    post(gateway, tool_call(query=f"{RUN_KEY} {OLD_RUN_KEY} s3cret-token"))
    assert b'"query":"*** *** ***"' in ended(gateway)[0].request_body.encode()


def test_a_body_policy_of_metadata_records_sizes_and_no_bodies(gateway: Gateway):
    gateway.source.policy = replace(gateway.source.policy, body_policy="metadata")
    answer = post(gateway, tool_call())
    (end,) = ended(gateway)
    assert (end.request_body, end.response_body, end.body_policy) == (None, None, "metadata")
    assert end.response_bytes == len(answer.content)


async def test_a_call_whose_run_is_revoked_meanwhile_is_marked_and_its_answer_withheld(gateway: Gateway):
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        call = group.create_task(asyncio.to_thread(post, gateway, tool_call(query="[[sim:slow 0.5]]")), name="call")
        while not gateway.sink.records:
            await asyncio.sleep(0.01)
        gateway.source.policy = replace(gateway.source.policy, principals={})
    assert error_of(call.result()) == (403, -32000, "run_revoked")
    assert [(end.outcome, end.upstream_status, end.after_revocation) for end in ended(gateway)] == [
        ("refused", 200, True)
    ]


async def test_a_call_whose_run_is_revoked_in_the_same_policy_is_marked_too(gateway: Gateway):
    principals = dict(gateway.source.policy.principals)
    gateway.source.policy = replace(gateway.source.policy, principals=principals)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        call = group.create_task(asyncio.to_thread(post, gateway, tool_call(query="[[sim:slow 0.5]]")), name="call")
        while not gateway.sink.records:
            await asyncio.sleep(0.01)
        principals.clear()  # as the SQL source does it: one policy, other contents
    assert error_of(call.result()) == (403, -32000, "run_revoked")
    assert [(end.outcome, end.upstream_status, end.after_revocation) for end in ended(gateway)] == [
        ("refused", 200, True)
    ]


# --- a server that fails ---


def test_a_dead_server_is_502_and_named(gateway: Gateway):
    gateway.point_at("http://127.0.0.1:9/mcp")
    answer = post(gateway, tool_call())
    assert error_of(answer) == (502, -32603, "upstream_unreachable")
    assert "'web'" in answer.json()["error"]["message"]
    assert "127.0.0.1" not in answer.text
    assert [(end.outcome, end.status, end.error_code) for end in ended(gateway)] == [
        ("error", 502, "upstream_unreachable")
    ]


@pytest.mark.parametrize("status", [b"401 Unauthorized", b"403 Forbidden", b"302 Found", b"500 Oops", b"200 OK"])
async def test_a_server_that_answers_no_json_rpc_or_refuses_us_is_502(gateway: Gateway, status: bytes):
    async with scripted(http(b"<html>", b"text/html", status)) as (url, _):
        gateway.point_at(url)
        answer = await asyncio.to_thread(post, gateway, tool_call())
    assert error_of(answer) == (502, -32603, "upstream_error")
    assert ended(gateway)[0].upstream_status == int(status[:3])


async def test_a_stream_that_is_cut_ends_with_an_error_under_the_requests_id(gateway: Gateway):
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    async with scripted(head + b'data: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n') as (url, _):
        gateway.point_at(url)
        answer = await asyncio.to_thread(post, gateway, tool_call(request_id="q"))
    last = orjson.loads(answer.content.strip().rpartition(b"data: ")[2])
    assert (last["id"], last["error"]["code"], last["error"]["data"]["code"]) == ("q", -32603, "upstream_cut")
    assert [(end.outcome, end.error_code) for end in ended(gateway)] == [("truncated", "upstream_cut")]


def test_an_error_of_the_server_passes_as_it_is_and_is_recorded_as_one(gateway: Gateway):
    assert error_of(post(gateway, tool_call("nothing")))[:2] == (400, -32602)
    assert [(end.outcome, end.status, end.error_code) for end in ended(gateway)] == [("error", 400, "jsonrpc -32602")]


# --- keys of idempotency ---


def test_a_repeated_key_is_answered_from_the_record_under_the_new_id(gateway: Gateway):
    first = post(gateway, tool_call(request_id=1), idempotency_key="r_1/1")
    again = post(gateway, tool_call(request_id="two", meta={"traceparent": "x"}), idempotency_key="r_1/1")
    assert again.json() == {**first.json(), "id": "two"}
    assert again.headers["x-pointsman-replay"] == first.headers["x-request-id"]
    assert len(asked(gateway)) == 1
    assert [(end.outcome, end.replay_of) for end in ended(gateway)] == [
        ("ok", ""),
        ("replayed", first.headers["x-request-id"]),
    ]


def test_a_streamed_answer_is_replayed_as_its_result(gateway: Gateway):
    call = tool_call("read_table", meta={"progressToken": 1}, name="market")
    first = post(gateway, call, idempotency_key="r_1/2")
    again = post(gateway, {**call, "id": 9}, idempotency_key="r_1/2")
    assert again.json()["result"] == orjson.loads(first.content.strip().rpartition(b"data: ")[2])["result"]
    assert len(asked(gateway)) == 1


def test_the_same_key_with_other_arguments_is_422(gateway: Gateway):
    post(gateway, tool_call(query="a"), idempotency_key="r_1/3")
    answer = post(gateway, tool_call(query="b"), idempotency_key="r_1/3")
    assert error_of(answer) == (422, -32000, "idempotency_mismatch")


def test_an_error_is_not_kept_so_that_the_next_try_asks_again(gateway: Gateway):
    call = tool_call(query="prices [[sim:error 503 1]]")
    failed, again = (post(gateway, call, idempotency_key="r_1/4") for _ in range(2))
    assert (failed.status_code, again.status_code) == (503, 200)
    assert len(asked(gateway)) == 2


async def test_a_retry_gets_the_answer_of_a_call_whose_client_left(gateway: Gateway):
    call = tool_call(query="prices [[sim:slow 1]]")
    raw, headers = orjson.dumps(call), {"authorization": f"Bearer {RUN_KEY}", "idempotency-key": "r_1/5"}
    headers |= {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "search"}
    async with httpx2.AsyncClient(timeout=0.3) as impatient:
        with pytest.raises(httpx2.ReadTimeout):
            await impatient.post(gateway.url, content=raw, headers=headers)
    again = await asyncio.to_thread(post, gateway, {**call, "id": 2}, idempotency_key="r_1/5")
    assert (again.status_code, again.json()["id"]) == (200, 2)
    assert [call["finished"] for call in asked(gateway)] == [True]
    starts = [record for record in gateway.sink.records if isinstance(record, CallStarted)]
    assert [end.outcome for end in ended(gateway)] == ["ok", "replayed"]
    assert len(starts) == 2


async def test_equal_keys_at_the_same_time_ask_once(gateway: Gateway):
    calls = [tool_call(request_id=number, query="prices [[sim:slow 0.5]]") for number in range(8)]
    answers = await asyncio.gather(*(asyncio.to_thread(post, gateway, call, idempotency_key="r_1/6") for call in calls))
    assert [answer.json()["id"] for answer in answers] == list(range(8))
    assert len({orjson.dumps(answer.json()["result"]) for answer in answers}) == 1
    assert len(asked(gateway)) == 1


def test_a_key_belongs_to_its_run(gateway: Gateway):
    post(gateway, tool_call(), idempotency_key="same")
    gateway.source.policy = replace(gateway.source.policy, principals={}, allow_anonymous=True)
    post(gateway, tool_call(), key="", idempotency_key="same")
    assert len(asked(gateway)) == 2
