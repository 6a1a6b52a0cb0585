"""The simulated server as an ASGI app: routes, and what is said to requests that have none."""

import asyncio
import contextlib

import orjson

from proxy.simulated.anthropic_wire import AnthropicWire, count_tokens
from proxy.simulated.conversation import InvalidRequestError
from proxy.simulated.exchange import BodyTooLargeError, ClientLeftError, Exchange, Receive, Scope, Send
from proxy.simulated.ledger import Ledger
from proxy.simulated.names import MODELS
from proxy.simulated.openai_wire import OpenAIWire
from proxy.simulated.pace import Speed
from proxy.simulated.provider import Provider
from proxy.simulated.tool_server import ENDPOINT as MCP_ENDPOINT
from proxy.simulated.tool_server import ToolServer
from proxy.simulated.wire import Wire

_COUNT = "/v1/messages/count_tokens"
_ALLOWED = {"/v1/models": ("GET",), "/sim/calls": ("GET", "DELETE"), MCP_ENDPOINT: ("POST",), _COUNT: ("POST",)}


class SimulatedServer:
    """Provider and tool server in one process, sharing one ledger."""

    def __init__(self, speed: Speed = "fast") -> None:
        self.ledger = Ledger()
        self._provider = Provider(speed, self.ledger)
        self._tools = ToolServer(speed, self.ledger)
        self._wires: dict[str, Wire] = {wire.endpoint: wire for wire in (OpenAIWire(), AnthropicWire())}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        exchange = Exchange(scope, receive, send)
        with contextlib.suppress(ClientLeftError):
            await self._answer(exchange)

    async def _answer(self, exchange: Exchange) -> None:
        try:
            body = await exchange.read()
        except BodyTooLargeError:
            return await exchange.answer_json(413, {"error": {"message": "Request too large"}}, {"connection": "close"})
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(exchange.watch(), name=f"watch {exchange.path}")
            try:
                with contextlib.suppress(ClientLeftError):
                    await self._route(exchange, body)
            finally:
                watch.cancel()
        return None

    async def _route(self, exchange: Exchange, body: bytes) -> None:
        path, method = exchange.path.rstrip("/"), exchange.method
        allowed = ("POST",) if path in self._wires else _ALLOWED.get(path, ())
        if not allowed:
            message = f"Invalid URL ({method} {exchange.path})"
            return await exchange.answer_json(404, {"error": {"message": message, "type": "invalid_request_error"}})
        if method not in allowed:
            return await exchange.answer(405, b"", {"allow": ", ".join(allowed)})
        if path in self._wires:
            return await self._provider.answer(self._wires[path], exchange, body)
        if path == MCP_ENDPOINT:
            return await self._tools.answer(exchange, body)
        if path == _COUNT:
            return await _count(exchange, body)
        if path == "/v1/models":
            return await exchange.answer_json(200, _models())
        if method == "DELETE":
            self.ledger.clear()
            return await exchange.answer(204, b"", {})
        return await exchange.answer_json(200, self.ledger.as_json())


async def _count(exchange: Exchange, body: bytes) -> None:
    try:
        counted = count_tokens(orjson.loads(body))
    except (InvalidRequestError, orjson.JSONDecodeError) as error:
        said = {"type": "invalid_request_error", "message": str(error)}
        await exchange.answer_json(400, {"type": "error", "error": said})
        return
    await exchange.answer_json(200, counted)


def _models() -> dict[str, object]:
    listed = [{"id": name, "object": "model", "created": 1_754_524_800, "owned_by": "simulated"} for name in MODELS]
    return {"object": "list", "data": listed}
