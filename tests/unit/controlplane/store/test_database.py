"""The databases: migrated once, written by one, read by many."""

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from controlplane.store.call_tables import CALLS_METADATA
from controlplane.store.database import Database, open_calls, open_control
from controlplane.store.migrate import migrate
from controlplane.store.tables import CONTROL_METADATA, Workspace


@pytest.mark.parametrize(("open_one", "metadata"), [(open_control, CONTROL_METADATA), (open_calls, CALLS_METADATA)])
async def test_the_migrations_make_exactly_the_tables_that_the_code_uses(settings, open_one, metadata):
    database = open_one(settings)
    try:
        async with database.writer.connect() as connection:
            differences = await connection.run_sync(
                lambda sync: compare_metadata(MigrationContext.configure(sync, opts={"compare_type": True}), metadata)
            )
    finally:
        await database.close()
    assert differences == []


async def test_migrating_again_and_at_the_same_time_changes_nothing(settings, database):
    async with database.transaction() as session:
        session.add(Workspace(workspace_id="w_1", name="One", created_at_ms=1))
    await asyncio.gather(migrate(settings), migrate(settings))
    async with database.reading() as session:
        assert (await session.get(Workspace, "w_1")) is not None


async def test_a_transaction_that_fails_leaves_nothing(database):
    async def fail_half_way() -> None:
        async with database.transaction() as session:
            session.add(Workspace(workspace_id="w_1", name="One", created_at_ms=1))
            await session.flush()
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        await fail_half_way()
    async with database.reading() as session:
        assert (await session.get(Workspace, "w_1")) is None


async def test_two_read_and_write_transactions_do_not_lose_each_others_write(settings, database):
    """`BEGIN IMMEDIATE`: a deferred one would fail one of the two with a stale snapshot."""
    other = open_control(settings)

    async def count_up(one: Database) -> None:
        for _ in range(10):
            async with one.transaction() as session:
                value = (await session.execute(text("SELECT count(*) FROM workspaces"))).scalar_one()
                session.add(Workspace(workspace_id=f"w_{value}", name="", created_at_ms=0))

    try:
        await asyncio.gather(count_up(database), count_up(other), count_up(other))
    finally:
        await other.close()
    async with database.reading() as session:
        assert (await session.execute(text("SELECT count(*) FROM workspaces"))).scalar_one() == 30


async def test_readers_are_not_held_up_by_a_writer(database):
    async with database.transaction() as session:
        session.add(Workspace(workspace_id="w_1", name="One", created_at_ms=1))
        await session.flush()
        async with database.reading() as reader, asyncio.timeout(2):
            assert (await reader.get(Workspace, "w_1")) is None


async def test_write_ahead_logging_is_on(database):
    async with database.reading() as session:
        assert (await session.execute(text("PRAGMA journal_mode"))).scalar_one() == "wal"
