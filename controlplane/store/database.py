"""One database of ours: how it is opened, read and written.

SQLite (WAL) has a single writer. So each process holds *one* writing connection, whose transactions begin as
`BEGIN IMMEDIATE`: a transaction that reads and then writes cannot be refused half-way, and no two of them interleave,
in this process or another. Readers have connections of their own, see one snapshot each, and never wait for a writer.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from controlplane.settings import Settings

READERS = 4  # connections a process may read with at once; a read takes milliseconds
WAIT_SECONDS = 10.0  # for a connection of the pool; a transaction that holds the writer longer is a bug

# Sources and measurements: SQLite documentation of each pragma. The cache is per connection, hence small; the page
# cache of the operating system does the rest through the memory map.
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=NORMAL",  # a power cut may lose the last commits, a killed process loses none
    "busy_timeout=5000",
    "foreign_keys=ON",
    "cache_size=-16384",
    "mmap_size=268435456",
    "temp_store=MEMORY",
    "journal_size_limit=67108864",
)


@dataclass(frozen=True, slots=True)
class Database:
    """Readers (`engine`) and the one writer. Sessions are SQLAlchemy's; nothing expires on commit."""

    engine: AsyncEngine
    writer: AsyncEngine

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session that writes: commits at the end, rolls back when left by an exception. Keep it short."""
        async with AsyncSession(self.writer, expire_on_commit=False) as session, session.begin():
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session over one snapshot. What is written through it is thrown away."""
        async with AsyncSession(self.engine, expire_on_commit=False, autoflush=False) as session:
            yield session

    async def close(self) -> None:
        await self.engine.dispose()
        await self.writer.dispose()


def open_control(settings: Settings) -> Database:
    """The control database. Nothing is opened before its first use, and nothing is migrated here."""
    return open_database(settings.control_database_url)


def open_calls(settings: Settings) -> Database:
    """The calls database, which the recorder alone writes."""
    return open_database(settings.calls_database_url)


def open_database(url: str) -> Database:
    """Any database of ours by its SQLAlchemy URL."""
    return Database(engine=_engine(url, READERS, "DEFERRED"), writer=_engine(url, 1, "IMMEDIATE"))


def _engine(url: str, connections: int, begin: str) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=connections, max_overflow=0, pool_timeout=WAIT_SECONDS)
    if make_url(url).get_backend_name() == "sqlite":
        event.listen(engine.sync_engine, "connect", _on_connect)

        def _on_begin(connection: Connection) -> None:
            connection.exec_driver_sql(f"BEGIN {begin}")

        event.listen(engine.sync_engine, "begin", _on_begin)
    return engine


def _on_connect(connection: Any, _record: Any) -> None:
    # The driver would begin transactions itself, late and deferred; SQLAlchemy's documentation of SQLite ("Serializable
    # isolation / Savepoints / Transactional DDL") says to switch that off and to begin them in an event.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
