"""Reading streams, and repeating what broke, against the gateway's answers as they stand on the wire."""

import json
from collections.abc import Callable

import httpx2
import pytest
from pointsman import LeaseLost
from pointsman.async_task import AsyncTask
from pointsman.models import Offer, RunGrant, TaskDetails

from controlplane.demo.conversation import CallFailed, Conversation, ToolUse, Turn

OFFER = Offer(
    task=TaskDetails(task_id="t_1", ref="T-1", title="A", brief="B"),
    run=RunGrant(run_id="r_1", number=1, epoch=1, key="pm_run_x"),
    gateway_url="http://gateway",
)


def talking_to(answer: Callable[[httpx2.Request], httpx2.Response]) -> Conversation:
    task = AsyncTask.__new__(AsyncTask)
    task._offer = OFFER
    return Conversation(task, httpx2.AsyncClient(transport=httpx2.MockTransport(answer)), do_not_wait)


async def do_not_wait(seconds: float) -> None:
    assert 0 < seconds <= 5


def stream(*events: object) -> httpx2.Response:
    return httpx2.Response(200, text="".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n")


def chunk(delta: dict, finish: str | None = None) -> dict:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


async def test_text_of_a_chat_completion_is_joined():
    turn = await talking_to(
        lambda _: stream(chunk({"content": "Old "}), chunk({"content": "pond"}), chunk({}, "stop"))
    ).ask_openai("m", [])
    assert turn == Turn("Old pond", [])


async def test_a_tool_call_in_pieces_is_put_together():
    first = {"index": 0, "id": "call_1", "function": {"name": "search", "arguments": '{"que'}}
    second = {"index": 0, "function": {"arguments": 'ry": "x"}'}}
    turn = await talking_to(
        lambda _: stream(chunk({"tool_calls": [first]}), chunk({"tool_calls": [second]}), chunk({}, "tool_calls"))
    ).ask_openai("m", [])
    assert turn.tools == [ToolUse("call_1", "search", {"query": "x"})]


async def test_text_of_a_message_is_joined():
    delta = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "pond"}}
    turn = await talking_to(lambda _: stream(delta, {"type": "message_stop"})).ask_anthropic("m", "s", [])
    assert turn.text == "pond"


async def test_a_call_that_broke_is_repeated_under_its_key():
    keys: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        keys.append(request.headers["idempotency-key"])
        return [httpx2.Response(502), stream(chunk({"content": "cut"})), stream(chunk({"content": "x"}, "stop"))][
            len(keys) - 1
        ]

    assert (await talking_to(answer).ask_openai("m", [])).text == "x"
    assert keys == ["r_1/1"] * 3


async def test_a_run_that_is_over_is_a_lost_lease():
    with pytest.raises(LeaseLost):
        await talking_to(lambda _: httpx2.Response(403)).ask_openai("m", [])


async def test_a_request_at_fault_is_not_repeated():
    with pytest.raises(CallFailed, match="400"):
        await talking_to(lambda _: httpx2.Response(400)).ask_openai("m", [])


async def test_a_tools_error_is_text_for_the_model():
    def answer(request: httpx2.Request) -> httpx2.Response:
        sent = json.loads(request.content)
        assert (request.headers["mcp-method"], request.headers["mcp-name"]) == ("tools/call", "fetch_page")
        result = {"content": [{"type": "text", "text": "403 Forbidden"}], "isError": True}
        return httpx2.Response(200, json={"jsonrpc": "2.0", "id": sent["id"], "result": result})

    assert await talking_to(answer).call_tool("fetch_page", {"url": "x"}) == "403 Forbidden"
