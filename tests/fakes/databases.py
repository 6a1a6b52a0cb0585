"""Both databases, made from the tables as they stand: fast, where the migrations are not the point."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine

from controlplane.plain_sqlite import open_sqlite
from controlplane.settings import Home
from controlplane.store.call_tables import CALLS_METADATA
from controlplane.store.tables import CONTROL_METADATA


def create_databases(root: Path) -> Home:
    """An installation's folder with two empty databases."""
    home = Home(root)
    for path, metadata in ((home.control_database, CONTROL_METADATA), (home.calls_database, CALLS_METADATA)):
        engine = create_engine(f"sqlite:///{path}")
        metadata.create_all(engine)
        engine.dispose()
    return home


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A plain connection that is closed again: an open one is a warning, and warnings are errors here."""
    connection = open_sqlite(path)
    try:
        yield connection
    finally:
        connection.close()


def insert(connection: sqlite3.Connection, table: str, **values: object) -> None:
    columns = ", ".join(values)
    connection.execute(
        f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * len(values))})", tuple(values.values())
    )
