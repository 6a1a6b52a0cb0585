"""The client of a call that the front has taken itself: its answer goes straight to the connection.

Heads are rendered here as uvicorn renders them: status line, the server's own headers, those of the answer.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from proxy.call import Call
from proxy.errors import Headers
from proxy.front_calls import FrontCalls

if TYPE_CHECKING:
    from proxy.front import Front

_log = logging.getLogger(__name__)
_FAULT = STATUS_LINE[500] + b"content-length: 0\r\nconnection: close\r\n\r\n"
_CLOSE = (b"connection", b"close")
_CHUNKED = b"\r\ntransfer-encoding: chunked"
_BODILESS = frozenset((204, 304))


class FrontClient:
    """A `Client`. To uvicorn it is the request under way, its `cycle`: of that it has what `HttpToolsProtocol` touches.

    `call` is None once the answer is complete: who leaves then leaves nobody waiting. What ends in `_now` does not wait
    for a slow client: ask `is_slow` before.
    """

    __slots__ = (
        "_calls", "_flow", "_front", "_head", "_is_chunked", "_left",
        "call", "disconnected", "is_started", "keep_alive", "response_complete", "task",
    )  # fmt: skip

    def __init__(self, front: "Front", calls: FrontCalls, *, keep_alive: bool) -> None:
        self._front = front
        self._flow = front.flow
        self._calls = calls
        self._head = b""  # written with the first part: one system call, and one wake-up of the client
        self._is_chunked = True
        self._left = 0  # of an answer with a length, what is still to come
        self.is_started = False
        self.call: Call | None = None
        self.task: asyncio.Task[None] | None = None
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False

    @property
    def is_slow(self) -> bool:
        """It has not yet taken what was sent."""
        return self._flow.write_paused and not self.disconnected

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        if self.is_slow:
            await self._flow.drain()
        self.answer_now(status, headers, body)

    def answer_now(self, status: int, headers: Headers, body: bytes) -> None:
        if self.disconnected:
            return
        if status >= 400 and _CLOSE in headers:
            self.keep_alive, headers = False, [header for header in headers if header != _CLOSE]
        head = self._render(status, headers, b"")
        self._front.transport.write(head if status in _BODILESS else head + body)
        self.is_started = True
        self._complete()

    def stream_now(self, status: int, headers: Headers, body: bytes) -> None:
        """A stream that is there as a whole."""
        if self.disconnected:
            return
        head = self._render(status, headers, _CHUNKED)
        if body:
            self._front.transport.writelines((b"%b%x\r\n" % (head, len(body)), body, b"\r\n0\r\n\r\n"))
        else:
            self._front.transport.write(head + b"0\r\n\r\n")
        self.is_started = True
        self._complete()

    async def start(self, status: int, headers: Headers) -> None:
        length = dict(headers).get(b"content-length")
        self._is_chunked = length is None and status not in _BODILESS
        self._left = int(length) if length and status not in _BODILESS else 0
        self._head = self._render(status, headers, _CHUNKED if self._is_chunked else b"")
        self.is_started = True
        self._front.loop.call_soon(self._flush)

    async def write(self, part: bytes) -> None:
        if self.is_slow:
            await self._flow.drain()
        if not part or self.disconnected:
            return
        if self._is_chunked:
            self._put(b"%x\r\n%b\r\n" % (len(part), part))
        elif len(part) <= self._left:
            self._left -= len(part)
            self._put(part)
        else:
            self._break_off()

    async def end(self, part: bytes = b"") -> None:
        if self.is_slow:
            await self._flow.drain()
        if self.disconnected:
            return
        if self._is_chunked:
            self._put(b"%x\r\n%b\r\n0\r\n\r\n" % (len(part), part) if part else b"0\r\n\r\n")
        elif len(part) == self._left:
            self._put(part)
        else:
            self._break_off()
            return
        self._complete()

    def spawn(self, steps: Coroutine[Any, Any, None]) -> None:
        """Goes on with the call in a task, which is cancelled at the end of the grace at shutdown."""
        self.task = self._front.loop.create_task(self._run(steps), name="call")
        self._front.tasks.add(self.task)

    async def _run(self, steps: Coroutine[Any, Any, None]) -> None:
        try:
            await steps
        except Exception:  # noqa: BLE001 - as uvicorn does: the connection ends, the server goes on
            _log.exception("a call could not be answered")
        finally:
            if self.task is not None:
                self._front.tasks.discard(self.task)
            self.task = self.call = None
            if not self.response_complete and not self.disconnected:
                if not self.is_started:
                    self._front.transport.write(_FAULT)
                self._front.transport.close()

    @property
    def message_event(self) -> "FrontClient":
        """What uvicorn wakes who waits with."""
        return self

    def set(self) -> None:
        """The connection is gone, by whoever's doing."""
        if self.disconnected and self.call is not None:
            self.call.leave()

    def _render(self, status: int, headers: Headers, framing: bytes) -> bytes:
        close = b"" if self.keep_alive else b"\r\nconnection: close"
        own = self._calls.server_lines(self._front.server_state.default_headers)
        lines = b"\r\n".join(map(b": ".join, headers))  # a parser's, or our own: no line breaks out of itself
        return b"%b%b%b%b%b\r\n\r\n" % (STATUS_LINE[status], own, lines, framing, close)

    def _put(self, data: bytes) -> None:
        if not self.is_started:
            raise RuntimeError("an answer without a head")
        head, self._head = self._head, b""
        self._front.transport.write(head + data if head else data)

    def _flush(self) -> None:
        if self._head and not self.disconnected:
            self._put(b"")

    def _break_off(self) -> None:
        """Not the length that was promised: only the end of the connection can say so now."""
        self._flush()
        self.keep_alive = False
        self._front.transport.close()

    def _complete(self) -> None:
        self.response_complete, self.call = True, None
        if not self.keep_alive:
            self._front.transport.close()
        self._front.on_response_complete()
