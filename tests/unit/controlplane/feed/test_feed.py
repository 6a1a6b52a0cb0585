"""The feed: every committed change, once, in order, to everybody who subscribed."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from controlplane.feed.changes import Change, Resync
from controlplane.feed.feed import Feed, Subscription
from controlplane.store.database import Database, open_control
from controlplane.store.outbox import announce


@pytest.fixture
async def feed(database: Database) -> AsyncIterator[Feed]:
    async with Feed(database).running() as feed:
        yield feed


async def say(database: Database, *subjects: str) -> None:
    async with database.transaction() as session:
        for subject in subjects:
            announce(session, "w_1", "task", subject, 5)
            await session.flush()


async def take(subscription: Subscription, count: int) -> list[Change]:
    taken: list[Change] = []
    async with asyncio.timeout(5):
        while len(taken) < count:
            batch = await anext(subscription)
            assert not isinstance(batch, Resync)
            taken += batch
    return taken


async def test_a_subscriber_hears_each_change_once_and_in_order(database, feed):
    await say(database, "before")
    async with feed.subscribe() as early, feed.subscribe(after_seq=0) as all_of_it:
        await say(database, "t_1", "t_2")
        await say(database, "t_3")
        heard = await take(early, 3)
        assert [change.subject_id for change in heard] == ["t_1", "t_2", "t_3"]
        assert heard[0] == Change(2, "w_1", "task", "t_1", 5)
        assert [change.seq for change in await take(all_of_it, 4)] == [1, 2, 3, 4]
    assert feed.last_seq == 4


async def test_another_processs_change_is_heard_within_a_quarter_second(settings, database, feed):
    other = open_control(settings)
    try:
        async with feed.subscribe() as changes:
            await say(other, "t_1")
            async with asyncio.timeout(0.25):
                assert [change.subject_id for change in await anext(changes)] == ["t_1"]
    finally:
        await other.close()


async def test_what_a_transaction_takes_back_is_never_heard(database, feed):
    async with feed.subscribe() as changes:
        async with database.transaction() as session:
            announce(session, "w_1", "task", "undone", 5)
            await session.flush()
            await session.rollback()
        await say(database, "done")
        assert [change.subject_id for change in await take(changes, 1)] == ["done"]


async def test_a_slow_subscriber_is_told_to_look_anew_instead_of_growing_without_bound(database, feed):
    async with feed.subscribe(limit=2) as slow, feed.subscribe() as witness:
        await say(database, "t_1", "t_2", "t_3")
        await take(witness, 3)
        assert await anext(slow) == Resync(3)
        await say(database, "t_4")
        assert [change.subject_id for change in await take(slow, 1)] == ["t_4"]


@pytest.mark.parametrize("after_seq", [3, 99], ids=["forgotten", "from another database"])
async def test_a_position_that_cannot_be_resumed_is_answered_by_resync(database, feed, after_seq):
    await say(database, *(f"t_{n}" for n in range(10)))
    async with database.transaction() as session:
        await (await session.connection()).exec_driver_sql("DELETE FROM outbox WHERE seq < 6")
    async with feed.subscribe(after_seq=0) as witness:
        await anext(witness)
    async with feed.subscribe(after_seq=after_seq) as changes:
        assert await anext(changes) == Resync(10)


async def test_subscriptions_end_with_the_feed(database):
    feed = Feed(database)
    running = feed.running()
    await running.__aenter__()
    async with feed.subscribe() as changes:
        await say(database, "t_1")
        assert [change.subject_id for change in await take(changes, 1)] == ["t_1"]
        await running.__aexit__(None, None, None)
        with pytest.raises(StopAsyncIteration):
            await asyncio.wait_for(anext(changes), 5)


async def test_a_closed_feed_ends_subscriptions_at_once_old_and_new(database, feed):
    async with feed.subscribe() as early:
        feed.close()
        async with feed.subscribe() as late:
            for subscription in (early, late):
                with pytest.raises(StopAsyncIteration):
                    await asyncio.wait_for(anext(subscription), 5)
