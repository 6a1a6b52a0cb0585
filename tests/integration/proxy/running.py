"""A proxy on a real socket inside of the test's own loop, its records in memory, and a bare client to talk to it."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from pointsman.contract import KeyKind, digest

from proxy.answers import FileAnswerStore
from proxy.app import create_app
from proxy.clock import SystemClock
from proxy.deps import Deps, Limits
from proxy.fence import Fencing
from proxy.front import Front
from proxy.mcp.app import create_mcp_app
from proxy.ports import Clock, Policy, Principal, Provider, ToolServer
from proxy.price_list import compile_listing
from proxy.pricing import PriceTable
from proxy.upstream.attempt import Timeouts
from proxy.upstream.client import UpstreamClient
from proxy.upstream.origin import Origin
from tests.integration.proxy.fake_provider import FakeProvider, Script, fake_provider

AGENT_KEY = "agent-key-0123456789"
RUN_KEY = "run-key-0123456789"
REVOKED_KEY = "revoked-key-0123456789"
PROVIDER_KEY = "sk-provider-secret"

AGENT = Principal("k_agent", KeyKind.AGENT, "w_1", agent_id="a_1")
RUN = Principal("r_1", KeyKind.RUN, "w_1", agent_id="a_1", run_id="r_1", task_id="t_1", epoch=3)
REVOKED = replace(RUN, key_id="k_old", epoch=2, state="revoked", reason="a newer attempt took over")


@dataclass
class MemorySink:
    records: list[dict[str, Any]] = field(default_factory=list)

    def write(self, *records: bytes) -> None:
        self.records.extend(map(orjson.loads, records))

    def close(self) -> None:
        pass

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["type"] == kind]

    @property
    def ended(self) -> dict[str, Any]:
        (only,) = self.of("call_ended")
        return only

    @property
    def started(self) -> dict[str, Any]:
        (only,) = self.of("call_started")
        return only


@dataclass
class HeldPolicy:
    """A policy in the test's hands."""

    policy: Policy
    age: float = 0.0
    followers: list[Callable[[Collection[str]], None]] = field(default_factory=list)

    def current(self) -> Policy:
        return self.policy

    def age_seconds(self) -> float:
        return self.age

    def follow(self, on_change: Callable[[Collection[str]], None]) -> None:
        self.followers.append(on_change)

    def forget(self, key: str) -> None:
        """Revokes a key that is not a run's."""
        principals = dict(self.policy.principals)
        old = principals.pop(digest(key))
        self.policy = replace(self.policy, principals=principals)
        for on_change in self.followers:
            on_change({old.key_id})

    def change(self, key: str, **values: Any) -> None:
        """Changes who holds the key, in place, and tells of it."""
        principals, live_runs = dict(self.policy.principals), dict(self.policy.live_runs)
        old = principals[digest(key)]
        new = principals[digest(key)] = replace(old, **values)
        if new.agent_id is not None and new.run_id is not None:
            others = [run for run in live_runs.get(new.agent_id, ()) if run.run_id != new.run_id]
            live_runs[new.agent_id] = (*others, *([new] if new.state != "revoked" else []))
        self.policy = replace(self.policy, principals=principals, live_runs=live_runs)
        for on_change in self.followers:
            on_change({new.key_id} | ({new.run_id} if new.run_id else set()))


@cache
def price_table() -> PriceTable:
    return PriceTable(compile_listing())


def policy_for(port: int) -> Policy:
    base = f"http://127.0.0.1:{port}/v1"
    return Policy(
        principals={digest(AGENT_KEY): AGENT, digest(RUN_KEY): RUN, digest(REVOKED_KEY): REVOKED},
        live_runs={"a_1": (RUN,)},
        providers=(
            Provider("openai", "openai", base, PROVIDER_KEY, ("gpt-*", "*")),
            Provider("anthropic", "anthropic", base, PROVIDER_KEY, ("claude-*",)),
        ),
        tool_servers={"web": ToolServer("web", f"http://127.0.0.1:{port}/mcp")},
        task_numbers={"T-1": "t_1"},
    )


