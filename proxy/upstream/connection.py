"""Connections to one origin: opened when needed, the last one used is used first."""

import asyncio
import ssl
from typing import TYPE_CHECKING

import httptools
from typing_extensions import override

from proxy.upstream.origin import Origin
from proxy.upstream.tunnel import Relay, open_tunnel
from proxy.wire.whole_answer import WholeAnswers

if TYPE_CHECKING:
    from proxy.upstream.attempt import Attempt

MOST_IDLE = 256  # per origin; beyond them a finished connection is closed
IDLE_SECONDS = 60.0  # below the 75 s at which common servers close an idle connection themselves


class Connection(asyncio.Protocol):
    """One socket and its parser. It belongs to one attempt at a time; bytes that nobody asked for end it."""

    __slots__ = ("_headers", "_is_fed", "attempt", "idle_since", "on_body", "parser", "parts", "pool", "transport")

    def __init__(self, pool: "Pool") -> None:
        self.pool = pool
        self.attempt: Attempt | None = None
        self.idle_since = 0.0
        self.parts: list[bytes] = []  # of the body, as the parser finds them; `Attempt.feed` takes them out
        self.on_body = self.parts.append  # a stream has many: not even a frame of ours for each
        self.parser = httptools.HttpResponseParser(self)
        self._is_fed = False  # the parser has begun with this answer
        self._headers: list[tuple[bytes, bytes]] = []
        self.transport: asyncio.Transport

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # TCP and TLS transports are both of this kind

    def rest(self) -> None:
        """Its answer is complete, and the next one may come."""
        self._is_fed = False
        self.idle_since = self.pool.loop.time()

    @override
    def data_received(self, data: bytes) -> None:
        attempt = self.attempt
        if attempt is None:
            self.transport.abort()
        elif not self._is_fed and (answer := self.pool.read_whole(data)) is not None:
            attempt.feed_whole(answer)
        else:
            self._is_fed = True
            attempt.feed(self, data)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.pool.forget(self)
        if self.attempt is not None:
            self.attempt.lost(exc)
        del self.parser, self.on_body  # it leads back here: the collector would have to find both

    # --- the parser's callbacks; within `feed`, so there is an attempt ---

    def on_message_begin(self) -> None:
        self._headers = []  # what is in there are trailers
        if self.attempt is not None:
            self.attempt.on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        headers, self._headers = self._headers, []
        if self.attempt is not None:
            self.attempt.on_head(self.parser.get_status_code(), headers, self.parser)

    def on_message_complete(self) -> None:
        if self.attempt is not None:
            self.attempt.on_message_complete(self)


class Pool:
    """The connections of one origin, last in first out, so that few stay warm and the rest may go."""

    def __init__(
        self,
        origin: Origin,
        tls: ssl.SSLContext | None,
        connect_seconds: float,
        look_seconds: float,
        relay: Relay | None = None,
    ) -> None:
        self._origin = origin
        self._relay = relay  # a proxy on the way
        self._tls = tls
        self._connect_seconds = connect_seconds
        self._look_seconds = look_seconds
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self.read_whole = WholeAnswers().read
        self.loop = asyncio.get_running_loop()  # kept: to ask for it is a system call each time
        self._sweep: asyncio.TimerHandle | None = None
        self._look: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        """Has all attempts looked at, every now and then, as long as there are any: one timer instead of one each."""
        if self._look is None:
            self._look = self.loop.call_later(self._look_seconds, self._look_around)

    def take(self) -> Connection | None:
        """An idle connection that looked alive a moment ago, or None."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.transport.is_closing():
                return connection
        return None

    async def connect(self) -> Connection:
        """A fresh connection. Raises OSError (also ssl.SSLError) or TimeoutError."""
        async with asyncio.timeout(self._connect_seconds):
            connection = Connection(self)
            if self._relay is not None and self._tls is not None:
                await open_tunnel(self._relay, self._origin, connection, self._tls)
            else:
                await self.loop.create_connection(
                    lambda: connection,
                    self._origin.host,
                    self._origin.port,
                    ssl=self._tls,
                    server_hostname=self._origin.host if self._tls else None,
                )
        self._open.add(connection)
        return connection

    def give_back(self, connection: Connection) -> None:
        """Keeps a connection whose answer is complete and whose server wants to go on."""
        if len(self._idle) >= MOST_IDLE or connection.transport.is_closing():
            connection.transport.abort()
            return
        connection.rest()
        self._idle.append(connection)
        if self._sweep is None:
            self._sweep = self.loop.call_later(IDLE_SECONDS, self._drop_stale)

    def forget(self, connection: Connection) -> None:
        self._open.discard(connection)
        if connection.attempt is None and connection in self._idle:
            self._idle.remove(connection)

    def close(self) -> None:
        for timer in (self._sweep, self._look):
            if timer is not None:
                timer.cancel()
        for connection in list(self._open):
            connection.transport.abort()

    def _look_around(self) -> None:
        self._look = None
        now = self.loop.time()
        attempts = [attempt for one in self._open if (attempt := one.attempt) is not None]
        for attempt in attempts:
            attempt.look(now)
        if attempts:
            self.watch()

    def _drop_stale(self) -> None:
        limit = self.loop.time() - IDLE_SECONDS
        for connection in [one for one in self._idle if one.idle_since <= limit]:
            self._idle.remove(connection)
            connection.transport.close()
        self._sweep = self.loop.call_later(IDLE_SECONDS, self._drop_stale) if self._idle else None
