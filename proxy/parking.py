"""Where calls of held runs wait: nobody is asked for them until their run goes on.

    held ──▶ parked ── the run goes on ──▶ on its way, as if it had come now
               ├── the run is revoked ──▶ 403 `run_revoked`
               ├── too long, too many wait, or our process ends ──▶ 503 `run_paused`, to be sent again
               └── its client leaves ──▶ let go at once

A call waits for an event of its own, which a change of policy sets: nothing turns meanwhile.
"""

import asyncio
from collections.abc import Callable, Collection

from proxy.call import Caller
from proxy.errors import RunPaused
from proxy.fence import Fencing, paused
from proxy.ports import PolicySource


class Parking:
    """The parked calls of one door. Belongs to one event loop."""

    def __init__(self, policy: PolicySource, fencing: Fencing) -> None:
        self._fencing = fencing
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._count = 0
        policy.follow(self._on_change)

    def check_room(self) -> None:
        """Raises RunPaused when as many calls wait as may."""
        if self._count >= self._fencing.most_parked:
            raise RunPaused(f"This key is on hold, and {self._count} calls wait already. Send the call again later.")

    async def wait(self, caller: Caller, again: Callable[[], Caller], changed: asyncio.Event) -> Caller:
        """The caller, once it is held no more. Raises RunPaused after `park_seconds`, or what `again` raises.

        `again` says who the caller is by now. It is asked when policy has changed, and when somebody sets `changed`.
        """
        self._count += 1
        try:
            async with asyncio.timeout(self._fencing.park_seconds):
                while caller.hold is not None:
                    await self._change(caller, changed)
                    caller = again()
        except (TimeoutError, asyncio.CancelledError):  # cancelled: our process ends, and the next one can take it
            raise paused(caller.hold) from None
        finally:
            self._count -= 1
        return caller

    async def _change(self, caller: Caller, changed: asyncio.Event) -> None:
        for name in caller.names:
            self._waiting.setdefault(name, set()).add(changed)
        try:
            await changed.wait()
            changed.clear()
        finally:
            for name in caller.names:
                self._waiting[name].discard(changed)
                if not self._waiting[name]:
                    del self._waiting[name]

    def _on_change(self, names: Collection[str]) -> None:
        for name in names:
            for changed in self._waiting.get(name, ()):
                changed.set()
