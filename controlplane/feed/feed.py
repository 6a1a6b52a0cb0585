"""One reader of the outbox for everybody in this process who waits for a change.

Killed, nothing is lost: the outbox is the truth, and a subscriber that remembers its last `seq` resumes after it.
"""

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import make_url

from controlplane.feed.changes import Batch, Change, Resync
from controlplane.feed.tail import READ_AT_ONCE, OutboxTail
from controlplane.store.database import Database

log = logging.getLogger(__name__)

POLL_SECONDS = 0.05  # a person sees 100 ms; 20 looks a second cost 0.01 % of a core
QUEUE_LIMIT = 2000  # changes one slow subscriber may have waiting, before it is told to look at everything anew
RETRY_SECONDS = 1.0  # while the database cannot be read


class Subscription:
    """The changes since it began, in batches, for one consumer. When it falls too far behind it gets one `Resync`."""

    def __init__(self, limit: int = QUEUE_LIMIT) -> None:
        self._waiting: deque[Change] = deque()
        self._limit = limit
        self._missed_to: int | None = None
        self._wake = asyncio.Event()
        self._is_closed = False

    def offer(self, changes: list[Change]) -> None:
        self._waiting.extend(changes)
        if len(self._waiting) > self._limit:
            self._missed_to = self._waiting[-1].seq
            self._waiting.clear()
        self._wake.set()

    def resync(self, seq: int) -> None:
        self._missed_to = seq
        self._wake.set()

    def close(self) -> None:
        """Ends the iteration after what is already waiting."""
        self._is_closed = True
        self._wake.set()

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> Batch:
        while True:
            if self._missed_to is not None:
                missed, self._missed_to = Resync(self._missed_to), None
                return missed
            if self._waiting:
                batch = list(self._waiting)
                self._waiting.clear()
                return batch
            if self._is_closed:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()


class Feed:
    """Tails one database's outbox while `run` runs, and hands each change to every subscription."""

    def __init__(self, database: Database) -> None:
        self._path = Path(make_url(str(database.engine.url)).database or "").resolve()
        self._subscriptions: set[Subscription] = set()
        self._tail: OutboxTail | None = None
        self._is_ready = asyncio.Event()
        self._is_closed = False

    @property
    def last_seq(self) -> int:
        """The newest change that was handed out; 0 before the feed runs."""
        return self._tail.last_seq if self._tail else 0

    def look(self) -> int:
        """Hands out what was committed up to now, without waiting for the next poll; the newest change."""
        if self._tail is not None:
            self._hand_out(self._tail)
        return self.last_seq

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Feed"]:
        """The feed runs inside of this block. Its subscriptions end with it."""
        task = asyncio.create_task(self.run(), name="feed")  # noqa: TID251 - owned by this block, which ends it
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def run(self) -> None:
        """Tails until cancelled; survives a database that goes away and comes back."""
        try:
            while True:
                try:
                    await self._follow()
                except sqlite3.Error as error:
                    log.warning("the outbox cannot be read", extra={"reason": str(error)})
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            self.close()

    def close(self) -> None:
        """Ends every subscription at once, also those to come: for a server that stops and must not wait for polls."""
        self._is_closed = True
        for subscription in self._subscriptions:
            subscription.close()

    async def _follow(self) -> None:
        tail = OutboxTail(self._path, self._tail.last_seq if self._tail else None)
        self._tail = tail
        self._is_ready.set()
        try:
            while True:
                count = self._hand_out(tail)
                await asyncio.sleep(0 if count == READ_AT_ONCE else POLL_SECONDS)
        finally:
            self._is_ready.clear()
            tail.close()

    def _hand_out(self, tail: OutboxTail) -> int:
        changes = tail.grown()
        for subscription in self._subscriptions if changes else ():
            subscription.offer(changes)
        return len(changes)

    @asynccontextmanager
    async def subscribe(self, after_seq: int | None = None, limit: int = QUEUE_LIMIT) -> AsyncIterator[Subscription]:
        """Changes from now on, or after `after_seq`, which a client remembers. Waits until the feed runs."""
        await self._is_ready.wait()
        subscription = Subscription(limit)
        self._catch_up(subscription, after_seq)
        self._subscriptions.add(subscription)  # no await since the backlog was read: nothing falls between
        if self._is_closed:
            subscription.close()
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    def _catch_up(self, subscription: Subscription, after_seq: int | None) -> None:
        tail = self._tail
        if tail is None:
            return
        self._hand_out(tail)  # up to now, so that "from now on" holds
        if after_seq is None or after_seq == tail.last_seq:
            return
        backlog = [change for change in tail.after(after_seq) if change.seq <= tail.last_seq]
        is_whole = after_seq < tail.last_seq and tail.oldest() <= after_seq + 1 and len(backlog) < READ_AT_ONCE
        if is_whole:
            subscription.offer(backlog)
        else:
            subscription.resync(tail.last_seq)
