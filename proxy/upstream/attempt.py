"""One try of a call at its provider: the request out, the answer in, with a deadline on every wait.

    new ── answered() ──▶ asking ── head ──▶ answering ── last byte ──▶ complete ── release() ──▶ released
     └─ ask_at_once() ─────▲ └── abort(), cut, stall ──▶ failed (its connection is never used again)

An attempt owns its connection until `release`. Whoever holds an attempt may call `abort` at any time: once released it
reaches no connection, so a late watcher cannot end somebody else's call.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeGuard

import httptools
import msgspec

from proxy.errors import ProxyError, UpstreamCut, UpstreamTimeout, UpstreamUnreachable
from proxy.ports import Clock
from proxy.upstream.connection import Connection, Pool
from proxy.wire.whole_answer import WholeAnswer

HIGH_WATER = 256 * 1024  # stop reading the provider while so much waits for a slow client
MOST_HEAD_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. First byte: reasoning models think for minutes. Idle: between two reads of an answer that has begun."""

    connect: float = 10.0
    first_byte: float = 600.0
    idle: float = 300.0


class Attempt(msgspec.Struct, eq=False):
    """See the module. Not to be used twice. `answered_at_ns` and `asked_at_ns` are monotonic."""

    _pool: Pool
    _request: bytes
    provider: str
    _timeouts: Timeouts
    _clock: Clock
    asked_at_ns: int = 0  # when the request was handed to an open connection
    answered_at_ns: int = 0  # when the head of the answer was complete
    status: int = 0
    headers: list[tuple[bytes, bytes]] = []  # names in lower case
    by_name: dict[bytes, bytes] = {}  # the same
    is_complete: bool = False
    is_stale: bool = False  # its connection had been closed by the server while we were writing: to be asked anew
    _parts: list[bytes] = []
    _size: int = 0
    _head_bytes: int = 0
    _in_body: bool = False
    _is_paused: bool = False
    _is_reused: bool = False
    _keeps_alive: bool = False
    _was_read: bool = False
    _deadline: float = 0.0  # 0: nobody has looked yet
    _connection: Connection | None = None
    _error: ProxyError | None = None
    _on_news: Callable[[], object] | None = None
    _waiter: asyncio.Future[None] | None = None

    # --- for the one who asks ---

    async def answered(self) -> None:
        """Waits for the head of the answer, and sends the request before, unless `ask_at_once` has done so.

        Raises UpstreamFault, or what `abort` was given.
        """
        self.check()
        if self._in_body:
            return
        news = self._pool.loop.create_future()
        if not self.asked_at_ns and self.ask_at_once(lambda: _resolve(news)):
            await news
            self.check()
            if not self.is_stale:
                return
        await self._ask_anew()

    def ask_at_once(self, on_news: Callable[[], object]) -> bool:
        """Sends the request on an idle connection; False when there is none.

        `on_news` is called once: when the head of the answer is there, with all that came with it, when the attempt
        has failed, or when it is stale: the keep-alive race, without one byte of an answer.
        """
        connection = self._pool.take()
        if connection is None:
            return False
        self._is_reused = True
        self._ask(connection, on_news)
        return True

    async def _ask_anew(self) -> None:
        """On a fresh connection."""
        connection = await self._connect()
        news = self._pool.loop.create_future()
        self._is_reused = self.is_stale = False
        self._ask(connection, lambda: _resolve(news))
        await news
        self.check()

    def check(self) -> None:
        """Raises what it has failed with."""
        if self._error is not None:
            raise self._error

    async def next(self) -> bytes:
        """What has arrived since the last call, joined: one write for one read. b'' at the end."""
        while not self._parts:
            if self.is_complete:
                return b""
            if self._error is not None:
                raise self._error
            self._waiter = self._pool.loop.create_future()
            await self._waiter
        parts, self._parts, self._size = self._parts, [], 0
        if self._is_paused and self._connection is not None:
            self._is_paused = False
            self._was_read = True
            self._connection.transport.resume_reading()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def read(self) -> bytes:
        """The rest of the answer. Raises UpstreamFault when it is cut."""
        parts = []
        while part := await self.next():
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def take(self) -> bytes:
        """What has arrived by now, without waiting."""
        parts = self.take_pieces()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def take_pieces(self) -> list[bytes]:
        """The same, in the chunks in which it came."""
        pieces, self._parts, self._size = self._parts, [], 0
        return pieces

    def put_back(self, pieces: list[bytes]) -> None:
        """For who has taken them and leaves them to somebody else."""
        self._parts = [*pieces, *self._parts]
        self._size += sum(map(len, pieces))

    def abort(self, error: ProxyError) -> None:
        """Ends the upstream call at once: the provider sees its connection close. Nothing happens after `release`."""
        if not self.is_complete and self._error is None:
            self._fail(error)

    def look(self, now: float) -> None:
        """Fails when nothing came for too long; called every now and then, so that a read need not ask for the time."""
        if self.is_complete:
            return
        if self._was_read or self._is_paused:  # paused: the client is slow, not the provider
            self._was_read, self._deadline = False, now + self._timeouts.idle
        elif not self._deadline:
            self._deadline = now + self._timeouts.first_byte
        if now < self._deadline:
            return
        if self._in_body:
            self._fail(UpstreamTimeout(f"Provider {self.provider!r} stopped in the middle of its answer."))
        else:
            self._fail(UpstreamTimeout(f"Provider {self.provider!r} did not answer in time."))

    def release(self) -> None:
        """Gives the connection back when the answer is complete, else closes it. May be called twice."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        connection.attempt = None
        if self.is_complete and self._keeps_alive and not connection.transport.get_write_buffer_size():
            if self._is_paused:
                connection.transport.resume_reading()
            self._pool.give_back(connection)
        else:
            connection.transport.abort()

    # --- the connection's side ---

    def feed(self, connection: Connection, chunk: bytes) -> None:
        self._was_read = True
        if not self._in_body:
            self._head_bytes += len(chunk)
        try:
            connection.parser.feed_data(chunk)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if not self.is_complete:
                self._fail(UpstreamCut(f"Provider {self.provider!r} answered with something that is not HTTP/1.1."))
                return
            self._keeps_alive = False  # more than was asked for
        if connection.parts:
            self._take(connection)
            self._size += len(chunk)  # and the framing: who asks wants to know how much memory it is
        if self._head_bytes > MOST_HEAD_BYTES and not self._in_body:
            self._fail(UpstreamCut(f"Provider {self.provider!r} sent headers without an end."))
            return
        if self._size > HIGH_WATER and not self._is_paused and not self.is_complete and self._connection is not None:
            self._is_paused = True
            connection.transport.pause_reading()
        if self._on_news is not None and self._in_body:
            self._tell()
        self._wake()

    def feed_whole(self, answer: WholeAnswer) -> None:
        """An answer that came in one piece."""
        self.status, self.headers, self.by_name, body = answer.status, answer.headers, answer.by_name, answer.body
        self._in_body = self._keeps_alive = self.is_complete = True
        self._parts, self._size = [body] if body else [], len(body)
        self.answered_at_ns = self._clock.monotonic_ns()
        self._tell()

    def lost(self, cause: Exception | None) -> None:
        if self.is_complete or self._error is not None:
            self._keeps_alive = False
            return
        if self._in_body and cause is None and self._ends_with_the_connection():
            self.is_complete = True
            self._wake()
        elif self._is_reused and not self._head_bytes:
            self._leave_connection()
            self.is_stale = True
            self._tell()
        else:
            moment = "in the middle of its answer" if self._in_body else "without an answer"
            self._fail(UpstreamCut(f"Provider {self.provider!r} closed the connection {moment}."))

    # --- what its parser says ---

    def on_message_begin(self) -> None:
        if self.is_complete:
            self._keeps_alive = False  # a second answer to one request: nobody knows whose it is

    def on_head(self, status: int, headers: list[tuple[bytes, bytes]], parser: httptools.HttpResponseParser) -> None:
        if self.is_complete or status < 200:  # 100 Continue, 103 Early Hints: the answer is still to come
            return
        self.status, self.headers, self.by_name, self._in_body = status, headers, dict(headers), True
        self._keeps_alive = parser.should_keep_alive()
        self.answered_at_ns = self._clock.monotonic_ns()

    def on_message_complete(self, connection: Connection) -> None:
        if self._in_body and not self.is_complete:
            self._take(connection)
            self.is_complete = True

    # --- inside ---

    def _take(self, connection: Connection) -> None:
        """What came of the body; what comes after its end is nobody's."""
        if not self.is_complete:
            self._parts += connection.parts
        connection.parts.clear()

    async def _connect(self) -> Connection:
        try:
            connection = await self._pool.connect()
        except TimeoutError as cause:
            raise UpstreamTimeout(f"Provider {self.provider!r} did not accept a connection in time.") from cause
        except OSError as cause:
            raise UpstreamUnreachable(f"Provider {self.provider!r} could not be reached.") from cause
        if self._error is not None:  # aborted meanwhile: nothing was sent, the connection is good for the next call
            self._pool.give_back(connection)
            raise self._error
        return connection

    def _ask(self, connection: Connection, on_news: Callable[[], object]) -> None:
        self._on_news = on_news
        self._connection, connection.attempt = connection, self
        self._pool.watch()
        self.asked_at_ns = self._clock.monotonic_ns()
        connection.transport.write(self._request)

    def _tell(self) -> None:
        on_news, self._on_news = self._on_news, None
        if on_news is not None:
            on_news()

    def _fail(self, error: ProxyError) -> None:
        self._error = error
        connection = self._connection
        self._leave_connection()
        if connection is not None:
            connection.transport.abort()
        self._tell()
        self._wake()

    def _leave_connection(self) -> None:
        if self._connection is not None:
            self._connection.attempt = None
            self._connection = None

    def _wake(self) -> None:
        if is_waiting(self._waiter):
            self._waiter.set_result(None)

    def _ends_with_the_connection(self) -> bool:
        """True for an answer without a length: RFC 9112 §6.3 lets the end of the connection be the end of the body."""
        return not any(name in {b"content-length", b"transfer-encoding"} for name, _ in self.headers)


def _resolve(news: asyncio.Future[None]) -> None:
    """For who may have been cancelled meanwhile."""
    if not news.done():
        news.set_result(None)


def is_waiting(future: asyncio.Future[None] | None) -> TypeGuard[asyncio.Future[None]]:
    return future is not None and not future.done()
