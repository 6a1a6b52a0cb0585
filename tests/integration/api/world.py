"""A served API with something of everything in it, so that what is asked by chance finds something."""

import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from pointsman.contract import API_PREFIX, KeyKind
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from controlplane.access.agents import register_agent
from controlplane.access.keys import create_key
from controlplane.access.people import create_admin_if_none
from controlplane.api import ApiDeps, create_api
from controlplane.blobs import DirectoryBlobs
from controlplane.feed.feed import Feed
from controlplane.settings import Settings
from controlplane.store.database import open_calls, open_control
from controlplane.store.tables import User
from tests.fakes.databases import create_databases
from tests.fakes.engine import MemoryEngine
from tests.fakes.served import served

WORKER = "worker"  # whose runs are spoken for; its name is in no example, so that nobody retires it by chance


class RealClock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


@dataclass
class World:
    """Speaks as each kind of caller, and keeps a run alive to speak for."""

    http: httpx2.Client
    keys: dict[str, str]
    run: dict[str, Any] | None = None
    question_id: str = ""
    paths: dict[str, str] = field(default_factory=dict)  # what stands in a path, by its name

    def ask(self, method: str, path: str, body: Any = None, caller: str = "admin") -> Any:
        response = self.http.request(
            method, API_PREFIX + path, json=body, headers={"authorization": f"Bearer {self.keys[caller]}"}
        )
        assert response.status_code < 500, response.text
        return response.json() if response.content else None

    def hold_a_run(self) -> None:
        """The same live run as before, or a new one of a new task."""
        if self.run is not None:
            alive = self.ask("POST", f"/runs/{self.run['run_id']}/beat", caller="run")
            if alive.get("lease") == "held":
                return
        self.ask("POST", "/thaw")
        self.ask("POST", f"/agents/{WORKER}/resume")
        self.ask("POST", "/tasks", {"title": "For the worker", "priority": 1, "agent": WORKER})
        offer = self.ask("POST", "/agents/me/next", {"wait_seconds": 0, "concurrency": 64}, caller="agent")
        self.run = offer["run"]
        self.keys["run"] = offer["run"]["key"]
        self.paths |= {"run_id": offer["run"]["run_id"]}


@contextlib.contextmanager
def running_world(root: Path) -> Iterator[World]:
    """Over fresh databases; only the engine is in memory."""
    root.mkdir()
    settings = Settings(home=create_databases(root))
    keys: dict[str, str] = {}
    with (
        served(_Mounted(settings, keys), lifespan="on") as url,
        httpx2.Client(base_url=url, trust_env=False, timeout=30) as http,
    ):
        world = World(http, keys)
        http.get(API_PREFIX + "/openapi.json").raise_for_status()  # answered when the server is up, and has made keys
        _fill(world)
        yield world


class _Mounted:
    """The API under its prefix and nothing beside it. Starlette's own mount knows no line breaks in a path."""

    def __init__(self, settings: Settings, keys: dict[str, str]) -> None:
        self._api: ASGIApp | None = None
        self._outer = Starlette(lifespan=lambda _: self._open(settings, keys))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._api is None:
            await self._outer(scope, receive, send)
        else:
            await self._api({**scope, "root_path": API_PREFIX}, receive, send)

    @contextlib.asynccontextmanager
    async def _open(self, settings: Settings, keys: dict[str, str]) -> AsyncIterator[None]:
        async with _opened(settings, keys) as api:
            self._api = api
            yield


@contextlib.asynccontextmanager
async def _opened(settings: Settings, keys: dict[str, str]) -> AsyncIterator[ASGIApp]:
    control, calls, clock = open_control(settings), open_calls(settings), RealClock()
    async with control.transaction() as session:
        admin = await create_admin_if_none(session, clock.now_ms())
        session.add(
            User(
                user_id="u_anna",
                workspace_id=admin.workspace_id,
                email="anna@example.com",
                name="Anna",
                handle="anna",
                created_at_ms=1,
            )
        )
        agent = await register_agent(session, admin.workspace_id, WORKER, clock.now_ms(), capabilities=["writing"])
        keys["admin"] = await create_key(session, KeyKind.ADMIN, admin.workspace_id, "script", clock.now_ms())
        keys["agent"] = await create_key(
            session, KeyKind.AGENT, admin.workspace_id, "w", clock.now_ms(), agent.agent_id
        )
    try:
        async with Feed(control).running() as feed:
            blobs = DirectoryBlobs(settings.home.blobs)
            yield create_api(ApiDeps(settings, control, calls, MemoryEngine(), feed, blobs, clock, b"m" * 32))
    finally:
        await control.close()
        await calls.close()


def _fill(world: World) -> None:
    """Tasks in every state, and one of everything that a path or a body may name."""
    for name in ("drafty", "critic", "sleepy"):
        world.ask("POST", "/agents", {"name": name, "capabilities": ["draft"]})
    world.ask("POST", "/teams", {"handle": "qa", "name": "Quality", "members": ["anna", "critic"]})
    for number in range(1, 16):
        world.ask("POST", "/tasks", {"title": f"Task {number}", "needs": ["nobody"], "backlog": number % 5 == 0})
    world.ask("POST", "/tasks/T-12/blockers", {"tasks": ["T-11"]})
    world.ask("POST", "/tasks/T-12/comments", {"text": "@anna and @worker, please look."})
    reviewed = world.ask("POST", "/tasks", {"title": "Reviewed", "priority": 1, "agent": WORKER})
    world.hold_a_run()
    first = world.run or {}
    world.ask("POST", f"/runs/{first['run_id']}/submit", {"content": "# One"}, caller="run")
    world.ask("POST", f"/tasks/{reviewed['ref']}/review", {"verdict": "request_changes", "note": "Shorter"})
    late = world.ask("POST", f"/runs/{first['run_id']}/submit", {"content": "# Late"}, caller="run")
    assert late["code"] == "lease_lost"
    world.hold_a_run()
    kept = world.ask("GET", f"/tasks/{reviewed['ref']}/late")["late"]
    upload = world.ask("POST", "/uploads", {"name": "a.txt", "size_bytes": 5}, caller="admin")
    recurring = world.ask("POST", "/recurring", {"title": "Weekly", "cron": "0 9 * * 1"})
    notes = world.ask("GET", "/agents/me/notes", caller="agent")["notes"]
    key = world.ask("POST", "/keys", {"kind": "agent", "agent": "drafty"})
    (spare,) = [one for one in world.ask("GET", "/keys")["keys"] if one["tail"] == key["key"][-4:]]
    world.paths |= {
        "sha256": kept[0]["sha256"],
        "upload_id": upload["upload_id"],
        "recurring_id": recurring["recurring_id"],
        "note_id": notes[0]["note_id"],
        "key_id": spare["key_id"],
        "agent": "drafty",
        "handle": "qa",
        "blocker_ref": "T-11",
        "reviewed": reviewed["ref"],
        "question_id": "q_1",
    }
