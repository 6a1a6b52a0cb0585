"""Brings both databases to the tables of this version. Killed at any point, the next start does it again.

Each migration is one transaction together with Alembic's note that it ran. A lock file keeps two starting processes
apart; the operating system takes the lock back from a dead one.
`python -m controlplane.store.migrate control "Add a column"` writes the next migration from the tables' difference.
"""

import asyncio
import fcntl
import io
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData

from controlplane.settings import Settings, read_settings
from controlplane.store.call_tables import CALLS_METADATA
from controlplane.store.database import open_database
from controlplane.store.tables import CONTROL_METADATA

LOCK_WAIT_SECONDS = 60.0  # longer than any migration of an embedded database


@dataclass(frozen=True, slots=True)
class Schema:
    """One database's tables and the folder of its migrations."""

    name: str
    metadata: MetaData


CONTROL = Schema("control", CONTROL_METADATA)
CALLS = Schema("calls", CALLS_METADATA)


async def migrate(settings: Settings) -> None:
    """Both databases at this version's tables, created if they are not there. Raises TimeoutError behind a lock."""
    await asyncio.to_thread(settings.home.root.mkdir, parents=True, exist_ok=True)
    lock = settings.home.root / "migrate.lock"
    with await asyncio.to_thread(_acquire, lock):
        await upgrade(settings.control_database_url, CONTROL)
        await upgrade(settings.calls_database_url, CALLS)


async def upgrade(url: str, schema: Schema) -> None:
    """One database to the newest migration."""
    await _with_connection(url, schema, lambda config: command.upgrade(config, "head"))


async def _with_connection(url: str, schema: Schema, work: Callable[[Config], Any]) -> None:
    database = open_database(url)
    try:
        async with database.writer.begin() as connection:
            await connection.run_sync(lambda sync: work(alembic_config(schema, sync)))
    finally:
        await database.close()


def alembic_config(schema: Schema, connection: Connection) -> Config:
    """Alembic's configuration for one database, over an open connection."""
    folder = Path(__file__).parent / "migrations"
    config = Config(stdout=io.StringIO(), attributes={"connection": connection, "metadata": schema.metadata})
    config.set_main_option("script_location", str(folder))
    config.set_main_option("version_locations", str(folder / schema.name))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def _held(lock: io.TextIOWrapper) -> Iterator[None]:
    with lock:  # closing gives the lock back
        yield


def _acquire(path: Path) -> Any:
    lock = path.open("w", encoding="utf-8")
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return _held(lock)
        except BlockingIOError:
            if time.monotonic() > deadline:
                lock.close()
                raise TimeoutError(f"another process has been migrating for a minute; it holds {str(path)!r}") from None
            time.sleep(0.1)  # advisory file locks have no wake-up with a deadline


def main(arguments: list[str]) -> None:
    """For developers: `control|calls MESSAGE` writes a migration, which is then read and corrected by a person."""
    schema = {"control": CONTROL, "calls": CALLS}[arguments[0]]
    settings = read_settings()
    url = settings.control_database_url if schema is CONTROL else settings.calls_database_url
    asyncio.run(
        _with_connection(
            url,
            schema,
            lambda config: command.revision(config, arguments[1], autogenerate=True, rev_id=_next_number(schema)),
        )
    )


def _next_number(schema: Schema) -> str:
    folder = Path(__file__).parent / "migrations" / schema.name
    return f"{len(list(folder.glob('[0-9]*.py'))) + 1:04d}"


if __name__ == "__main__":
    main(sys.argv[1:])
