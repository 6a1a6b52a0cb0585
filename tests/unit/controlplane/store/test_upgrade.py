"""A database of an earlier version keeps its rows when it is brought to this one."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from controlplane.settings import Home, Settings
from controlplane.store.database import open_database
from controlplane.store.migrate import CALLS, CONTROL, Schema, alembic_config, migrate

ROWS_KEPT = {
    CONTROL.name: ("workspaces", "users", "agents", "tasks", "task_edges", "runs", "deliverables", "notices", "outbox"),
    CALLS.name: ("calls",),
}


async def upgrade_to(url: str, schema: Schema, revision: str) -> None:
    database = open_database(url)
    try:
        async with database.writer.begin() as connection:
            await connection.run_sync(lambda sync: command.upgrade(alembic_config(schema, sync), revision))
    finally:
        await database.close()


async def differences(url: str, schema: Schema) -> list[object]:
    database = open_database(url)
    try:
        async with database.writer.connect() as connection:
            return await connection.run_sync(
                lambda sync: compare_metadata(
                    MigrationContext.configure(sync, opts={"compare_type": True}), schema.metadata
                )
            )
    finally:
        await database.close()


def fill(path: Path, table: str) -> dict[str, object]:
    """One row with a value in every column, as the table stands; returned."""
    with closing(sqlite3.connect(path)) as connection, connection:
        columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
        row: dict[str, object] = {name: _value(kind, name) for _, name, kind, *_ in columns}
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
    return row


def _value(kind: str, name: str) -> object:
    if name == "tentative_until_ms":
        return None  # a settled edge: one that belongs to a request under way may go
    if kind.startswith("JSON"):
        return "[]"
    return f"{name} of old" if kind.startswith(("VARCHAR", "TEXT", "CHAR")) else 1


def read(path: Path, table: str, columns: list[str]) -> list[dict[str, object]]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
    return [dict(zip(columns, row, strict=True)) for row in rows]


@pytest.mark.parametrize("schema", [CONTROL, CALLS], ids=lambda schema: schema.name)
async def test_rows_of_the_first_version_are_there_after_the_upgrade_and_every_new_column_has_a_value(tmp_path, schema):
    settings = Settings(home=Home(tmp_path))
    url = settings.control_database_url if schema is CONTROL else settings.calls_database_url
    path = settings.home.control_database if schema is CONTROL else settings.home.calls_database
    await upgrade_to(url, schema, "0001")
    assert await differences(url, schema) != [], "there is nothing to upgrade, so this test proves nothing"
    before = {table: fill(path, table) for table in ROWS_KEPT[schema.name]}

    await migrate(settings)

    assert await differences(url, schema) == []
    for table, row in before.items():
        with closing(sqlite3.connect(path)) as connection:
            described = connection.execute(f"PRAGMA table_info({table})").fetchall()
        kept = [name for _, name, *_ in described if name in row]
        assert read(path, table, kept) == [{name: row[name] for name in kept}], table
        required = [name for _, name, _, is_required, *_ in described if is_required]
        assert None not in read(path, table, required)[0].values(), table


async def test_an_upgraded_database_takes_what_this_version_writes(tmp_path):
    settings = Settings(home=Home(tmp_path))
    await upgrade_to(settings.control_database_url, CONTROL, "0001")
    fill(settings.home.control_database, "tasks")
    await migrate(settings)
    with closing(sqlite3.connect(settings.home.control_database)) as connection, connection:
        changed = connection.execute("UPDATE tasks SET review_problem = 'nobody', holds = '[\"freeze\"]'").rowcount
    assert changed == 1
