"""Keeps a run's lease alive: a sign of life to SQL often, to the engine seldom.

The engine's heartbeat costs it a transaction; SQL's `seen_at_ms` is what `confirm_loss` believes in the end. So an
engine that does not answer costs no lease.
"""

import asyncio
import logging
from collections import OrderedDict

from controlplane.access.callers import Caller
from controlplane.commands import CommandService
from controlplane.ports import EngineUnavailable

log = logging.getLogger(__name__)

ENGINE_EVERY_SECONDS = 20.0
ENGINE_ANSWER_SECONDS = 2.0  # an agent must not wait for a beat
RUNS_REMEMBERED = 10_000


class Beats:
    """When each run was last told to the engine, by this process: a cache that may be lost."""

    def __init__(self, commands: CommandService, lease_ttl_seconds: float) -> None:
        self._commands = commands
        self._every_ms = int(min(ENGINE_EVERY_SECONDS, lease_ttl_seconds / 3) * 1000)
        self._told_at_ms: OrderedDict[str, int] = OrderedDict()

    async def beat(self, caller: Caller, progress: str | None = None) -> None:
        """A sign of life from the holder of a live run."""
        await self._commands.sign_of_life(caller, progress)
        run_id = caller.run_id or ""
        now_ms = self._commands.clock.now_ms()
        told_at_ms = self._told_at_ms.get(run_id)
        if told_at_ms is not None and now_ms - told_at_ms < self._every_ms:
            return
        self._told_at_ms[run_id] = now_ms
        self._told_at_ms.move_to_end(run_id)
        if len(self._told_at_ms) > RUNS_REMEMBERED:
            self._told_at_ms.popitem(last=False)
        try:
            async with asyncio.timeout(ENGINE_ANSWER_SECONDS):
                await self._commands.engine.beat(caller.task_id or "", caller.epoch)
        except (EngineUnavailable, TimeoutError):
            self._told_at_ms.pop(run_id, None)
            log.debug("the engine did not hear a beat", extra={"run_id": run_id})
