from sqlalchemy import func, select

from controlplane.store.database import Database
from controlplane.store.outbox import announce, trim
from controlplane.store.tables import Outbox
from controlplane.store.upsert import table_of


async def _bounds(database: Database) -> tuple[int, int]:
    seq = table_of(Outbox).c.seq
    async with database.reading() as session:
        oldest, newest = (await session.execute(select(func.min(seq), func.max(seq)))).one()
    return int(oldest), int(newest)


async def test_trimming_keeps_the_newest_changes_and_their_numbers(database: Database) -> None:
    async with database.transaction() as session:
        for number in range(30):
            announce(session, "w", "task", f"t_{number}", number)
    _, newest = await _bounds(database)

    async with database.transaction() as session:
        taken = await trim(session, kept=10)
    async with database.transaction() as session:
        again = await trim(session, kept=10)

    assert await _bounds(database) == (newest - 9, newest)
    assert (taken > 0, again) == (True, 0)
