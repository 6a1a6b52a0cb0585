"""What changes with the clock alone: every two seconds the leader looks at all live runs and writes down who is stuck.

Killed, signals stay as they are until another worker takes over. A signal is written only when it changed and taken
away when its finding is gone; the watch revokes nothing. It also repairs what nobody could tell: every ten seconds
freezes that did not reach their tasks, every minute tasks that are wrong about those they wait for. And it makes
what recurs, and trims the outbox.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from sqlalchemy.exc import OperationalError

from controlplane.domain.stuck import Thresholds, find_stuck
from controlplane.ports import Clock, EngineUnavailable
from controlplane.settings import Settings
from controlplane.store.database import Database
from controlplane.store.outbox import trim
from workers.freezes import FreezeKeeper
from workers.incidents import watch_losses
from workers.leadership import Leadership
from workers.overdue import watch_reviews
from workers.reconcile import Reconciler
from workers.sightings import ended_calls, live_runs
from workers.signals import Found, write_signals

EVERY_SECONDS = 2.0
RECUR_EVERY_MS = 4_000  # a time is noticed within five seconds, as it is told to people
FREEZES_EVERY_MS = 10_000
RECONCILE_EVERY_MS = 60_000
SWEEP_EVERY_MS = 3_600_000
CALLS_OF_A_SUSPECT = 500  # how far back a loop is counted; the first look, at all runs, reads only twenty

log = logging.getLogger(__name__)


def thresholds_of(settings: Settings) -> Thresholds:
    return Thresholds(settings.repeats_until_stuck, int(settings.silence_seconds * 1000))


@dataclass(slots=True)
class Watch:
    """One process's watch; it looks only while it leads."""

    control: Database
    calls: Database
    reconciler: Reconciler
    freezes: FreezeKeeper
    leadership: Leadership
    thresholds: Thresholds
    review_patience_ms: int
    clock: Clock
    sweep: Callable[[int], Awaitable[object]] | None = None  # of contents that nothing refers to
    recur: Callable[[], Awaitable[object]] | None = None  # makes the tasks that are due again
    reconciled_at_ms: int = 0
    kept_freezes_at_ms: int = 0
    swept_at_ms: int = 0
    recurred_at_ms: int = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. A database that is away is waited for."""
        while not stop.is_set():
            try:
                if await self.leadership.is_mine():
                    await self.look()
                    await self._reconcile_when_due()
            except (OperationalError, EngineUnavailable) as error:
                log.warning("the watch could not look", extra={"reason": str(error)})
            try:
                await asyncio.wait_for(stop.wait(), EVERY_SECONDS)
            except TimeoutError:
                continue
        await self.leadership.resign()

    async def look(self) -> int:
        """Looks once; how many signals changed."""
        now_ms = self.clock.now_ms()
        # Three repeats of a round of three, twice over, because model and tool calls may alternate.
        sightings = await live_runs(self.control, self.calls, calls_seen=max(20, 6 * self.thresholds.repeats))
        suspects = [sighting for sighting in sightings if find_stuck(sighting.run, self.thresholds, now_ms)]
        earlier = await ended_calls(self.calls, [suspect.run_id for suspect in suspects], CALLS_OF_A_SUSPECT)
        found = {
            suspect.task_id: Found(suspect, finding)
            for suspect in suspects
            if (finding := find_stuck(replace(suspect.run, calls=earlier[suspect.run_id]), self.thresholds, now_ms))
        }
        changed = await write_signals(self.control, found, now_ms)
        changed += await watch_losses(self.control, now_ms)
        return changed + await watch_reviews(self.control, self.review_patience_ms, now_ms)

    async def _reconcile_when_due(self) -> None:
        now_ms = self.clock.now_ms()
        if self.recur is not None and now_ms - self.recurred_at_ms >= RECUR_EVERY_MS:
            self.recurred_at_ms = now_ms
            await self.recur()
        if now_ms - self.kept_freezes_at_ms >= FREEZES_EVERY_MS:
            self.kept_freezes_at_ms = now_ms
            await self.freezes.look()
        if now_ms - self.reconciled_at_ms >= RECONCILE_EVERY_MS:
            self.reconciled_at_ms = now_ms
            await self.reconciler.correct_blockers()
            async with self.control.transaction() as session:
                await trim(session)
        if self.sweep is not None and now_ms - self.swept_at_ms >= SWEEP_EVERY_MS:
            self.swept_at_ms = now_ms
            await self.sweep(now_ms)
