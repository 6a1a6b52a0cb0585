"""Long polls: an answer as soon as there is one, woken by the feed, never by a clock."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeVar

from controlplane.feed.changes import Batch, Change, Resync
from controlplane.feed.feed import Feed

Found = TypeVar("Found")


async def wait_for(
    feed: Feed, wait_seconds: float, look: Callable[[], Awaitable[Found | None]], concerns: Callable[[Change], bool]
) -> Found | None:
    """What `look` finds, now or after a change that concerns it; None when the time is over or the feed ends.

    `look` itself is never interrupted: it may be taking something that must not be dropped.
    """
    deadline = asyncio.get_running_loop().time() + wait_seconds
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout_at(deadline):
                changes = await stack.enter_async_context(feed.subscribe())
        except TimeoutError:
            return await look()
        while True:
            found = await look()
            if found is not None:
                return found
            try:
                async with asyncio.timeout_at(deadline):
                    while not _concerned(await anext(changes), concerns):
                        pass
            except (TimeoutError, StopAsyncIteration):
                return None


def _concerned(batch: Batch, concerns: Callable[[Change], bool]) -> bool:
    return isinstance(batch, Resync) or any(concerns(change) for change in batch)
