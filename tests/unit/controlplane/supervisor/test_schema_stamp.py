import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from controlplane.settings import Home
from controlplane.supervisor.schema_stamp import is_schema_current, stamp_schema


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    for database in (home.control_database, home.calls_database):
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("CREATE TABLE alembic_version (version_num)")
            connection.execute("INSERT INTO alembic_version VALUES ('0003')")
    return home


def test_a_first_start_waits_for_the_preparation(tmp_path: Path) -> None:
    assert not is_schema_current(Home(tmp_path))


def test_databases_as_the_preparation_left_them_need_no_waiting(home: Home) -> None:
    assert not is_schema_current(home)
    stamp_schema(home)
    assert is_schema_current(home)


def test_a_database_that_came_back_from_an_older_copy_is_noticed(home: Home) -> None:
    stamp_schema(home)
    with closing(sqlite3.connect(home.calls_database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0002'")
    assert not is_schema_current(home)


def test_code_with_another_migration_is_noticed(home: Home) -> None:
    stamp_schema(home)
    stamp = home.root / "schema.json"
    stamp.write_text(stamp.read_text(encoding="utf-8").replace("0001", "0000"), encoding="utf-8")
    assert not is_schema_current(home)
