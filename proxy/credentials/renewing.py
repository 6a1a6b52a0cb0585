"""Keeps credentials fresh without anybody waiting for it.

    none ── begin() ──▶ asked ──▶ valid ── minutes before their end ──▶ asked, and valid meanwhile ──▶ valid …
                          └──▶ failed, and valid as long as they last ── a pause, twice as long each time ──▶ asked …

Only who comes while there are none waits, and not for long; once asking has failed nobody waits: the error is told at
once, until it works again. A source blocks, so it runs in a thread of its own, one at a time. The thread is a daemon:
whatever it waits for, our process ends without it, and killed in the middle it leaves nothing behind.
"""

import asyncio
import logging
import math
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

from proxy.credentials.source import NEVER_NS, Fresh, SignInFailed, Source
from proxy.errors import NoCredentials, NotYet
from proxy.ports import Clock

# As botocore does: so long may the cloud's sign-in be out of order without a call noticing. Or half of what is left,
# where that is later: metadata servers hand out the old token until minutes before its end.
RENEW_BEFORE_SECONDS = 900.0
MARGIN_SECONDS = 10.0  # so much of their life goes to the way, and to clocks that differ
WAIT_SECONDS = 10.0  # for the first ones
LONGEST_PAUSE_SECONDS = 60.0
DOUBT_AFTER_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 300.0  # at what has no end: somebody may have written the file anew

_T = TypeVar("_T")
_SECOND_NS = 1_000_000_000
_log = logging.getLogger(__name__)


class Renewing(Generic[_T]):
    """The present credentials of one provider. Belongs to one event loop.

    `is_wanted` is asked before each renewal: false when no provider has them any more.
    """

    def __init__(
        self, provider: str, source: Source[_T], clock: Clock, is_wanted: Callable[[], bool] = lambda: True
    ) -> None:
        self._provider = provider
        self._source = source
        self._clock = clock
        self._is_wanted = is_wanted
        self._fresh: Fresh[_T] | None = None
        self._usable_until_ns = 0
        self._failure: SignInFailed | None = None
        self._failures = 0
        self._is_asking = False
        self._asked_ns = 0
        self._ended = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    def current(self, now_ns: int) -> _T:
        """Those of this moment. Raises NotYet for who has to wait, NoCredentials after a failure."""
        fresh = self._fresh
        if fresh is None or now_ns >= self._usable_until_ns:
            raise self._missing()
        return fresh.value

    async def ready(self) -> None:
        """Returns when asking has ended, however it did. Raises NoCredentials when it takes too long."""
        self.begin()
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._ended.wait()
        except TimeoutError:
            if self._failure is None:  # who comes now need not wait as long; what comes late is welcome all the same
                self._failure = SignInFailed("timeout", f"no answer within {WAIT_SECONDS:g} s", is_refused=False)
                _log.error("there are no credentials of provider %r: %s", self._provider, self._failure)
            raise self._no_credentials(self._failure) from None

    def begin(self) -> None:
        """Asks for fresh ones, unless somebody does."""
        if self._is_asking:
            return
        self.close()
        self._is_asking, self._asked_ns = True, self._clock.monotonic_ns()
        self._ended.clear()
        loop = asyncio.get_running_loop()
        name = f"credentials of {self._provider}"
        threading.Thread(target=self._ask, args=(loop,), name=name, daemon=True).start()

    def doubt(self) -> None:
        """Asks for others, if these were not asked for just now: most that is refused, no others would help."""
        if self._clock.monotonic_ns() - self._asked_ns >= DOUBT_AFTER_SECONDS * _SECOND_NS:
            self.begin()

    def close(self) -> None:
        """No more renewals."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ask(self, loop: asyncio.AbstractEventLoop) -> None:
        """In a thread."""
        outcome: Fresh[_T] | SignInFailed
        try:
            outcome = self._source()
        except SignInFailed as failed:
            outcome = failed
        except Exception as error:  # noqa: BLE001 - the outermost handler of its thread
            where = "".join(traceback.format_tb(error.__traceback__))  # not what it says: that may quote a secret
            _log.error("asking for credentials failed inside of the gateway: %s\n%s", type(error).__name__, where)
            outcome = SignInFailed("internal", "see above", is_refused=False)
        with suppress(RuntimeError):  # the loop is closed: our process ends
            loop.call_soon_threadsafe(self._take, outcome, loop)

    def _take(self, outcome: Fresh[_T] | SignInFailed, loop: asyncio.AbstractEventLoop) -> None:
        now_ns = self._clock.now_ns()
        if isinstance(outcome, Fresh) and _usable_until(outcome) <= now_ns:
            outcome = SignInFailed("expired", "they came expired: compare the clocks", is_refused=False)
        pause = self._fail(outcome, now_ns) if isinstance(outcome, SignInFailed) else self._keep(outcome, now_ns)
        self._is_asking = False
        self._ended.set()
        self._timer = loop.call_later(pause, self._again)

    def _keep(self, fresh: Fresh[_T], now_ns: int) -> float:
        if self._failure is not None:
            _log.info("the credentials of provider %r are valid again", self._provider)
        self._fresh, self._usable_until_ns = fresh, _usable_until(fresh)
        self._failure, self._failures = None, 0
        return renewal_in(fresh, now_ns)

    def _fail(self, failed: SignInFailed, now_ns: int) -> float:
        left = 0 if self._fresh is None else max(0, self._usable_until_ns - now_ns) // _SECOND_NS
        if self._failure is None or self._failure.args != failed.args or not left:
            level = logging.WARNING if left else logging.ERROR
            said = "the credentials of provider %r could not be renewed, %d s are left: %s"
            _log.log(level, said, self._provider, left, failed)
        self._failure = failed
        self._failures += 1
        return self._pause()

    def _pause(self) -> float:
        return min(2.0 ** min(self._failures - 1, 10), LONGEST_PAUSE_SECONDS)

    def _again(self) -> None:
        if self._is_wanted():
            self.begin()

    def _missing(self) -> NoCredentials:
        return NotYet(self._provider, self.ready) if self._failure is None else self._no_credentials(self._failure)

    def _no_credentials(self, failure: SignInFailed) -> NoCredentials:
        seconds = math.ceil(self._pause()) if self._failures else 1
        return NoCredentials(self._provider, failure.code, seconds, is_refused=failure.is_refused)


def _usable_until(fresh: Fresh[_T]) -> int:
    return fresh.expires_ns - int(MARGIN_SECONDS * _SECOND_NS)


def renewal_in(fresh: Fresh[_T], now_ns: int) -> float:
    """Seconds until the next ones are asked for."""
    if fresh.expires_ns == NEVER_NS:
        return LOOK_AGAIN_SECONDS
    left = (_usable_until(fresh) - now_ns) / _SECOND_NS
    return max(left - RENEW_BEFORE_SECONDS, left / 2, 1.0)
