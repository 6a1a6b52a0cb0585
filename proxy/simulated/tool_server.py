"""The simulated tool server: MCP over streamable HTTP, protocol 2026-07-28, stateless.

Answers with one JSON object; with progress notifications and the result on an SSE stream when the caller gave a
`progressToken`. Markers of `proxy.simulated.script` work in a tool's arguments too: `error`, `slow`, `stall`, `cut`.
"""

import secrets
import time
from collections.abc import Mapping
from typing import Any

import orjson
from pointsman.contract import IDEMPOTENCY_HEADER

from proxy.mcp.envelope import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    SUPPORTED_VERSIONS,
    EnvelopeError,
    McpRequest,
    parse_request,
    render_error,
)
from proxy.simulated.conversation import seed_of, tokens_of
from proxy.simulated.exchange import Exchange
from proxy.simulated.ledger import Ledger, SimulatedCall
from proxy.simulated.pace import Speed, seconds_of_tool
from proxy.simulated.provider import STALL_SECONDS
from proxy.simulated.script import Script, parse_script
from proxy.simulated.tools import TOOLS, SimulatedTool, ToolError

ENDPOINT = "/mcp"
STEPS = 4  # progress notifications of a call that asked for them
SERVER_INFO = {"name": "simulated-tools", "title": "Simulated tools", "version": "1"}
_CACHING = {"ttlMs": 60_000, "cacheScope": "public"}  # the same tools for everybody
_JSON = {"content-type": "application/json"}


class ToolServer:
    """Answers `POST /mcp`."""

    def __init__(self, speed: Speed, ledger: Ledger) -> None:
        self._speed = speed
        self._ledger = ledger

    async def answer(self, exchange: Exchange, body: bytes) -> None:
        try:
            request = parse_request(body, exchange.raw_headers)
            if request.is_notification:
                return await exchange.answer(202, b"", {})
            if request.method == "tools/call":
                return await self._call(exchange, request)
            result = _listing(request)
        except EnvelopeError as fault:
            error = render_error(fault.request_id, fault.code, fault.message, fault.data)
            return await exchange.answer(fault.status, error, _JSON)
        return await exchange.answer(200, _render_result(request, result), _JSON)

    async def _call(self, exchange: Exchange, request: McpRequest) -> None:
        tool, argument = _parse_call(request)
        script = parse_script(argument)
        call = self._note(exchange, request, tool, argument)
        if script.error_status is not None and self._is_due(script, call):
            body = render_error(request.id, -32603, "Simulated by a marker in the arguments.")
            await exchange.answer(script.error_status, body, _JSON)
        else:
            result = _run(tool, argument)
            call.usage = {"input": tokens_of(argument), "output": tokens_of(result["content"])}
            await self._respond(exchange, request, script, call.seed, result)
        call.is_finished = script.cut_after_chunks is None

    def _note(self, exchange: Exchange, request: McpRequest, tool: SimulatedTool, argument: str) -> SimulatedCall:
        call = SimulatedCall(
            id=f"tool_{secrets.token_hex(12)}",
            at_ns=time.time_ns(),
            endpoint=ENDPOINT,
            model=tool.name,
            seed=seed_of([tool.name, argument]),
            idempotency_key=exchange.headers.get(IDEMPOTENCY_HEADER),
            traceparent=request.meta.get("traceparent") or exchange.headers.get("traceparent"),
        )
        self._ledger.note(call)
        return call

    def _is_due(self, script: Script, call: SimulatedCall) -> bool:
        return script.error_times is None or self._ledger.times_asked(call.seed) <= script.error_times

    async def _respond(
        self, exchange: Exchange, request: McpRequest, script: Script, seed: str, result: Mapping[str, Any]
    ) -> None:
        seconds = seconds_of_tool(self._speed, seed, script.slow_seconds)
        if script.stall_after_chunks == 0:
            await exchange.pause(STALL_SECONDS)
        body = _render_result(request, result)
        token = request.meta.get("progressToken")
        if token is not None:
            return await _stream(exchange, token, body, seconds, script)
        await exchange.pause(seconds)
        if script.cut_after_chunks is None:
            return await exchange.answer(200, body, _JSON)
        await exchange.start(200, {**_JSON, "content-length": str(len(body))})
        return await exchange.write(body[: len(body) // 2])


async def _stream(exchange: Exchange, token: Any, body: bytes, seconds: float, script: Script) -> None:
    await exchange.start(200, {"content-type": "text/event-stream", "cache-control": "no-cache, no-transform"})
    events = [_progress(token, step) for step in range(1, STEPS + 1)] + [body]
    for index, event in enumerate(events):
        if index == script.cut_after_chunks:
            return
        if index and index == script.stall_after_chunks:
            await exchange.pause(STALL_SECONDS)
        await exchange.pause(seconds / len(events))
        await exchange.write(b"event: message\r\ndata: " + event + b"\r\n\r\n", is_last=index == STEPS)


def _progress(token: Any, step: int) -> bytes:
    params = {"progressToken": token, "progress": step, "total": STEPS}
    return orjson.dumps({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})


def _listing(request: McpRequest) -> dict[str, Any]:
    if request.method == "server/discover":
        capabilities = {"tools": {"listChanged": False}}
        return {"supportedVersions": list(SUPPORTED_VERSIONS), "capabilities": capabilities, **_CACHING}
    if request.method == "tools/list":
        return {"tools": [tool.as_json() for tool in TOOLS], **_CACHING}
    raise EnvelopeError(METHOD_NOT_FOUND, "Method not found", request.id, status=404, data=request.method)


def _parse_call(request: McpRequest) -> tuple[SimulatedTool, str]:
    tool = next((tool for tool in TOOLS if tool.name == request.name), None)
    if tool is None:
        raise EnvelopeError(INVALID_PARAMS, f"Unknown tool: {request.name}", request.id)
    arguments = request.params.get("arguments")
    argument = arguments.get(tool.argument) if isinstance(arguments, dict) else None
    if not isinstance(argument, str):
        raise EnvelopeError(INVALID_PARAMS, f"{tool.name} needs the argument {tool.argument!r}, a string", request.id)
    return tool, argument


def _run(tool: SimulatedTool, argument: str) -> dict[str, Any]:
    try:
        found = tool.run(argument)
    except ToolError as fault:
        return {"content": [{"type": "text", "text": str(fault)}], "isError": True}
    result: dict[str, Any] = {"content": [{"type": "text", "text": found.text}], "isError": False}
    return result if found.structured is None else {**result, "structuredContent": found.structured}


def _render_result(request: McpRequest, result: Mapping[str, Any]) -> bytes:
    meta = {"io.modelcontextprotocol/serverInfo": SERVER_INFO}
    complete = {"resultType": "complete", **result, "_meta": meta}
    return orjson.dumps({"jsonrpc": "2.0", "id": request.id, "result": complete})
