"""Presence: a process says that it lives, and others hear that it started."""

import asyncio

from sqlalchemy import select

from controlplane.store.presence import keep_presence
from controlplane.store.tables import Outbox, Process
from controlplane.store.upsert import table_of


async def row_of(database) -> Process | None:
    async with database.reading() as session:
        return await session.get(Process, "web")


async def test_a_process_is_alive_from_its_start_and_announces_it_once(database, clock, monkeypatch):
    monkeypatch.setattr("controlplane.store.presence.EVERY_SECONDS", 0.01)
    stop = asyncio.Event()
    keeping = asyncio.ensure_future(keep_presence(database, "web", clock, stop))
    async with asyncio.timeout(5):
        while (row := await row_of(database)) is None:
            await asyncio.sleep(0.01)
        clock.ms += 5000
        while (await row_of(database)).alive_at_ms == row.alive_at_ms:
            await asyncio.sleep(0.01)
        stop.set()
        await keeping
    later = await row_of(database)
    assert (later.started_at_ms, later.alive_at_ms) == (row.started_at_ms, row.started_at_ms + 5000)
    async with database.reading() as session:
        columns = table_of(Outbox).c
        told = await session.execute(select(columns.topic, columns.subject_id))
        assert told.all() == [("process", "web")]
