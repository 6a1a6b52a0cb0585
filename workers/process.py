"""Everything that runs in one process of workers, in one task group: it lives and dies as a whole."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

import httpx2
from temporalio.client import Client
from temporalio.worker import Worker

from controlplane.blobs import DirectoryBlobs, DirectoryParts
from controlplane.commands.leftovers import sweep_leftovers
from controlplane.commands.service import CommandService
from controlplane.feed.feed import Feed
from controlplane.ports import Clock
from controlplane.settings import Settings
from controlplane.store.database import Database, open_calls, open_control
from controlplane.store.presence import keep_presence
from workers.activities.agents import AgentActivities
from workers.activities.tasks import TaskActivities
from workers.bootstrap import bootstrap
from workers.clock import WallClock
from workers.dispatch import Dispatcher
from workers.engine import engine_over
from workers.freezes import FreezeKeeper
from workers.gateway import TIMEOUT, GatewayClient
from workers.leadership import Leadership
from workers.reconcile import Reconciler
from workers.watch import Watch, thresholds_of
from workers.worker import agent_worker, task_worker

LIMITS: Final = httpx2.Limits(max_connections=40, max_keepalive_connections=10)


@dataclass(frozen=True, slots=True)
class Parts:
    """What this process holds open."""

    settings: Settings
    client: Client
    control: Database
    calls: Database
    clock: Clock
    master_key: bytes
    name: str


async def serve(settings: Settings) -> None:
    """Works until SIGTERM or SIGINT. Raises EngineAbsent when there is no Temporal to work for."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        parts = await open_parts(settings, stack)
        service = command_service(parts)
        http = await stack.enter_async_context(httpx2.AsyncClient(timeout=TIMEOUT, limits=LIMITS))
        agents = AgentActivities(service, GatewayClient(http, settings.proxy_url))
        async with asyncio.TaskGroup() as group:
            group.create_task(_work(task_worker(parts.client, _task_activities(parts)), stop), name="task worker")
            group.create_task(_work(agent_worker(parts.client, agents), stop), name="agent worker")
            group.create_task(_until(stop, _dispatcher(parts, service).run()), name="dispatcher")
            group.create_task(_watch(parts, service).run(stop), name="watch")
            group.create_task(keep_presence(parts.control, "workers", parts.clock, stop), name="presence")


async def open_parts(settings: Settings, stack: AsyncExitStack) -> Parts:
    """Databases and a client of a server that is ready for us; closed with the stack."""
    control, calls = open_control(settings), open_calls(settings)
    stack.push_async_callback(control.close)
    stack.push_async_callback(calls.close)
    return Parts(
        settings=settings,
        client=await bootstrap(settings),
        control=control,
        calls=calls,
        clock=WallClock(),
        master_key=bytes.fromhex(settings.home.master_key_file.read_text(encoding="utf-8").strip()),
        name=f"workers-{os.getpid()}",
    )


def command_service(parts: Parts) -> CommandService:
    """What our own agents ask, with the same rules as everybody's."""
    engine = engine_over(parts.client, parts.settings, parts.control)
    blobs = DirectoryBlobs(parts.settings.home.blobs)
    return CommandService(parts.control, engine, blobs, parts.clock, parts.master_key)


async def _until(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Cancels the work when told to stop; an error of the work is raised here."""
    async with asyncio.TaskGroup() as group:
        working = group.create_task(work, name="work until stop")
        stopping = group.create_task(stop.wait(), name="stop")
        await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
        working.cancel()
        stopping.cancel()


async def _work(worker: Worker, stop: asyncio.Event) -> None:
    async with worker:  # leaving it lets running activities end, for a few seconds
        await stop.wait()


def _task_activities(parts: Parts) -> TaskActivities:
    return TaskActivities(parts.control, parts.client, parts.clock, parts.master_key)


def _watch(parts: Parts, service: CommandService) -> Watch:
    home = parts.settings.home

    def sweep(now_ms: int) -> Awaitable[object]:
        return sweep_leftovers(parts.control, DirectoryBlobs(home.blobs), DirectoryParts(home.uploads), now_ms)

    return Watch(
        parts.control,
        parts.calls,
        Reconciler(parts.control, parts.client, parts.clock),
        FreezeKeeper(parts.control, service.engine, parts.clock),
        Leadership(parts.control, parts.clock, "watch", parts.name),
        thresholds_of(parts.settings),
        int(parts.settings.review_patience_seconds * 1000),
        parts.clock,
        sweep,
        service.occur,
    )


def _dispatcher(parts: Parts, service: CommandService) -> Dispatcher:
    return Dispatcher(
        service,
        parts.client,
        Feed(parts.control),
        Leadership(parts.control, parts.clock, "dispatcher", parts.name),
        beat_seconds=min(10.0, parts.settings.lease_ttl_seconds / 4),
    )
