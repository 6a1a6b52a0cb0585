"""A process of ours says that it is alive, so that `confirm_loss`, `doctor` and the board know what could be heard.

Killed, its row goes stale: whoever reads it compares `alive_at_ms` with the clock.
"""

import asyncio
import logging
import os

from sqlalchemy.exc import OperationalError

from controlplane.ports import Clock
from controlplane.store.database import Database
from controlplane.store.outbox import announce
from controlplane.store.tables import Process
from controlplane.store.upsert import insert_into

log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0


async def keep_presence(database: Database, name: str, clock: Clock, stop: asyncio.Event) -> None:
    """Says every five seconds that process `name` is alive, until `stop`. The start itself goes to the outbox."""
    started_at_ms = clock.now_ms()
    is_announced = False
    while not stop.is_set():
        try:
            await _say(database, name, started_at_ms, clock.now_ms(), is_start=not is_announced)
            is_announced = True
        except OperationalError as error:  # a busy or missing database must not end the process
            log.warning("presence was not written", extra={"presence_of": name, "reason": str(error.orig)})
        try:
            await asyncio.wait_for(stop.wait(), EVERY_SECONDS)
        except TimeoutError:
            continue


async def _say(database: Database, name: str, started_at_ms: int, now_ms: int, *, is_start: bool) -> None:
    row = {"pid": os.getpid(), "started_at_ms": started_at_ms, "alive_at_ms": now_ms}
    async with database.transaction() as session:
        insert = insert_into(session, Process).values(name=name, **row)
        await session.execute(insert.on_conflict_do_update(index_elements=["name"], set_=row))
        if is_start:
            announce(session, "", "process", name, now_ms)
