"""The agent's side of one exchange over raw ASGI: its request read whole, its answer written, its leaving noticed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from pointsman.contract import ErrorCode

from proxy.errors import ClientLeft, Headers, InvalidRequest

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class McpClient:
    """Writing to a client that has left does nothing: the ASGI server drops it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, received_ns: int) -> None:
        self.received_ns = received_ns  # monotonic
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.raw_headers: Mapping[bytes, bytes] = dict(scope["headers"])
        self.headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        self.has_begun = False
        self._receive = receive
        self._send = send

    def header(self, name: str) -> str:
        """The first value of a header, named in lower case; empty when it is absent."""
        return next((value for key, value in self.headers if key == name), "")

    async def read(self, most_bytes: int, seconds: float) -> bytes:
        """The whole body. Raises InvalidRequest when it is too large or too slow, ClientLeft when it ends early."""
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(seconds):
                while True:
                    message = await self._receive()
                    if message["type"] == "http.disconnect":
                        raise ClientLeft
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > most_bytes:
                        raise InvalidRequest(
                            f"The request has more than {most_bytes:,} bytes. Send a smaller one.",
                            status=413,
                            code=ErrorCode.REQUEST_TOO_LARGE,
                            headers={"connection": "close"},
                        )
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            raise InvalidRequest("The request did not arrive in time.", status=408) from None

    async def left(self) -> None:
        """Returns when the client has closed its connection. To be awaited once the body is read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def start(self, status: int, headers: Headers) -> None:
        self.has_begun = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, part: bytes) -> None:
        await self._send({"type": "http.response.body", "body": part, "more_body": True})

    async def end(self, part: bytes = b"") -> None:
        await self._send({"type": "http.response.body", "body": part, "more_body": False})

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole answer at once."""
        await self.start(status, [*headers, (b"content-length", b"%d" % len(body))])
        await self.end(body)
