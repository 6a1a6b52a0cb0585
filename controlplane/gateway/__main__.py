"""`python -m controlplane.gateway`: the product's proxy process.

Killed at any point, it has lost no answered call: each stands in the spool before its last byte went out, and what was
in flight is marked `unknown` by the recorder. Its policy comes back from SQL, its kept answers from disk. While `web`,
the workers or the recorder are down it goes on. On SIGTERM it takes no more calls and gives those in flight three
seconds.
"""

import asyncio
import gc
import logging
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from typing import cast, get_args

import uvicorn
import uvloop

from controlplane.gateway.destinations import Destinations
from controlplane.gateway.policy import SqlPolicySource
from controlplane.plain_sqlite import PRESENCE_SECONDS, DatabaseNotUsable, Presence, open_sqlite, sqlite_path
from controlplane.settings import Settings, read_settings
from controlplane.supervisor import lifeline
from proxy.answers import FileAnswerStore
from proxy.app import Application, create_app
from proxy.clock import SystemClock
from proxy.config import ConfigError
from proxy.deps import Deps
from proxy.fence import Fencing, StreamPolicy
from proxy.front import Front
from proxy.kept_responses import FileResponseStore
from proxy.mcp.app import create_mcp_app
from proxy.ports import BodyPolicy
from proxy.price_list import compile_listing
from proxy.pricing import PriceTable
from proxy.serve import KEEP_ALIVE_SECONDS
from proxy.spool import SpoolWriter
from proxy.upstream.client import UpstreamClient

# For calls in flight at SIGTERM. With the proxy's own five seconds for detached calls it fits in the supervisor's ten.
GRACE_SECONDS = 3
LOOK_BUSY_MS = 20  # a look waits this long for a lock at most: the event loop stands still meanwhile

_log = logging.getLogger("controlplane.gateway")


class MillisecondClock(SystemClock):
    """The proxy's clock, for the control plane's ports too."""

    def now_ms(self) -> int:
        return self.now_ns() // 1_000_000


def main() -> int:
    """Runs until SIGTERM; the exit code says whether it could start."""
    lifeline.attach()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # uvicorn's own, later; after a clean end it raises them once more
    settings = read_settings()
    try:
        path = sqlite_path(settings.control_database_url)
        with (
            closing(open_sqlite(path, busy_ms=LOOK_BUSY_MS, is_read_only=True)) as reading,
            closing(open_sqlite(path, is_shared=True)) as writing,
        ):
            _serve(settings, os.environ, reading, writing)
    except (DatabaseNotUsable, ConfigError) as error:
        _log.error("%s", error)
        return 1
    return 0


def _serve(
    settings: Settings, environment: Mapping[str, str], reading: sqlite3.Connection, writing: sqlite3.Connection
) -> None:
    clock = MillisecondClock()
    destinations = Destinations(settings, environment)
    policy = SqlPolicySource(reading, clock, time.monotonic, destinations, body_policy(settings.body_policy))
    prices = PriceTable(compile_listing(), destinations.prices)
    destinations.follow_prices(prices.override)
    deps = Deps(
        policy=policy,
        sink=SpoolWriter(settings.home.spool / f"{clock.now_ns():020d}-{os.getpid()}", clock),
        answers=FileAnswerStore(settings.home.answers, clock),
        responses=FileResponseStore(settings.home.root / "responses", clock),
        clock=clock,
        upstream=UpstreamClient(clock),
        prices=prices,
        fencing=fencing(settings),
    )
    server = uvicorn.Server(_uvicorn_config(settings, create_app(deps, mcp=create_mcp_app(deps))))
    presence = Presence(writing, "proxy", clock.now_ms())
    gc.collect()
    gc.freeze()  # what is loaded now stays: the collector need not look at it again during calls
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_live(server, policy, presence, clock))


def _uvicorn_config(settings: Settings, app: Application) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.proxy_port,
        http=Front,
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,  # nobody stands in front, and forwarded headers are not believed
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


async def _live(server: uvicorn.Server, policy: SqlPolicySource, presence: Presence, clock: MillisecondClock) -> None:
    async with asyncio.TaskGroup() as tasks:
        looking = tasks.create_task(policy.keep_looking(), name="policy")
        saying = tasks.create_task(_keep_presence(presence, clock), name="presence")
        await server.serve()
        looking.cancel()
        saying.cancel()


async def _keep_presence(presence: Presence, clock: MillisecondClock) -> None:
    """Off the event loop, because another process may hold the write lock for a while."""
    while True:
        await asyncio.to_thread(presence.say, clock.now_ms())
        await asyncio.sleep(PRESENCE_SECONDS)


def body_policy(word: str) -> BodyPolicy:
    """What is kept of bodies. Raises ConfigError for a word that is none of the three."""
    for policy in get_args(BodyPolicy):
        if word == policy:
            return cast("BodyPolicy", policy)
    raise ConfigError(f"POINTSMAN_BODY_POLICY is one of off, metadata, full, not {word!r}.")


def fencing(settings: Settings) -> Fencing:
    """What becomes of calls whose run is revoked or held. Raises ConfigError."""
    return Fencing(
        revoked_streams=_stream_policy("POINTSMAN_REVOKED_STREAMS", settings.revoked_streams),
        frozen_streams=_stream_policy("POINTSMAN_FREEZE_STREAMS", settings.freeze_streams),
        park_seconds=settings.park_seconds,
    )


def _stream_policy(variable: str, word: str) -> StreamPolicy:
    for policy in get_args(StreamPolicy):
        if word == policy:
            return cast("StreamPolicy", policy)
    raise ConfigError(f"{variable} is cut or finish, not {word!r}.")


if __name__ == "__main__":
    sys.exit(main())
