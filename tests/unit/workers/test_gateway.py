"""What an internal agent makes of the gateway's answers: a result, patience, or an end."""

from collections.abc import Callable
from datetime import timedelta

import httpx2
import pytest
from temporalio.exceptions import ApplicationError

from workers.agent_messages import CALL_REFUSED, RUN_PAUSED, RUN_REVOKED
from workers.gateway import GatewayClient
from workers.transcript import Transcript


def gateway(answer: Callable[[httpx2.Request], httpx2.Response]) -> GatewayClient:
    return GatewayClient(httpx2.AsyncClient(transport=httpx2.MockTransport(answer)), "http://gateway")


def always(status: int, body: object, **headers: str) -> GatewayClient:
    return gateway(lambda _: httpx2.Response(status, json=body, headers=headers))


async def test_a_model_call_carries_key_and_idempotency_key() -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json={"choices": [{"message": {"role": "assistant", "content": "Hi", "odd": 1}}]})

    message = await gateway(answer).complete("pm_run_x", "r_1/3", b"{}")

    assert message == {"role": "assistant", "content": "Hi", "odd": 1}
    assert seen[0].url.path == "/v1/chat/completions"
    assert seen[0].headers["authorization"] == "Bearer pm_run_x"
    assert seen[0].headers["idempotency-key"] == "r_1/3"


async def test_a_tool_call_speaks_the_modern_protocol() -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        text = 'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress"}\n\nevent: message\n'
        text += 'data: {"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"42"}]}}\n\n'
        return httpx2.Response(200, text=text, headers={"content-type": "text/event-stream"})

    assert await gateway(answer).call_tool("k", "r_1/3.0", "demo", "calculate", {"expression": "6*7"}) == "42"
    assert seen[0].url.path == "/mcp/demo"
    assert seen[0].headers["mcp-method"] == "tools/call"
    assert seen[0].headers["mcp-name"] == "calculate"
    assert seen[0].headers["idempotency-key"] == "r_1/3.0"


async def test_a_tool_that_failed_tells_the_model() -> None:
    client = always(200, {"result": {"isError": True, "content": [{"type": "text", "text": "403"}]}})

    assert await client.call_tool("k", "i", "demo", "fetch_page", {}) == "The tool failed: 403"


@pytest.mark.parametrize(
    ("status", "code", "kind", "is_final"),
    [
        (403, "run_revoked", RUN_REVOKED, True),
        (403, "forbidden", CALL_REFUSED, True),
        (404, "unknown_model", CALL_REFUSED, True),
        (422, "idempotency_mismatch", CALL_REFUSED, True),
        (429, "too_many_calls", "provider_trouble", False),
        (502, "upstream_unreachable", "provider_trouble", False),
        (503, "policy_stale", "provider_trouble", False),
        (503, "run_paused", RUN_PAUSED, True),
    ],
)
async def test_a_refusal_ends_the_run_and_trouble_is_waited_for(
    status: int, code: str, kind: str, *, is_final: bool
) -> None:
    client = always(status, {"error": {"message": "Because.", "code": code}}, **{"retry-after": "3"})

    with pytest.raises(ApplicationError, match="Because") as caught:
        await client.complete("k", "i", b"{}")
    assert caught.value.type == kind
    assert caught.value.non_retryable is is_final
    assert caught.value.next_retry_delay == (None if is_final else timedelta(seconds=3))


async def test_a_gateway_that_is_away_is_waited_for() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused", request=request)

    with pytest.raises(ApplicationError) as caught:
        await gateway(answer).complete("k", "i", b"{}")
    assert not caught.value.non_retryable


def test_the_same_transcript_is_the_same_request() -> None:
    transcript = Transcript("gpt-5-mini", "demo", ({"role": "user", "content": "ä"},), ({"type": "function"},))

    assert transcript.request_body() == transcript.request_body()
    assert transcript.with_message({"role": "assistant", "content": "x"}).answer == "x"
