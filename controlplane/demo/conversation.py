"""Model and tool calls of one run, through the gateway, streamed, in the dialect of the agent's choice.

The vendors' clients would do the same; they are not dependencies of the server. A call that broke is repeated under its
idempotency key, so that a restarted gateway or provider is not paid twice.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import httpx2
from pointsman import AsyncTask, LeaseLost
from pointsman.contract import IDEMPOTENCY_HEADER, ErrorCode
from pointsman.patience import Backoff

from controlplane.demo.story import TOOL_SERVER

TRIES: Final = 25  # about two minutes of a gateway that is away
CALL_TIMEOUT: Final = httpx2.Timeout(60.0, connect=5.0)
MCP_VERSION: Final = "2026-07-28"
MCP_META: Final = {
    "io.modelcontextprotocol/protocolVersion": MCP_VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
}

Got = TypeVar("Got")


class CallFailed(Exception):  # noqa: N818 - the event of a failure, which ends a run
    """The gateway or the provider said no, or nothing, for too long."""


class _TryAgain(Exception):  # noqa: N818 - never seen outside of this module
    """This try gave no usable answer."""


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool that the model asks for."""

    call_id: str
    name: str
    arguments: dict[str, Any]


@dataclass(slots=True)
class Turn:
    """What the model said: text, or tools to call."""

    text: str = ""
    tools: list[ToolUse] = field(default_factory=list)


class Conversation:
    """The calls of one run, numbered, so that each has an idempotency key of its own."""

    def __init__(
        self,
        task: AsyncTask,
        client: httpx2.AsyncClient,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._task = task
        self._client = client
        self._pause = pause
        self._step = 0

    async def ask_openai(
        self, model: str, messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None = None
    ) -> Turn:
        """One Chat Completions call, streamed."""
        body: dict[str, Any] = {"model": model, "messages": messages, "stream": True}
        if tools:
            body["tools"] = tools
        return await self._ask(f"{self._task.openai_base_url}/chat/completions", body, _read_openai)

    async def ask_anthropic(self, model: str, system: str, messages: list[dict[str, Any]]) -> Turn:
        """One Messages call, streamed."""
        body = {"model": model, "system": system, "messages": messages, "max_tokens": 2000, "stream": True}
        return await self._ask(f"{self._task.anthropic_base_url}/v1/messages", body, _read_anthropic)

    async def call_tool(self, name: str, arguments: dict[str, Any]) -> str:
        """What a tool of the simulated server says; its errors are text as well, as a model would read them."""
        result = await self._mcp("tools/call", {"name": name, "arguments": arguments})
        return "\n".join(part.get("text", "") for part in result.get("content", []))

    async def list_tools(self) -> list[dict[str, Any]]:
        """The server's tools, in the words of Chat Completions."""
        result = await self._mcp("tools/list", {})
        return [
            {
                "type": "function",
                "function": {
                    "name": tool["name"],
                    "description": tool.get("description", ""),
                    "parameters": tool["inputSchema"],
                },
            }
            for tool in result["tools"]
        ]

    async def _mcp(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        body = {"jsonrpc": "2.0", "id": self._step + 1, "method": method, "params": {**params, "_meta": MCP_META}}
        headers = {
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": MCP_VERSION,
            "mcp-method": method,
        }
        if "name" in params:
            headers["mcp-name"] = params["name"]
        answer = await self._repeat(
            lambda common: self._post(self._task.mcp_url(TOOL_SERVER), body, {**headers, **common})
        )
        result: dict[str, Any] = answer["result"]
        return result

    async def _post(self, url: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        response = await self._client.post(url, json=body, headers=headers, timeout=CALL_TIMEOUT)
        self._check(response)
        answer: dict[str, Any] = response.json()
        if "result" not in answer:
            raise CallFailed(str(answer.get("error", answer))[:200])
        return answer

    async def _ask(self, url: str, body: dict[str, Any], read: "Reader") -> Turn:
        return await self._repeat(lambda headers: self._stream(url, body, headers, read))

    async def _stream(self, url: str, body: dict[str, Any], headers: dict[str, str], read: "Reader") -> Turn:
        sent = {**headers, "anthropic-version": "2023-06-01"}
        async with self._client.stream("POST", url, json=body, headers=sent, timeout=CALL_TIMEOUT) as response:
            if not response.is_success:
                await response.aread()
            self._check(response)
            return await read(_events(response))

    async def _repeat(self, attempt: Callable[[dict[str, str]], Awaitable[Got]]) -> Got:
        self._step += 1
        headers = {
            "authorization": f"Bearer {self._task.gateway_key}",
            IDEMPOTENCY_HEADER: f"{self._task.run.run_id}/{self._step}",
        }
        backoff = Backoff()
        for _ in range(TRIES):
            try:
                return await attempt(headers)
            except (httpx2.TransportError, _TryAgain):
                await self._pause(backoff.next_seconds())
        raise CallFailed("The gateway could not be reached for two minutes.")

    def _check(self, response: httpx2.Response) -> None:
        if response.is_success:
            return
        if response.status_code == 403:
            raise LeaseLost(f"The gateway refused the key of {self._task.ref}.", code=ErrorCode.RUN_REVOKED, status=403)
        if response.status_code == 429 or response.status_code >= 500:
            raise _TryAgain
        raise CallFailed(f"The gateway answered {response.status_code}: {response.text[:200]}")


Events = AsyncIterator[dict[str, Any]]
Reader = Callable[[Events], Awaitable[Turn]]


async def _events(response: httpx2.Response) -> Events:
    async for line in response.aiter_lines():
        if line.startswith("data:") and (text := line[5:].strip()) != "[DONE]":
            yield json.loads(text)


async def _read_openai(events: Events) -> Turn:
    turn, calls, is_complete = Turn(), dict[int, dict[str, str]](), False
    async for event in events:
        if "error" in event:
            raise _TryAgain
        for choice in event.get("choices", []):
            delta = choice.get("delta", {})
            turn.text += delta.get("content") or ""
            for part in delta.get("tool_calls") or []:
                call = calls.setdefault(part["index"], {"id": "", "name": "", "arguments": ""})
                call["id"] += part.get("id") or ""
                call["name"] += part.get("function", {}).get("name") or ""
                call["arguments"] += part.get("function", {}).get("arguments") or ""
            is_complete = is_complete or bool(choice.get("finish_reason"))
    if not is_complete:
        raise _TryAgain
    turn.tools = [ToolUse(call["id"], call["name"], json.loads(call["arguments"] or "{}")) for call in calls.values()]
    return turn


async def _read_anthropic(events: Events) -> Turn:
    turn, is_complete = Turn(), False
    async for event in events:
        match event.get("type"):
            case "error":
                raise _TryAgain
            case "content_block_delta":
                turn.text += event["delta"].get("text", "")
            case "message_stop":
                is_complete = True
    if not is_complete:
        raise _TryAgain
    return turn
