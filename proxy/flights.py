"""Keyed calls in flight: one asks, everybody who brings the same idempotency key gets the same bytes.

The upstream call of a keyed call is detached from its client: it runs in a task of its own to its end and its answer is
kept, whether or not anybody is still there. The tasks are owned here and waited for at shutdown.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from pointsman.contract import REQUEST_ID_HEADER

from proxy.answers import mismatch
from proxy.call import Call
from proxy.errors import Headers
from proxy.ports import Answer
from proxy.stages.settle import settle

REPLAY_HEADER = b"x-pointsman-replay"

Key = tuple[str, str]
_REQUEST_ID = REQUEST_ID_HEADER.encode()


class Flight:
    """One asking and its answer so far. It is the `Client` of the call that asks.

    Parts become visible as they come, but once the call is settled only all at once, after the answer is kept: who has
    read the end of an answer can rely on getting the same one again.
    """

    def __init__(self, call: Call, on_end: Callable[["Flight"], None]) -> None:
        self.call = call
        self._on_end = on_end
        self._status = 0
        self._headers: Headers = []
        self._parts: list[bytes] = []
        self._visible = 0
        self._is_over = False
        self._news: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        await self.start(status, headers)
        await self.end(body)

    async def start(self, status: int, headers: Headers) -> None:
        self._status, self._headers = status, headers

    async def write(self, part: bytes) -> None:
        self._parts.append(part)
        if not self.call.is_settled:
            self._show()

    async def end(self, part: bytes = b"") -> None:
        if part:
            self._parts.append(part)
        self.land()

    def land(self) -> None:
        """The asking is over, well or badly. May be called twice."""
        if not self._is_over:
            self._is_over = True
            self._on_end(self)
            self._show()

    def to_keep(self) -> Answer:
        types = [value for name, value in self._headers if name == b"content-type"]
        content_type = types[0].decode("latin-1") if types else "application/json"
        return Answer(self.call.call_id, self.call.request_digest, self._status, content_type, b"".join(self._parts))

    async def deliver(self, call: Call) -> None:
        """Passes the answer on to the client of `call`, from its beginning, as it comes.

        Raises RunRevoked when the run has ended before the answer began: it is kept all the same.
        """
        client, sent = call.client, 0
        while not (self._visible or self._is_over or call.has_client_left):
            await self._wait(call)
        if call.has_client_left or not self._status:
            return
        if call.caller is not None and (error := call.shared.fence.withholds(call.caller)) is not None:
            raise error
        call.status, call.is_committed = self._status, True
        await client.start(self._status, self._headers_for(call))
        while not call.has_client_left:
            is_last = self._is_over
            if is_last:
                settle(call)
            while sent < self._visible:
                sent += 1
                await client.write(self._parts[sent - 1])
            if is_last:
                break
            await self._wait(call)
        await client.end()

    def wake(self) -> None:
        """Lets those who deliver look around: there is news, or their client has left."""
        news, self._news = self._news, asyncio.get_running_loop().create_future()
        news.set_result(None)

    def _show(self) -> None:
        self._visible = len(self._parts)
        self.wake()

    async def _wait(self, call: Call) -> None:
        if not call.has_client_left:
            await asyncio.shield(self._news)

    def _headers_for(self, call: Call) -> Headers:
        if not call.replay_of:
            return self._headers
        own = [(_REQUEST_ID, call.call_id.encode()), (REPLAY_HEADER, call.replay_of.encode())]
        return [header for header in self._headers if header[0] != _REQUEST_ID] + own


class Flights:
    """The flights of one process, by owner and idempotency key."""

    def __init__(self) -> None:
        self._flights: dict[Key, Flight] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def find(self, key: Key, request_digest: str) -> Flight | None:
        """The flight of this key. Raises IdempotencyMismatch when it asks something else."""
        flight = self._flights.get(key)
        if flight is not None and flight.call.request_digest != request_digest:
            raise mismatch(key[1])
        return flight

    def begin(self, key: Key, call: Call, asking: Callable[[Call], Coroutine[Any, Any, None]]) -> Flight:
        """Starts to ask in a task of its own; `call` gets the flight as its client."""
        flight = Flight(call, lambda landed: self._land(key, landed))
        call.client, call.is_detached = flight, True
        self._flights[key] = flight
        task = asyncio.get_running_loop().create_task(self._fly(flight, asking), name=f"flight {call.call_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return flight

    async def drain(self, seconds: float) -> None:
        """At shutdown: lets what was asked be answered and kept, for so long."""
        if self._tasks:
            _, late = await asyncio.wait(list(self._tasks), timeout=seconds)
            for task in late:
                task.cancel()

    async def _fly(self, flight: Flight, asking: Callable[[Call], Coroutine[Any, Any, None]]) -> None:
        call = flight.call
        call.shared.fence.enter(call)
        try:
            await asking(call)
        finally:
            call.shared.fence.leave(call)
            flight.land()

    def _land(self, key: Key, flight: Flight) -> None:
        self._flights.pop(key, None)
        call = flight.call
        store = call.shared.deps.answers
        is_whole = call.outcome == "ok" or 400 <= call.status == call.upstream_status
        if is_whole and _is_worth_keeping(call.status):
            store.keep(*key, flight.to_keep())
        else:
            store.forget(*key)


def _is_worth_keeping(status: int) -> bool:
    """False for what may be different the next time: faults of the provider, of the account, of the moment."""
    return status < 500 and status not in {401, 402, 403, 408, 429}
