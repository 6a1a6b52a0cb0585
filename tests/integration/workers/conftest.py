"""The Temporal room whole: a real server on a file, a real worker, both databases."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pointsman.contract import IdPrefix, new_id
from sqlalchemy import text
from temporalio.client import Client

from controlplane.domain.commands import Command, CreateTask, Envelope
from controlplane.domain.decide import Refusal
from controlplane.domain.state import Actor, ActorKind, TaskState
from controlplane.ports import Applied, EngineUnavailable
from controlplane.settings import Settings
from controlplane.store.database import Database, open_control
from controlplane.store.migrate import migrate
from tests.fixtures_temporal import TemporalServer, settings_on_free_ports
from workers.activities.tasks import TaskActivities
from workers.bootstrap import bootstrap
from workers.engine import TemporalTaskEngine, engine_over
from workers.worker import task_worker

ADA = Actor(ActorKind.PERSON, "u_ada", "Ada")
WRITER = Actor(ActorKind.AGENT, "a_writer", "writer")
MASTER_KEY = bytes(32)


class WallClock:
    def now_ms(self) -> int:
        return int(time.time() * 1000)


def envelope(command: Command, actor: Actor = ADA, command_id: str | None = None) -> Envelope:
    return Envelope(command_id or new_id(IdPrefix.COMMAND), actor, WallClock().now_ms(), command)


async def until(look: Callable[[], Awaitable[Any]], seconds: float = 15.0) -> Any:
    """The first true answer; the last one, if none comes in time."""
    answer = await look()
    deadline = time.monotonic() + seconds
    while not answer and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
        answer = await look()
    return answer


@dataclass
class World:
    settings: Settings
    server: TemporalServer
    client: Client
    control: Database
    engine: TemporalTaskEngine
    clock: WallClock = field(default_factory=WallClock)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        activities = TaskActivities(self.control, self.client, self.clock, MASTER_KEY)
        async with task_worker(self.client, activities):
            yield

    async def apply(self, task_id: str, command: Command, actor: Actor = ADA) -> Applied:
        return await self.send(task_id, envelope(command, actor))

    async def send(self, task_id: str, sent: Envelope, seconds: float = 60.0) -> Applied:
        """As a client does it: the same command id until somebody answers."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                answer = await self.engine.execute(task_id, sent)
            except EngineUnavailable:
                assert time.monotonic() < deadline, "nobody answered"
                continue
            assert isinstance(answer, Applied), answer
            return answer

    async def refuse(self, task_id: str, command: Command, actor: Actor = ADA) -> Refusal:
        answer = await self.engine.execute(task_id, envelope(command, actor))
        assert isinstance(answer, Refusal), answer
        return answer

    async def create(self, title: str = "Write", **fields: Any) -> TaskState:
        task_id = new_id(IdPrefix.TASK)
        command = CreateTask(task_id, "w_1", "p_1", next(self.numbers), title, **fields)
        return (await self.apply(task_id, command)).state

    async def rows(self, sql: str, **parameters: Any) -> list[Any]:
        async with self.control.reading() as session:
            return list((await session.execute(text(sql), parameters)).all())

    async def write(self, sql: str, **parameters: Any) -> None:
        async with self.control.transaction() as session:
            await session.execute(text(sql), parameters)

    async def until_row(self, sql: str, seconds: float = 15.0, **parameters: Any) -> Any:
        rows = await until(lambda: self.rows(sql, **parameters), seconds)
        assert rows, f"no row came: {sql} {parameters}"
        return rows[0]

    async def presence(self, name: str, started_ago_ms: int = 60_000, alive_ago_ms: int = -60_000) -> None:
        """As if that process said so all the time: its row is good for the next minute."""
        now = self.clock.now_ms()
        await self.write(
            "INSERT INTO processes (name, pid, started_at_ms, alive_at_ms) VALUES (:name, 1, :started, :alive) "
            "ON CONFLICT (name) DO UPDATE SET (started_at_ms, alive_at_ms) = (:started, :alive)",
            name=name,
            started=now - started_ago_ms,
            alive=now - alive_ago_ms,
        )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Any:
    """Temporal's client leaves futures that complain when they are collected; with bad luck that happens while pytest
    parses some source, and CPython 3.11 cannot parse a second one inside of that. So they are collected here.
    """
    if call.excinfo is not None:
        gc.collect()
    return (yield)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TemporalServer]:
    settings = settings_on_free_ports(tmp_path / "home", lease_ttl_seconds=1.5, lease_grace_seconds=0.5)
    server = TemporalServer(settings)
    server.start()
    settings.home.master_key_file.write_text(MASTER_KEY.hex())
    yield server
    server.kill()


@pytest.fixture
async def world(server: TemporalServer) -> AsyncIterator[World]:
    """Everything but a running worker."""
    settings = server.settings
    await migrate(settings)
    async with AsyncExitStack() as stack:
        control = open_control(settings)
        stack.push_async_callback(control.close)
        client = await bootstrap(settings)
        engine = engine_over(client, settings, control)
        yield World(settings, server, client, control, engine)
    gc.collect()  # see pytest_runtest_makereport
