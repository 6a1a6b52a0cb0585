"""What the control plane's unit tests share: a migrated database in a temporary home, and a clock that stands still."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from controlplane.settings import Home, Settings
from controlplane.store.database import Database, open_control
from controlplane.store.migrate import migrate


@dataclass
class StillClock:
    """Time moves only when the test says so."""

    ms: int = 1_000_000

    def now_ms(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=Home(tmp_path / "home"))
    await migrate(settings)
    return settings


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = open_control(settings)
    yield database
    await database.close()
