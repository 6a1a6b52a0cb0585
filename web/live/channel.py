"""One view kept current for all who look at it: woken by the feed, read again, compared, sent as bytes."""

import asyncio
import logging
from collections import deque
from typing import Generic, Protocol, TypeVar

from sqlalchemy.exc import SQLAlchemyError
from typing_extensions import override

from controlplane.feed.changes import Change, Resync
from controlplane.feed.feed import Feed
from web.live.viewer import Viewer

log = logging.getLogger(__name__)

V = TypeVar("V")

SETTLE_SECONDS = 0.1  # changes that come together are answered together
LAZY_SECONDS = 1.0  # a cost ticks at most once a second
KEPT_MESSAGES = 256  # for viewers that come back; beyond that they look at the page anew
KEPT_BYTES = 2_000_000
FRESH_SECONDS = 60.0  # a view also depends on the time: which closed tasks are recent
LINGER_SECONDS = 60.0  # a channel outlives its last viewer by this, so that a reload finds its backlog
RETRY_SECONDS = 1.0


class Source(Protocol[V]):
    """What a channel shows. Equal sources share one channel."""

    @override
    def __hash__(self) -> int: ...

    def urgency(self, change: Change) -> float | None:
        """How many seconds may pass between two answers to such a change; None: it does not concern this view."""
        ...

    async def load(self) -> V: ...

    def difference(self, old: V, new: V, seq: int) -> str | None:
        """The fragments that turn a page of `old` into one of `new`; empty if none, None if only a reload does."""
        ...


class Channel(Generic[V]):
    """See the module. `seq` is the change up to which the view is known to be true."""

    def __init__(self, source: Source[V], feed: Feed) -> None:
        self._source = source
        self._feed = feed
        self._viewers: set[Viewer] = set()
        self._kept: deque[tuple[int, bytes]] = deque()
        self._kept_bytes = 0
        self._view: V | None = None  # None while it is being read
        self._first_seq = 0  # everything after it is in `_kept`
        self._seen = 0
        self._due: float | None = None
        self._answered = 0.0
        self._wake = asyncio.Event()
        self._is_ready = asyncio.Event()
        self._last_used = asyncio.get_running_loop().time()

    async def ready(self) -> None:
        """Waits until the channel follows the feed: whatever happens after this reaches its viewers."""
        self._last_used = asyncio.get_running_loop().time()
        await self._is_ready.wait()

    def current(self) -> V | None:
        """The view as it stands, where nothing has been committed since it was read; None says: read it yourself."""
        now = asyncio.get_running_loop().time()
        is_still_true = self._due is None and self._feed.look() == self._seen and now - self._answered < FRESH_SECONDS
        return self._view if is_still_true else None

    @property
    def is_idle(self) -> bool:
        now = asyncio.get_running_loop().time()
        return not self._viewers and now - self._last_used > LINGER_SECONDS

    def join(self, viewer: Viewer, after_seq: int) -> None:
        """Adds a viewer whose page was true at `after_seq`, and gives it what it missed."""
        self._viewers.add(viewer)
        if not self._first_seq <= after_seq <= max(self._seen, self._feed.last_seq):
            viewer.resync(self, self._seen)
            return
        for seq, message in self._kept:
            if seq > after_seq:
                viewer.offer(self, seq, message)

    def leave(self, viewer: Viewer) -> None:
        self._viewers.discard(viewer)
        self._last_used = asyncio.get_running_loop().time()

    def abandon(self) -> None:
        """Ends the streams of all viewers: their browsers come back and get a new channel."""
        self._is_ready.set()
        for viewer in self._viewers:
            viewer.close()

    async def run(self) -> None:
        """Keeps the view current until nobody has looked at it for a while."""
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(self._listen(), name="channel-listen")
            try:
                await self._follow()
            finally:
                listening.cancel()

    async def _listen(self) -> None:
        async with self._feed.subscribe() as changes:
            self._seen = self._first_seq = self._feed.last_seq
            self._call(0.0)
            async for batch in changes:
                if isinstance(batch, Resync):
                    self._call(0.0)
                    self._seen = batch.seq
                    continue
                self._seen = batch[-1].seq
                gaps = [gap for change in batch if (gap := self._source.urgency(change)) is not None]
                if gaps:
                    self._call(min(gaps))

    def _call(self, gap_seconds: float) -> None:
        """Asks for an answer, at the earliest `gap_seconds` after the last one."""
        due = self._answered + gap_seconds
        self._due = due if self._due is None else min(due, self._due)
        self._wake.set()

    async def _follow(self) -> None:
        view = await self._next_view(None)
        self._is_ready.set()
        while not self.is_idle:
            view = await self._next_view(view)

    async def _next_view(self, old: V | None) -> V:
        while True:
            await self._until_due()
            seq, self._due, self._view = self._seen, None, None
            try:
                new = await self._source.load()
            except SQLAlchemyError:
                log.exception("a live view could not be read")
                await asyncio.sleep(RETRY_SECONDS)
                self._call(0.0)
                continue
            self._answered = asyncio.get_running_loop().time()
            self._view = new
            if old is not None and new != old:
                self._publish(seq, self._source.difference(old, new, seq))
            return new

    async def _until_due(self) -> None:
        while True:
            self._wake.clear()
            now = asyncio.get_running_loop().time()
            if self._due is not None and self._due <= now:
                return
            if self._due is None and self.is_idle:
                return
            timeout = LINGER_SECONDS if self._due is None else self._due - now
            try:
                await asyncio.wait_for(self._wake.wait(), timeout)
            except TimeoutError:
                continue

    def _publish(self, seq: int, fragments: str | None) -> None:
        if fragments == "":
            return
        if fragments is None:
            self._kept.clear()
            self._kept_bytes, self._first_seq = 0, seq
            for viewer in self._viewers:
                viewer.resync(self, seq)
            return
        message = as_data(fragments)
        self._keep(seq, message)
        for viewer in self._viewers:
            viewer.offer(self, seq, message)

    def _keep(self, seq: int, message: bytes) -> None:
        self._kept.append((seq, message))
        self._kept_bytes += len(message)
        while len(self._kept) > KEPT_MESSAGES or self._kept_bytes > KEPT_BYTES:
            self._first_seq, dropped = self._kept.popleft()
            self._kept_bytes -= len(dropped)


def as_data(fragments: str) -> bytes:
    """The lines of one server-sent event, without its id."""
    return "".join(f"data: {line}\n" for line in fragments.splitlines()).encode()
