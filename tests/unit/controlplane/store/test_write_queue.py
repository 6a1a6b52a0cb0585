"""Small pieces of work for the one writer: what gathers is committed together, and each answers for itself."""

import asyncio
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from controlplane.settings import Settings
from controlplane.store.database import open_control
from controlplane.store.tables import Workspace
from controlplane.store.upsert import table_of


def name_workspace(number: int) -> Callable[[Connection], int]:
    def work(connection: Connection) -> int:
        row = {"workspace_id": f"w_{number}", "name": "One", "created_at_ms": number}
        connection.execute(insert(table_of(Workspace)), row)
        return number

    return work


async def workspaces(database) -> list[str]:
    async with database.reading() as session:
        columns = table_of(Workspace).c
        return list((await session.execute(select(columns.workspace_id).order_by(columns.created_at_ms))).scalars())


async def test_each_piece_of_work_gets_its_own_answer_in_the_order_in_which_they_came(database):
    answers = await asyncio.gather(*(database.write(name_workspace(number)) for number in range(120)))
    assert answers == list(range(120))
    assert await workspaces(database) == [f"w_{number}" for number in range(120)]


async def test_work_that_gathers_behind_another_shares_one_transaction(database):
    seen: list[int] = []

    def count_transactions(connection: Connection) -> None:
        seen.append(id(connection.get_transaction()))

    async with database.transaction() as session:
        await session.execute(text("SELECT 1"))  # the writer is held, so that what comes now has to wait
        waiting = [asyncio.ensure_future(database.write(count_transactions)) for _ in range(5)]
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert len(seen) == 5
    assert len(set(seen)) == 1


async def test_a_piece_that_fails_takes_nothing_of_the_others_with_it(database):
    def fail_half_way(connection: Connection) -> None:
        name_workspace(99)(connection)
        raise LookupError("half-way")

    good, bad, twice, other = await asyncio.gather(
        database.write(name_workspace(1)),
        database.write(fail_half_way),
        database.write(name_workspace(1)),
        database.write(name_workspace(2)),
        return_exceptions=True,
    )
    assert (good, other) == (1, 2)
    assert isinstance(bad, LookupError)
    assert isinstance(twice, IntegrityError)
    assert await workspaces(database) == ["w_1", "w_2"]


async def test_who_gives_up_waiting_does_not_stop_the_others(database):
    async with database.transaction() as session:
        await session.execute(text("SELECT 1"))
        impatient = asyncio.ensure_future(database.write(name_workspace(1)))
        patient = asyncio.ensure_future(database.write(name_workspace(2)))
        await asyncio.sleep(0)
        impatient.cancel()
    assert await patient == 2
    assert await workspaces(database) == ["w_2"]


async def test_a_database_that_cannot_be_opened_is_said_to_everybody_who_waits_and_is_tried_again(settings, tmp_path):
    database = open_control(Settings(home=settings.home, control_url=f"sqlite+aiosqlite:///{tmp_path}/not-there/x"))
    try:
        for _ in range(2):
            failed = await asyncio.gather(*(database.write(name_workspace(n)) for n in (1, 2)), return_exceptions=True)
            assert [isinstance(one, SQLAlchemyError) for one in failed] == [True, True]
    finally:
        await database.close()
        for thread in threading.enumerate():  # what could not open tells the loop of its end, which must still be there
            if thread is not threading.main_thread():
                await asyncio.to_thread(thread.join, 5)


async def test_synchronous_work_leaves_the_event_loop_to_others(database):
    threads = {threading.get_ident()}
    threads.add(await database.write(lambda _connection: threading.get_ident()))
    threads.add(await database.read(lambda _connection: threading.get_ident()))
    assert len(threads) == 3


async def test_a_reader_sees_one_snapshot_and_writes_nothing(database):
    def look_twice(connection: Connection) -> tuple[int, int]:
        first = connection.execute(text("SELECT count(*) FROM workspaces")).scalar_one()
        asyncio.run_coroutine_threadsafe(database.write(name_workspace(1)), loop).result(5)
        connection.execute(text("PRAGMA query_only"))
        return first, connection.execute(text("SELECT count(*) FROM workspaces")).scalar_one()

    loop = asyncio.get_running_loop()
    assert await database.read(look_twice) == (0, 0)
    with pytest.raises(LookupError):
        await database.read(write_and_fail)
    assert await workspaces(database) == ["w_1"]
    await database.read(name_workspace(2))
    assert await workspaces(database) == ["w_1"]


def write_and_fail(connection: Connection) -> None:
    name_workspace(3)(connection)
    raise LookupError("half-way")


async def test_waiting_writers_are_done_before_the_database_closes(settings):
    database = open_control(settings)
    writing = asyncio.ensure_future(database.write(name_workspace(7)))
    await asyncio.sleep(0)
    await database.close()
    assert await writing == 7
