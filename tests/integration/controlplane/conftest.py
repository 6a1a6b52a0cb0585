"""The API as a server on loopback, over the engine in memory: for what needs a real connection."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI
from pointsman.contract import API_PREFIX, KeyKind

from controlplane.access.agents import register_agent
from controlplane.access.keys import create_key
from controlplane.access.people import create_admin_if_none
from controlplane.api import ApiDeps, create_api
from controlplane.blobs import DirectoryBlobs
from controlplane.feed.feed import Feed
from controlplane.settings import Home, Settings
from controlplane.store.database import Database, open_calls, open_control
from controlplane.store.migrate import migrate
from tests.fakes.engine import MemoryEngine


class RealClock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


@dataclass
class Served:
    """A running API with a script's and an agent's key."""

    url: str
    admin_key: str
    agent_key: str
    engine: MemoryEngine
    control: Database
    server: uvicorn.Server

    async def post(self, path: str, body: object = None, key: str = "", **headers: str) -> httpx2.Response:
        async with httpx2.AsyncClient(base_url=self.url + API_PREFIX, trust_env=False) as client:
            return await client.post(
                path, json=body, headers={"authorization": f"Bearer {key or self.admin_key}", **headers}
            )


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    settings = Settings(home=Home(tmp_path / "home"))
    await migrate(settings)
    control, calls, clock = open_control(settings), open_calls(settings), RealClock()
    async with control.transaction() as session:
        admin = await create_admin_if_none(session, clock.now_ms())
        agent = await register_agent(session, admin.workspace_id, "writer", clock.now_ms())
        admin_key = await create_key(session, KeyKind.ADMIN, admin.workspace_id, "script", clock.now_ms())
        agent_key = await create_key(session, KeyKind.AGENT, admin.workspace_id, "w", clock.now_ms(), agent.agent_id)
    engine = MemoryEngine()
    async with Feed(control).running() as feed:
        api = create_api(
            ApiDeps(settings, control, calls, engine, feed, DirectoryBlobs(settings.home.blobs), clock, b"m" * 32)
        )
        app = FastAPI()
        app.mount(API_PREFIX, api)
        listening = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, ws="websockets-sansio", timeout_graceful_shutdown=2)
        server = uvicorn.Server(config)
        serving = asyncio.ensure_future(server.serve(sockets=[listening]))
        async with asyncio.timeout(10):
            while not server.started:
                await asyncio.sleep(0.01)
        port = listening.getsockname()[1]
        yield Served(f"http://127.0.0.1:{port}", admin_key, agent_key, engine, control, server)
        server.should_exit = True
        await serving
    await control.close()
    await calls.close()
