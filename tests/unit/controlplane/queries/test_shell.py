"""What the frame says about processes that died while the others went on."""

import pytest

from controlplane.queries.shell import RESTART_SHOWN_MS, Restart, shell_view
from controlplane.settings import Settings
from controlplane.store.database import Database, open_calls
from controlplane.store.tables import Process
from controlplane.supervisor.board_notice import forget_deaths, tell_death

NOW_MS = 10_000_000


async def _restarts(database: Database, settings: Settings, now_ms: int = NOW_MS) -> tuple[Restart, ...]:
    calls = open_calls(settings)
    try:
        async with database.reading() as session, calls.reading() as calls_session:
            return (await shell_view(session, calls_session, "w_1", "u_1", now_ms, 0)).restarts
    finally:
        await calls.close()


@pytest.fixture
async def running(database: Database, settings: Settings) -> Settings:
    """Processes that took their time to start, as on a busy machine."""
    async with database.transaction() as session:
        for name, started_at_ms in (("web", NOW_MS - 90_000), ("workers", NOW_MS - 20_000)):
            session.add(Process(name=name, pid=1, started_at_ms=started_at_ms, alive_at_ms=NOW_MS))
    return settings


async def test_a_slow_start_is_no_restart(database: Database, running: Settings) -> None:
    assert await _restarts(database, running) == ()


async def test_a_process_that_died_is_away_until_it_has_started_again(database: Database, running: Settings) -> None:
    assert tell_death(running.home.control_database, "workers", NOW_MS - 5_000)
    assert await _restarts(database, running) == (Restart("workers", NOW_MS - 5_000, is_back=False),)

    async with database.transaction() as session:
        row = await session.get_one(Process, "workers")
        row.started_at_ms = NOW_MS - 4_000
    assert await _restarts(database, running) == (Restart("workers", NOW_MS - 4_000, is_back=True),)
    assert await _restarts(database, running, NOW_MS + RESTART_SHOWN_MS) == ()


async def test_deaths_of_the_last_life_are_no_news(database: Database, running: Settings) -> None:
    tell_death(running.home.control_database, "web", NOW_MS - 5_000)
    assert forget_deaths(running.home.control_database)
    assert await _restarts(database, running) == ()
