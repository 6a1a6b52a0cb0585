"""A view that a live channel has at hand serves a page, too, but only while it is true."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from sqlalchemy import func, select

from controlplane.feed.changes import Change
from controlplane.feed.feed import Feed
from controlplane.settings import Settings
from controlplane.store.database import Database, open_control
from controlplane.store.outbox import announce
from controlplane.store.tables import Outbox
from controlplane.store.upsert import table_of
from tests.fakes.databases import create_databases
from web.live.channel import Channel


@pytest.fixture
async def database(tmp_path):
    database = open_control(Settings(home=create_databases(tmp_path)))
    yield database
    await database.close()


@dataclass(frozen=True)
class Count:
    """How many changes of a task there were; of other topics it knows nothing."""

    database: Database
    reads: list[int] = field(default_factory=list, compare=False)

    def urgency(self, change: Change) -> float | None:
        return 0.0 if change.topic == "task" else None

    async def load(self) -> int:
        columns = table_of(Outbox).c
        async with self.database.reading() as session:
            found = await session.execute(select(func.count()).where(columns.topic == "task"))
            self.reads.append(found.scalar_one())
        return self.reads[-1]

    def difference(self, old: int, new: int, seq: int) -> str | None:
        return f"<b>{new}</b>"


@asynccontextmanager
async def following(database: Database) -> AsyncIterator[Channel[int]]:
    feed = Feed(database)
    async with feed.running(), asyncio.TaskGroup() as group:
        channel = Channel(Count(database), feed)
        running = group.create_task(channel.run())
        await channel.ready()
        yield channel
        running.cancel()


async def change(database: Database, topic: str) -> None:
    async with database.transaction() as session:
        announce(session, "w_1", topic, "t_1", 1)


async def until_current(channel: Channel[int]) -> int:
    async with asyncio.timeout(5):
        while (view := channel.current()) is None:
            await asyncio.sleep(0.01)
    return view


async def test_a_page_gets_the_view_that_the_channel_has_read(database):
    await change(database, "task")
    async with following(database) as channel:
        assert channel.current() == 1


async def test_what_was_committed_a_moment_ago_is_never_missing_though_the_feed_has_not_polled(database):
    async with following(database) as channel:
        assert channel.current() == 0
        await change(database, "task")
        assert channel.current() is None
        assert await until_current(channel) == 1


async def test_a_change_that_does_not_concern_the_view_leaves_it_current(database):
    async with following(database) as channel:
        await change(database, "usage")
        assert await until_current(channel) == 0
