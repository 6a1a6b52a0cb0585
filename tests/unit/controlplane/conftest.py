"""What the control plane's unit tests share: a migrated database in a temporary home, and a clock that stands still."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from controlplane.access.people import Person, create_admin_if_none
from controlplane.blobs import DirectoryBlobs
from controlplane.commands import CommandService
from controlplane.settings import Home, Settings
from controlplane.store.database import Database, open_control
from controlplane.store.migrate import migrate
from tests.fakes.engine import MemoryEngine


@dataclass
class StillClock:
    """Time moves only when the test says so."""

    ms: int = 1_000_000

    def now_ms(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated home to copy: migrating takes a quarter of a second, copying a millisecond."""
    home = Home(tmp_path_factory.mktemp("migrated"))
    asyncio.run(migrate(Settings(home=home)))
    return home.root


@pytest.fixture
def settings(tmp_path: Path, migrated: Path) -> Settings:
    return Settings(home=Home(Path(shutil.copytree(migrated, tmp_path / "home"))))


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = open_control(settings)
    yield database
    await database.close()


@pytest.fixture
def engine() -> MemoryEngine:
    return MemoryEngine()


@pytest.fixture
async def admin(database: Database) -> Person:
    async with database.transaction() as session:
        return await create_admin_if_none(session, 1)


@pytest.fixture
def service(
    settings: Settings, database: Database, engine: MemoryEngine, clock: StillClock, admin: Person
) -> CommandService:
    """A service with a workspace and an admin to work for."""
    return CommandService(database, engine, DirectoryBlobs(settings.home.blobs), clock, b"m" * 32)
