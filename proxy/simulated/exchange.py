"""One HTTP exchange over raw ASGI: a body read whole, an answer sent whole or in chunks, a client that may leave."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import orjson
from pointsman.contract import SIMULATED_HEADER

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_LIMIT = 32 * 1024 * 1024  # Anthropic's documented request limit is 32 MB, the larger of the two vendors'
RAW_SIMULATED_HEADER = (SIMULATED_HEADER.encode(), b"true")


class ClientLeftError(Exception):
    """The client closed its connection; nobody is to be answered."""


class BodyTooLargeError(Exception):
    """The request is larger than any provider takes."""


class Exchange:
    """A request and the way to answer it. `watch` runs beside it, so that `pause` notices a client that left."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.raw_headers: list[tuple[str, str]] = [
            (k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]
        ]
        self.headers: Mapping[str, str] = dict(self.raw_headers)
        self._receive = receive
        self._send = send
        self._left = asyncio.Event()

    async def read(self) -> bytes:
        """The whole body."""
        parts, size = [], 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientLeftError
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > BODY_LIMIT:
                raise BodyTooLargeError
            if not message.get("more_body", False):
                return b"".join(parts)

    async def watch(self) -> None:
        """Ends when the client has left; cancelled by whoever has answered."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left.set()

    async def pause(self, seconds: float) -> None:
        """Waits this long, at least one turn of the loop; raises `ClientLeftError` as soon as it has."""
        if seconds <= 0:
            await asyncio.sleep(0)
        else:
            try:
                await asyncio.wait_for(self._left.wait(), seconds)
            except TimeoutError:
                return
        if self._left.is_set():
            raise ClientLeftError

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await self._send(
            {"type": "http.response.start", "status": status, "headers": [*raw, RAW_SIMULATED_HEADER]},
        )

    async def write(self, chunk: bytes, is_last: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": chunk, "more_body": not is_last})

    async def answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        await self.start(status, {"content-length": str(len(body)), **headers})
        await self.write(body, is_last=True)

    async def answer_json(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        await self.answer(status, orjson.dumps(body), {"content-type": "application/json", **(headers or {})})
