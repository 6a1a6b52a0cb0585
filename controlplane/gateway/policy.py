"""Policy read straight from SQL, so that a dead `web` stops nothing.

SQLite says by `PRAGMA data_version` (2.8 µs) whether another connection has committed. Only then is the outbox read
past the last known row, and only what it names is read again.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Collection

from controlplane.gateway.destinations import Destinations
from controlplane.gateway.keyring import Keyring
from controlplane.ports import Clock
from proxy.ports import BodyPolicy, Policy

LOOK_SECONDS = 0.05
SWEEP_SECONDS = 600.0
_BATCH = 500  # rows of the outbox per query
_CHANGES = "SELECT seq, topic, subject_id FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?"

_log = logging.getLogger(__name__)


class SqlPolicySource:
    """The proxy's PolicySource over the control database. One thread: the event loop's."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        clock: Clock,
        monotonic: Callable[[], float],
        destinations: Destinations,
        body_policy: BodyPolicy,
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._monotonic = monotonic
        self._destinations = destinations
        self._body_policy = body_policy
        self._keyring = Keyring(self.look)
        self._seq = 0
        self._data_version = -1
        self._looked_at = float("-inf")
        self._swept_at = monotonic()
        self._is_failing = False
        self._followers: list[Callable[[Collection[str]], None]] = []
        self._load()
        self._policy = self._compose()

    def current(self) -> Policy:
        return self._policy

    def age_seconds(self) -> float:
        """Since the last look that the database answered."""
        return self._monotonic() - self._looked_at

    def look(self) -> None:
        """Takes over what has changed. Never raises: what cannot be read makes the policy older, and is said once."""
        try:
            self._take_changes()
        except sqlite3.Error:
            if not self._is_failing:
                _log.exception("policy cannot be read; calls go on with what is known for now")
            self._is_failing = True
            self._data_version = -1
        else:
            self._looked_at = self._monotonic()
            self._is_failing = False
            self._tell()

    def follow(self, on_change: Callable[[Collection[str]], None]) -> None:
        """Within one look; see `proxy.ports.PolicySource`."""
        self._followers.append(on_change)

    def sweep(self) -> None:
        """Forgets keys of runs that ended long ago, every ten minutes."""
        if self._monotonic() - self._swept_at >= SWEEP_SECONDS:
            self._swept_at = self._monotonic()
            self._keyring.forget_ended(self._clock.now_ms())

    async def keep_looking(self) -> None:
        """Looks every 50 ms, until cancelled."""
        while True:
            self.look()
            self.sweep()
            if self._destinations.refresh():
                self._policy = self._compose()
            await asyncio.sleep(LOOK_SECONDS)

    def _load(self) -> None:
        self._connection.execute("BEGIN")
        try:
            (self._seq,) = self._connection.execute("SELECT COALESCE(MAX(seq), 0) FROM outbox").fetchone()
            self._keyring.load(self._connection, self._clock.now_ms())
        finally:
            self._connection.execute("COMMIT")
        self._keyring.take_changed()  # nobody could have known
        self._looked_at = self._monotonic()

    def _tell(self) -> None:
        if changed := self._keyring.take_changed():
            for on_change in self._followers:
                on_change(changed)

    def _take_changes(self) -> None:
        (data_version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if data_version == self._data_version:
            return
        while rows := self._connection.execute(_CHANGES, (self._seq, _BATCH)).fetchall():
            self._reload({(topic, subject_id) for _, topic, subject_id in rows})
            self._seq = rows[-1][0]
        self._data_version = data_version

    def _reload(self, subjects: set[tuple[str, str]]) -> None:
        named: dict[str, list[str]] = {"run": [], "key": [], "agent": [], "task": [], "freeze": []}
        for topic, subject_id in subjects:
            if topic in named:
                named[topic].append(subject_id)
        if named["freeze"]:
            self._keyring.reload_freezes(self._connection)
        if named["task"]:
            self._keyring.reload_tasks(self._connection, named["task"])
        if named["run"]:
            self._keyring.reload_runs(self._connection, named["run"])
        if named["key"] or named["agent"]:
            self._keyring.reload_keys(self._connection, named["key"], named["agent"])

    def _compose(self) -> Policy:
        return Policy(
            principals=self._keyring.principals,
            live_runs=self._keyring.live_runs,
            task_numbers=self._keyring.task_numbers,
            providers=self._destinations.providers,
            tool_servers=self._destinations.tool_servers,
            body_policy=self._body_policy,
        )
