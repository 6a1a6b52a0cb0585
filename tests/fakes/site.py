"""The pages on real databases, a real feed and real commands; only the engine is in memory, and a clock that is set."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from fastapi import FastAPI

from controlplane.access.people import Person, create_admin_if_none
from controlplane.access.sessions import start_session
from controlplane.blobs import DirectoryBlobs
from controlplane.commands.service import CommandService
from controlplane.domain.state import TaskState
from controlplane.feed.feed import Feed
from controlplane.settings import Home, Settings
from controlplane.store.database import Database, open_calls, open_control
from tests.fakes.databases import create_databases
from tests.fakes.engine import MemoryEngine
from web.app import create_pages
from web.assets import Assets
from web.live.hub import Hub
from web.rendering import Renderer
from web.station import Station

NOON_MS = 1_794_571_200_000  # 2026-11-13 12:00:00 UTC


@dataclass
class SetClock:
    """Says what it was set to."""

    at_ms: int = NOON_MS

    def now_ms(self) -> int:
        return self.at_ms


@dataclass(frozen=True)
class Kept:
    """A site that was closed again, for others to begin from."""

    root: Path
    tasks: dict[str, TaskState]
    at_ms: int
    person: Person
    cookie: str
    app: FastAPI  # its routes were worked out, which takes longer than most tests: one later site at a time uses it


@dataclass
class Site:
    """A running set of pages."""

    app: FastAPI
    station: Station
    engine: MemoryEngine
    feed: Feed
    clock: SetClock
    person: Person
    cookie: str

    def keep(self) -> Kept:
        """What a later site needs to begin where this one stands; copy its folder only when it is closed."""
        root = self.station.settings.home.root
        return Kept(root, dict(self.engine.tasks), self.clock.now_ms(), self.person, self.cookie, self.app)

    @property
    def commands(self) -> CommandService:
        return self.station.commands

    @property
    def control(self) -> Database:
        return self.station.control


@asynccontextmanager
async def running_site(root: Path, clock: SetClock | None = None, kept: Kept | None = None) -> AsyncIterator[Site]:
    """Pages over fresh databases with one admin, signed in; or over a copy of those of a site that was kept."""
    clock = clock or SetClock(kept.at_ms if kept else NOON_MS)
    if kept:
        shutil.copytree(kept.root, root, dirs_exist_ok=True)
    home = Home(root) if kept else create_databases(root)
    settings = Settings(home=home)
    control, calls, engine, blobs = (
        open_control(settings),
        open_calls(settings),
        MemoryEngine(),
        DirectoryBlobs(home.blobs),
    )
    assets = Assets()
    commands = CommandService(control, engine, blobs, clock, b"k" * 32)
    if kept:
        engine.tasks.update(kept.tasks)
        person, cookie = kept.person, kept.cookie
    else:
        async with control.transaction() as session:
            person = await create_admin_if_none(session, clock.now_ms(), "maya@example.com")
            cookie = await start_session(session, person.user_id, clock.now_ms())
    feed = Feed(control)
    try:
        async with feed.running(), Hub(feed).running() as hub:
            station = Station(
                settings=settings,
                control=control,
                calls=calls,
                commands=commands,
                blobs=blobs,
                clock=clock,
                hub=hub,
                assets=assets,
                renderer=Renderer(assets, clock, UTC),
            )
            app = kept.app if kept else create_pages(station)
            app.state.station = station
            yield Site(app, station, engine, feed, clock, person, cookie)
    finally:
        await control.close()
        await calls.close()
