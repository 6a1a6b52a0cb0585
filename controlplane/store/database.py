"""One database of ours: how it is opened, read and written.

SQLite (WAL) has a single writer. So each process holds *one* writing connection, whose transactions begin as
`BEGIN IMMEDIATE`: a transaction that reads and then writes cannot be refused half-way, and no two of them interleave,
in this process or another. Readers have connections of their own, see one snapshot each, and never wait for a writer.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection, event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from controlplane.settings import Settings
from controlplane.store.one_hop import one_hop_creator
from controlplane.store.write_queue import WriteQueue, in_one_hop

T = TypeVar("T")

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
    _writes: WriteQueue = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_writes", WriteQueue(self.writer))

    async def write(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, committed. One hop to the writer's thread; those that wait together share a transaction.

        `work` is synchronous, short, and may be called again when another one of its transaction has failed.
        """
        return await self._writes.run(work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What `work` reads, over one snapshot, in one hop to a reader's thread."""
        async with self.engine.connect() as connection:
            return await in_one_hop(connection, work)

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
        await self._writes.close()
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
    is_sqlite = make_url(url).get_backend_name() == "sqlite"
    creator = {"async_creator": one_hop_creator(url, f"BEGIN {begin}")} if is_sqlite else {}
    engine = create_async_engine(url, pool_size=connections, max_overflow=0, pool_timeout=WAIT_SECONDS, **creator)
    if is_sqlite:
        event.listen(engine.sync_engine, "connect", _on_connect)

        def _on_begin(connection: Connection) -> None:
            connection.exec_driver_sql(f"BEGIN {begin}")

        event.listen(engine.sync_engine, "begin", _on_begin)
    return engine


def _on_connect(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
