"""The client: a pool for each origin, an attempt for each try."""

import os
import ssl
from collections.abc import Mapping

from proxy.ports import Clock
from proxy.upstream.attempt import Attempt, Timeouts
from proxy.upstream.connection import Pool
from proxy.upstream.origin import Origin
from proxy.upstream.tunnel import find_relay

LONGEST_LOOK_SECONDS = 1.0  # so late may a deadline be noticed, or by a quarter of it


class UpstreamClient:
    """Belongs to one event loop. `close` ends every connection, in use or idle.

    `environment` names the proxy on the way, if there is one, see `proxy/upstream/tunnel.py`.
    """

    def __init__(
        self,
        clock: Clock,
        timeouts: Timeouts | None = None,
        tls: ssl.SSLContext | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._clock = clock
        self._environment = environment
        find_relay(environment, Origin("", 443, is_tls=True))  # ValueError now, not with the first call
        self._timeouts = timeouts or Timeouts()
        self._tls = tls
        self._pools: dict[Origin, Pool] = {}
        waits = self._timeouts.first_byte, self._timeouts.idle
        self._look_seconds = min(LONGEST_LOOK_SECONDS, *(seconds / 4 for seconds in waits))

    def attempt(self, origin: Origin, request: bytes, provider: str) -> Attempt:
        """A try that has not begun: await its `answered`, then `next` or `read`, and `release` it in a finally.

        `request` comes from `render_request`; `provider` is the name that error sentences use.
        """
        pool = self._pools.get(origin)
        if pool is None:
            pool = self._open(origin)
        return Attempt(pool, request, provider, self._timeouts, self._clock)

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()

    def _open(self, origin: Origin) -> Pool:
        relay = find_relay(self._environment, origin)
        pool = self._pools[origin] = Pool(
            origin, self._context(origin), self._timeouts.connect, self._look_seconds, relay
        )
        return pool

    def _context(self, origin: Origin) -> ssl.SSLContext | None:
        if origin.is_tls and self._tls is None:
            self._tls = ssl.create_default_context()  # 30 ms of reading certificates: not before it is needed
        return self._tls if origin.is_tls else None
