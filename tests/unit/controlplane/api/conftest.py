"""The API in this process, over the engine in memory; no sockets."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from pointsman.contract import KeyKind

from controlplane.access.agents import register_agent
from controlplane.access.keys import create_key
from controlplane.api import ApiDeps, create_api
from controlplane.feed.feed import Feed
from controlplane.store.database import Database, open_calls
from tests.fakes.description import Description

DESCRIPTION = Description()


class Client:
    """Speaks as the holder of one key. Every answer is held to what the API's description says of it."""

    def __init__(self, http: httpx2.AsyncClient, key: str) -> None:
        self._http = http
        self.key = key

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        bearer = {"authorization": f"Bearer {self.key}"}
        response = await self._http.request(method, path, json=body, headers=bearer | named)
        DESCRIPTION.check(method, path, response)
        return response

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        return await self.ask("GET", path, **headers)

    async def post(self, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        return await self.ask("POST", path, body, **headers)

    def with_key(self, key: str) -> "Client":
        return Client(self._http, key)


@pytest.fixture
async def calls(settings) -> AsyncIterator[Database]:
    database = open_calls(settings)
    yield database
    await database.close()


@dataclass
class Routes:
    """The application. Its routes are worked out when they are first asked, which takes longer than most tests: so it
    is made once for each test process, and handed each test's own rooms."""

    app: FastAPI | None = None

    def over(self, deps: ApiDeps) -> FastAPI:
        if self.app is None:
            self.app = create_api(deps)
        self.app.state.deps = deps
        return self.app


@pytest.fixture(scope="session")
def routes() -> Routes:
    return Routes()


@pytest.fixture
async def http(settings, database, calls, engine, clock, service, routes) -> AsyncIterator[httpx2.AsyncClient]:
    async with Feed(database).running() as feed:
        deps = ApiDeps(settings, database, calls, engine, feed, service.blobs, clock, service.master_key)
        transport = httpx2.ASGITransport(routes.over(deps))
        async with httpx2.AsyncClient(transport=transport, base_url="http://pointsman.test") as client:
            yield client


@pytest.fixture
async def script(http, database, admin) -> Client:
    """Somebody's script, with an admin key."""
    async with database.transaction() as session:
        return Client(http, await create_key(session, KeyKind.ADMIN, admin.workspace_id, "script", 1))


@pytest.fixture
async def writer(http, database, admin) -> Client:
    """The agent `writer`."""
    async with database.transaction() as session:
        agent = await register_agent(session, admin.workspace_id, "writer", 1, capabilities=["draft"])
        return Client(http, await create_key(session, KeyKind.AGENT, admin.workspace_id, "w", 1, agent.agent_id))


@pytest.fixture
async def offer(script, writer) -> dict[str, Any]:
    """What the writer is given to do."""
    await script.post("/tasks", {"title": "Write it"})
    return (await writer.post("/agents/me/next", {"wait_seconds": 0})).json()


@pytest.fixture
def run(offer, writer) -> Client:
    """Speaks with the run's key."""
    return writer.with_key(offer["run"]["key"])


@pytest.fixture
def path(offer) -> str:
    return f"/runs/{offer['run']['run_id']}"