@dataclass
class Running:
    port: int
    sink: MemorySink
    policy: HeldPolicy
    answers: FileAnswerStore
    server: uvicorn.Server | None = None

    async def stop_listening(self) -> None:
        """Begins to shut down, as at SIGTERM; returns when nobody is let in any more."""
        assert self.server is not None
        self.server.should_exit = True
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except ConnectionError:
                    return
                writer.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def ask(self, body: bytes, **options: Any) -> "Response":
        async with self.open(body, **options) as connection:
            return await connection.response()

    @asynccontextmanager
    async def open(
        self,
        body: bytes = b"",
        *,
        path: str = "/v1/chat/completions",
        method: str = "POST",
        key: str | None = RUN_KEY,
        headers: Mapping[str, str | None] | None = None,
    ) -> AsyncIterator["Connection"]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        fields = {"host": "proxy", "content-length": str(len(body)), **(headers or {})}
        if key:
            fields["authorization"] = f"Bearer {key}"
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
        writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        try:
            yield Connection(reader, writer)
        finally:
            writer.close()


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def head(self) -> tuple[int, dict[str, str]]:
        async with asyncio.timeout(10):
            lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:] if line)}
        return int(lines[0].split()[1]), headers

    async def chunk(self) -> bytes:
        async with asyncio.timeout(10):
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            return (await self.reader.readexactly(size + 2))[:-2]

    async def response(self) -> Response:
        status, headers = await self.head()
        if headers.get("transfer-encoding") == "chunked":
            parts = []
            while part := await self.chunk():
                parts.append(part)
            return Response(status, headers, b"".join(parts))
        async with asyncio.timeout(10):
            return Response(status, headers, await self.reader.readexactly(int(headers["content-length"])))


@asynccontextmanager
async def running_proxy(
    tmp_path: Path,
    provider_port: int,
    *,
    change: Callable[[Policy], Policy] = lambda policy: policy,
    timeouts: Timeouts | None = None,
    limits: Limits | None = None,
    fencing: Fencing | None = None,
    has_tools: bool = False,
    is_warm: bool = True,
    clock: Clock | None = None,
    sink: MemorySink | None = None,
    **of_server: Any,
) -> AsyncIterator[Running]:
    """`is_warm`: with a connection to the provider, as after the first call; so calls take the short way."""
    clock, sink = clock or SystemClock(), sink or MemorySink()
    policy = HeldPolicy(change(policy_for(provider_port)))
    answers = FileAnswerStore(tmp_path / "answers", clock)
    upstream = UpstreamClient(clock, timeouts)
    deps = Deps(policy, sink, answers, clock, upstream, price_table(), limits or Limits(), fencing or Fencing())
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        create_app(deps, create_mcp_app(deps) if has_tools else None), ws="none", lifespan="on", access_log=False,
        log_level="warning", timeout_graceful_shutdown=2, **{"http": Front, **of_server},
    )  # fmt: skip
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.ensure_future(server.serve(sockets=[listener]))
    if is_warm:
        await connect(upstream, provider_port)
    try:
        yield Running(listener.getsockname()[1], sink, policy, answers, server)
    finally:
        server.should_exit = True
        await task


async def connect(client: UpstreamClient, port: int) -> None:
    """Gives the client a connection that is idle; nothing where nobody listens."""
    pool = client._open(Origin("127.0.0.1", port, is_tls=False))
    with contextlib.suppress(OSError):
        pool.give_back(await pool.connect())


@asynccontextmanager
async def proxied(tmp_path: Path, script: Script, **options: Any) -> AsyncIterator[tuple[FakeProvider, Running]]:
    """A provider that answers by a script, and a proxy in front of it."""
    async with fake_provider(script) as provider, running_proxy(tmp_path, provider.port, **options) as proxy:
        yield provider, proxy


class MovedClock(SystemClock):
    """The system's clock, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now_ns(self) -> int:
        return time.time_ns() + int(self.seconds * 1e9)

    def monotonic_ns(self) -> int:
        return time.monotonic_ns() + int(self.seconds * 1e9)


def request(model: str = "gpt-5-mini", **extra: Any) -> bytes:
    return orjson.dumps({"model": model, "messages": [{"role": "user", "content": "Say hello"}], **extra})


ASK = "POST /v1/chat/completions HTTP/1.1"


def head(*lines: str, first: str = ASK, key: str = RUN_KEY) -> bytes:
    """A request's head as bytes, for who looks at what stands on the wire."""
    return "\r\n".join([first, "host: proxy", f"authorization: Bearer {key}", *lines, "\r\n"]).encode()


def written(body: bytes, *lines: str, first: str = ASK, key: str = RUN_KEY) -> bytes:
    return head(*lines, f"content-length: {len(body)}", first=first, key=key) + body


@asynccontextmanager
async def connected(proxy: Running) -> AsyncIterator[Connection]:
    """A connection on which nothing was asked yet."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()
