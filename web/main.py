"""The composition root of the process `web`: board, JSON API and the agents' WebSocket on one port.

Killed, nothing is lost: it holds no state. Browsers and agents come back by themselves, commands that were on their way
are sent again under the same id. While Temporal is down pages are served from SQL, and clicks are answered with 503.
"""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager

import uvicorn
from typing_extensions import override

from controlplane.agentcenter.app import create_agentcenter
from controlplane.api.app import create_api
from controlplane.api.deps import ApiDeps
from controlplane.blobs import DirectoryBlobs
from controlplane.feed.feed import Feed
from controlplane.settings import Settings
from controlplane.store.database import open_calls, open_control
from controlplane.store.presence import keep_presence
from web.app import create_pages
from web.assets import Assets
from web.live.hub import Hub
from web.rendering import Renderer
from web.station import Station
from workers.clock import WallClock
from workers.engine import open_engine

DRAIN_SECONDS = 3  # for requests that are being answered


class WebServer(uvicorn.Server):
    """uvicorn that ends streams and long polls when it is told to stop, instead of waiting for those who wait."""

    def __init__(self, config: uvicorn.Config, end_waiting: Callable[[], None]) -> None:
        super().__init__(config)
        self._end_waiting = end_waiting

    @contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:
        """As asyncio does it: uvicorn's own way raises the signal again afterwards, over the heads of our `finally`."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        yield

    def stop(self) -> None:
        self.should_exit = True

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # With the first await inside: by then uvicorn has told every connection to close after its answer, so that
        # nobody who is answered "nothing" asks again on the same line.
        asyncio.get_running_loop().call_soon(self._end_waiting)
        await super().shutdown(sockets)


async def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT."""
    async with AsyncExitStack() as stack:
        station, feed, deps = await open_station(settings, stack)
        app = create_pages(station, create_api(deps), create_agentcenter(deps))
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.web_port,
            http="httptools",
            ws="websockets-sansio",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
        stop = asyncio.Event()
        async with station.hub.running(), asyncio.TaskGroup() as group:
            following = group.create_task(feed.run(), name="feed")

            def end_waiting() -> None:
                station.hub.close()
                following.cancel()  # whoever waits for a change is answered that there is none

            group.create_task(keep_presence(station.control, "web", station.clock, stop), name="presence")
            try:
                await WebServer(config, end_waiting).serve()
            finally:
                end_waiting()
                stop.set()


async def open_station(settings: Settings, stack: AsyncExitStack) -> tuple[Station, Feed, ApiDeps]:
    """What pages and API work with; closed with the stack. Nothing here needs Temporal to be up."""
    control, calls = open_control(settings), open_calls(settings)
    stack.push_async_callback(control.close)
    stack.push_async_callback(calls.close)
    clock, feed, blobs = WallClock(), Feed(control), DirectoryBlobs(settings.home.blobs)
    master_key = bytes.fromhex(settings.home.master_key_file.read_text(encoding="utf-8").strip())
    engine = await open_engine(settings, control)
    deps = ApiDeps(settings, control, calls, engine, feed, blobs, clock, master_key)
    assets = Assets()
    station = Station(
        settings=settings,
        control=control,
        calls=calls,
        commands=deps.commands,
        blobs=blobs,
        clock=clock,
        hub=Hub(feed),
        assets=assets,
        renderer=Renderer(assets, clock),
    )
    return station, feed, deps
