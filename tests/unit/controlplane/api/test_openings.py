"""Whether there is anything to claim is read once after a change, however many agents wait."""

import asyncio

from controlplane.api.openings import Openings
from controlplane.feed.feed import Feed


async def test_an_opening_is_seen_as_soon_as_the_feed_has_told_of_it_by_its_own_workspace(database, service, admin):
    feed = Feed(database)
    openings = Openings(database, feed)
    async with feed.running(), feed.subscribe() as changes:
        assert not await openings.any_for(admin.workspace_id, "a_1")
        await service.create_task(admin.actor, "one", admin.workspace_id, None, "One")
        await anext(changes)
        assert await openings.any_for(admin.workspace_id, "a_1")
        assert not await openings.any_for("w_other", "a_1")


async def test_a_hundred_agents_that_wait_cost_one_read_for_a_change(database, monkeypatch):
    feed, reads = Feed(database), []
    openings = Openings(database, feed)
    read = database.read

    async def counted(work):
        reads.append(work)
        return await read(work)

    monkeypatch.setattr(type(database), "read", lambda _self, work: counted(work))
    async with feed.running(), feed.subscribe():
        answers = await asyncio.gather(*(openings.any_for("w_1", f"a_{n}") for n in range(100)))
    assert answers == [False] * 100
    assert len(reads) == 1
