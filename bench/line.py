"""The cheapest client that speaks to the JSON API: the measuring must not be what is measured.

One `Line` is one kept-alive connection. It knows what our own server sends (a length, no chunks) and nothing else.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

ANSWER_SECONDS = 60.0


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """The API said no: `status`, and the stable `code` of its problem."""

    def __init__(self, status: int, problem: Any) -> None:
        super().__init__(status, problem)
        self.status = status
        self.code = problem.get("code", "") if isinstance(problem, dict) else ""


@dataclass
class Line:
    """A connection to `url`, which speaks with one key. Opened by its first request, opened again after a cut."""

    url: str
    key: str
    headers: str = ""
    repeats: int = field(default=0, init=False)
    _last_head: bytes = field(default=b"", init=False)
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = field(default=None, init=False)

    async def ask(self, method: str, path: str, body: Any = None, *, command_id: str = "") -> Any:
        """The decoded answer, None when it has no body. Raises Refused, TimeoutError, OSError."""
        async with asyncio.timeout(ANSWER_SECONDS):
            status, content = await self._exchange(
                method, path, b"" if body is None else orjson.dumps(body), command_id
            )
        answer = orjson.loads(content) if content[:1] in {b"{", b"["} else content or None
        if status >= 400:
            raise Refused(status, answer)
        return answer

    async def ask_until_heard(self, method: str, path: str, body: Any, command_id: str) -> Any:
        """The same, repeated under one command id while the engine has no time (503), as the SDK does it."""
        while True:
            try:
                return await self.ask(method, path, body, command_id=command_id)
            except Refused as no:
                if no.status != 503:
                    raise
            self.repeats += 1
            await asyncio.sleep(0.2)

    async def head(self, method: str, path: str) -> str:
        """Status line and headers of an answer."""
        async with asyncio.timeout(ANSWER_SECONDS):
            await self._exchange(method, path, b"", "")
        return self._last_head.decode()

    async def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _exchange(self, method: str, path: str, body: bytes, command_id: str) -> tuple[int, bytes]:
        is_used = self._streams is not None
        try:
            return await self._exchange_once(method, path, body, command_id)
        except (asyncio.IncompleteReadError, ConnectionError):
            if not is_used:
                raise
            return await self._exchange_once(method, path, body, command_id)  # the server hangs up on idle lines

    async def _exchange_once(self, method: str, path: str, body: bytes, command_id: str) -> tuple[int, bytes]:
        reader, writer = self._streams or await self._open()
        idempotency = f"idempotency-key: {command_id}\r\n" if command_id else ""
        authorization = f"authorization: Bearer {self.key}\r\n" if self.key else ""
        head = (
            f"{method} {path} HTTP/1.1\r\nhost: {urlsplit(self.url).netloc}\r\n{authorization}{idempotency}"
            f"{self.headers}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        try:
            writer.write(head.encode() + body)
            self._last_head = await reader.readuntil(b"\r\n\r\n")
            return int(self._last_head[9:12]), await reader.readexactly(_length(self._last_head))
        except BaseException:
            await self.close()
            raise

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        place = urlsplit(self.url)
        self._streams = await asyncio.open_connection(place.hostname, place.port, limit=1 << 24)
        return self._streams


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0
