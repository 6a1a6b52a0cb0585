"""Keeps the channels: made when first asked for, shared by all who see the same, gone when nobody looks any more.

Killed, nothing is lost: browsers come back with the last id they saw, and what cannot be resumed is loaded anew.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Hashable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from controlplane.feed.feed import Feed
from web.live.channel import Channel, Source
from web.live.viewer import Viewer

log = logging.getLogger(__name__)


class Hub:
    """The channels of this process. They run inside of `running()`."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._channels: dict[Hashable, Channel[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._viewers: set[Viewer] = set()
        self._is_closed = False

    @property
    def last_seq(self) -> int:
        return self._feed.last_seq

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Hub"]:
        """Channels that are asked for inside of this block end with it."""
        try:
            yield self
        finally:
            self.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def close(self) -> None:
        """Ends every stream at once, so that a server that stops does not wait for browsers."""
        self._is_closed = True
        for viewer in self._viewers:
            viewer.close()

    async def channel(self, source: Source[Any]) -> Channel[Any]:
        """The channel of this source (equal sources share one), following the feed from before this returns."""
        found = self._channels.get(source)
        if found is None:
            found = self._channels[source] = Channel(source, self._feed)
            task = asyncio.create_task(self._keep(source, found), name=f"channel {source}")  # noqa: TID251 - see running
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await found.ready()
        return found

    async def _keep(self, source: Hashable, channel: Channel[Any]) -> None:
        try:
            await channel.run()
        except Exception:
            log.exception("a live channel ended; its viewers are sent to look anew")
            channel.abandon()
        finally:
            del self._channels[source]

    @asynccontextmanager
    async def viewer(self, sources: Sequence[Source[Any]], positions: Sequence[int]) -> AsyncIterator[Viewer]:
        """A viewer of these sources, as long as this block lasts."""
        channels = [await self.channel(source) for source in sources]
        viewer = Viewer(channels, positions)
        self._viewers.add(viewer)
        for channel, position in zip(channels, positions, strict=True):
            channel.join(viewer, position)
        if self._is_closed:
            viewer.close()
        try:
            yield viewer
        finally:
            self._viewers.discard(viewer)
            for channel in channels:
                channel.leave(viewer)
