"""Keeps one run's lease alive, and knows when it is gone.

A beat goes out every `beat_seconds` until the run ends. No answer is not a loss: the server waits for longer than any
of its processes needs to restart, so the keeper goes on knocking. Only the server's own word ends the lease.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from typing import Any, Final, TypeVar

from pointsman.api import Api, Request
from pointsman.channel import Channel
from pointsman.contract import ErrorCode
from pointsman.errors import LeaseLost, PointsmanError, ServerUnreachable, TaskCancelled
from pointsman.models import Beat, Directive, RunGrant
from pointsman.patience import Backoff

logger = logging.getLogger(__name__)

# A beat over the channel has no answer. So many may pass before one goes over HTTP, where silence is noticed: with a
# beat each 15 s that is every 45 s, within a lease of 60 s.
UNANSWERED_BEATS: Final = 2
Got = TypeVar("Got")


class LeaseKeeper:
    """The life of one run as its agent sees it."""

    def __init__(self, api: Api, channel: Channel, run: RunGrant, ref: str) -> None:
        self._api = api
        self._channel = channel
        self.run = run
        self._ref = ref
        self._progress: str | None = None
        self._unanswered = 0
        self._nudge = asyncio.Event()
        self._lost = asyncio.Event()
        self.loss: LeaseLost | None = None
        self.nudges: tuple[str, ...] = ()
        self.is_paused = False
        self.is_upstream_changed = False

    @property
    def is_lost(self) -> bool:
        return self.loss is not None

    async def keep(self) -> None:
        """Beats until the lease is lost or the keeper is cancelled."""
        backoff, pause = Backoff(), self.run.beat_seconds
        while not self.is_lost:
            try:
                async with asyncio.timeout(pause):
                    await self._nudge.wait()
            except TimeoutError:
                pass
            self._nudge.clear()
            try:
                await self._beat()
            except ServerUnreachable as away:
                pause = min(backoff.next_seconds(away.retry_after_seconds), self.run.beat_seconds)
            else:
                backoff.reset()
                pause = self.run.beat_seconds

    async def _beat(self) -> None:
        progress, self._progress = self._progress, None
        if progress is None and self._unanswered < UNANSWERED_BEATS and await self._channel.send_beat(self.run):
            self._unanswered += 1
            return
        request = Request("POST", f"/runs/{self.run.run_id}/beat", {"progress": progress} if progress else {}, self.run)
        try:
            answer = await self._api.call(request, Beat)
        except ServerUnreachable:
            if self._progress is None:
                self._progress = progress
            raise
        except LeaseLost as loss:
            self.lose(loss)
        except PointsmanError as refused:
            logger.warning("A beat was refused", extra={"run_id": self.run.run_id, "reason": str(refused)})
        else:
            self._unanswered = 0
            if answer:
                self._obey(answer.directives)

    def _obey(self, directives: Iterable[Directive]) -> None:
        self.is_paused = False
        for one in directives:
            match one.kind:
                case "stop":
                    self.stop()
                case "pause":
                    self.is_paused = True
                case "nudge":
                    self.nudges += (one.text,)
                case "upstream_changed":
                    self.is_upstream_changed = True

    def look(self) -> None:
        """There is something to be told: beats over HTTP at once, whose answer says what."""
        self._unanswered = UNANSWERED_BEATS
        self._nudge.set()

    def say(self, progress: str) -> None:
        """Sends progress with a beat of its own, soon; of several in a hurry the last one counts."""
        self._progress = progress
        self._nudge.set()

    def lose(self, loss: LeaseLost | None = None) -> None:
        """The server said that the run is over."""
        if self.loss is None:
            self.loss = loss or LeaseLost(
                f"{self._ref} was taken away from this run.", code=ErrorCode.LEASE_LOST, status=409
            )
            self._lost.set()

    def stop(self) -> None:
        """A person stopped the run."""
        self.lose(TaskCancelled(f"A person stopped the work on {self._ref}.", code=ErrorCode.LEASE_LOST, status=409))

    async def until_lost(self) -> None:
        """Waits for the loss."""
        await self._lost.wait()

    def check(self) -> None:
        """Raises the loss, if there is one, as a fresh exception each time."""
        if (loss := self.loss) is not None:
            raise type(loss)(str(loss), code=loss.code, status=loss.status, detail=loss.detail)

    async def unless_lost(self, work: Coroutine[Any, Any, Got]) -> Got:
        """The result of some waiting, which a loss ends by raising."""
        working = asyncio.create_task(work, name=f"wait for {self._ref}")  # noqa: TID251 - awaited below
        losing = asyncio.create_task(self.until_lost(), name=f"lease of {self._ref}")  # noqa: TID251 - awaited below
        try:
            await asyncio.wait({working, losing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            working.cancel()
            losing.cancel()
            await asyncio.gather(working, losing, return_exceptions=True)
        if working.cancelled():
            self.check()
        return working.result()

    async def pause(self, seconds: float) -> None:
        """Waits between two tries of a command; a loss ends the waiting by raising."""
        try:
            async with asyncio.timeout(seconds):
                await self._lost.wait()
        except TimeoutError:
            return
        self.check()
