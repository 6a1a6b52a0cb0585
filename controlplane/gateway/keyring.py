"""Who holds which key, in memory: updated in place while calls read it, on one thread, so without a lock."""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from typing import Any, TypeVar

from pointsman.contract import KeyKind
from typing_extensions import override

from controlplane.domain.state import LIVE, WAITING, RunState
from controlplane.gateway.freezes import Freezes
from proxy.ports import Principal
from proxy.ports import RunState as Standing

ENDED_KEPT_MS = 24 * 3600 * 1000  # so long a dead run's key gets 403 with its reason, after that a plain 401

_KEYS = "SELECT key_id, workspace_id, kind, agent_id, key_digest, revoked_at_ms FROM keys"
_RUNS = """SELECT r.run_id, r.workspace_id, r.task_id, task_number, r.agent_id, epoch, state, key_digest, ended_at_ms,
    reason, COALESCE(is_blocked, 0), COALESCE(holds, '[]')
FROM runs AS r LEFT JOIN tasks AS t ON t.task_id = r.task_id"""
_SOME_KEYS = _KEYS + " WHERE key_id IN (SELECT value FROM json_each(?)) OR agent_id IN (SELECT value FROM json_each(?))"  # noqa: S608 - constants only
_KNOWN_RUNS = _RUNS + " WHERE state IN (SELECT value FROM json_each(?)) OR ended_at_ms > ?"  # noqa: S608 - constants only
_SOME_RUNS = _RUNS + " WHERE r.run_id IN (SELECT value FROM json_each(?))"  # noqa: S608 - constants only

# What became of a run, to stand behind "this key's run is over: …".
_ENDS: Mapping[str, str] = {
    RunState.SUBMITTED: "it has handed in its work",
    RunState.ACCEPTED: "it has handed in its work, which was accepted",
    RunState.REJECTED: "it has handed in its work, which was sent back",
    RunState.RELEASED: "it gave its task back",
    RunState.FAILED: "it failed",
    RunState.LOST: "it was lost, because nothing was heard of it for too long",
    RunState.CANCELLED: "it was cancelled",
    RunState.SUPERSEDED: "it was superseded by a newer run",
}

Value = TypeVar("Value")


class Looked(Mapping[str, Value]):
    """A mapping that has its source looked at before it says no.

    An agent may call within a millisecond of its claim, before the next look at the database is due: without this its
    brand-new key would be refused.
    """

    def __init__(self, look: Callable[[], object]) -> None:
        self.entries: dict[str, Value] = {}
        self._look = look

    @override
    def __getitem__(self, name: str) -> Value:
        if name not in self.entries:
            self._look()
        return self.entries[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    @override
    def __len__(self) -> int:
        return len(self.entries)


class Keyring:
    """The principals behind all keys, and the live runs behind all agents. `look` is called before a miss."""

    def __init__(self, look: Callable[[], object]) -> None:
        self.principals: Looked[Principal] = Looked(look)
        self.live_runs: Looked[tuple[Principal, ...]] = Looked(look)
        self.task_numbers: Looked[str] = Looked(look)
        self._digests: dict[str, str] = {}  # key id or run id -> digest of its key
        self._ended_at_ms: dict[str, int] = {}  # run id -> its end
        self._numbers: dict[str, str] = {}  # run id -> 'T-12', live runs only
        self._freezes = Freezes()
        self._changed: set[str] = set()

    def load(self, connection: sqlite3.Connection, now_ms: int) -> None:
        """Reads everything a call may need."""
        self._freezes.read(connection)
        for row in connection.execute(_KEYS):
            self._put_key(row)
        for row in connection.execute(_KNOWN_RUNS, (json.dumps(sorted(LIVE)), now_ms - ENDED_KEPT_MS)):
            self._put_run(row)

    def reload_keys(self, connection: sqlite3.Connection, key_ids: Sequence[str], agent_ids: Sequence[str]) -> None:
        """Reads these keys anew, and those of these agents."""
        for row in connection.execute(_SOME_KEYS, (json.dumps(key_ids), json.dumps(agent_ids))):
            self._put_key(row)

    def reload_runs(self, connection: sqlite3.Connection, run_ids: Sequence[str]) -> None:
        """Reads these runs anew: those that ended are known as revoked, with the reason."""
        for row in connection.execute(_SOME_RUNS, (json.dumps(run_ids),)):
            self._put_run(row)

    def reload_tasks(self, connection: sqlite3.Connection, task_ids: Sequence[str]) -> None:
        """Reads the live runs of these tasks anew: a task may have become blocked."""
        self._reload_live(connection, set(task_ids))

    def reload_freezes(self, connection: sqlite3.Connection) -> None:
        """Reads what is frozen, and every key and live run to which it makes a difference."""
        subjects = self._freezes.read(connection)
        if subjects:
            self._reload_live(connection, subjects)
            holders = [one for one in self.principals.entries.values() if one.kind is not KeyKind.RUN]
            self.reload_keys(connection, [one.key_id for one in holders if _is_of(one, subjects)], ())

    def take_changed(self) -> Collection[str]:
        """The key ids and run ids whose principals are others than when this was asked the last time."""
        changed, self._changed = self._changed, set()
        return changed

    def forget_ended(self, now_ms: int) -> None:
        """Drops the keys of runs that ended long ago."""
        for run_id in [run_id for run_id, at_ms in self._ended_at_ms.items() if at_ms < now_ms - ENDED_KEPT_MS]:
            del self._ended_at_ms[run_id]
            self.principals.entries.pop(self._digests.pop(run_id), None)

    def _put_key(self, row: tuple[Any, ...]) -> None:
        key_id, workspace_id, kind, agent_id, digest, revoked_at_ms = row
        if revoked_at_ms is not None:
            self._retire(key_id, "")
            return
        frozen = self._freezes.reason(workspace_id, agent_id, None)
        principal = Principal(
            key_id=key_id,
            kind=KeyKind(kind),
            workspace_id=workspace_id,
            agent_id=agent_id,
            state="live" if frozen is None else "held",
            reason=frozen or "",
            is_frozen=frozen is not None,
            is_waiting=kind == KeyKind.AGENT,
        )
        self._put(principal, digest)

    def _put_run(self, row: tuple[Any, ...]) -> None:
        run_id, workspace_id, task_id, task_number, agent_id, epoch, state, digest, ended_at_ms, reason, *task = row
        is_blocked, holds = task
        is_live = state in LIVE
        frozen = self._freezes.reason(workspace_id, agent_id, task_id) if is_live else None
        standing, words = _standing(state, reason, frozen, holds)
        principal = Principal(
            key_id=run_id,
            kind=KeyKind.RUN,
            workspace_id=workspace_id,
            agent_id=agent_id,
            run_id=run_id,
            task_id=task_id,
            epoch=epoch,
            state=standing,
            reason=words,
            is_frozen=frozen is not None,
            is_waiting=is_live and (state in WAITING or bool(is_blocked)),
        )
        principal = self._put(principal, digest)
        self._set_live(principal, agent_id, is_live=is_live)
        self._set_number(run_id, f"T-{task_number}", task_id, is_live=is_live)
        if not is_live:
            self._ended_at_ms[run_id] = ended_at_ms or 0

    def _put(self, principal: Principal, digest: str) -> Principal:
        """The principal that is known from now on: the very same object as before when nothing has changed."""
        self._retire(principal.key_id, digest)
        self._digests[principal.key_id] = digest
        if self.principals.entries.get(digest) != principal:
            self.principals.entries[digest] = principal
            self._changed.add(principal.key_id)
        return self.principals.entries[digest]

    def _retire(self, name: str, digest: str) -> None:
        """Forgets the key that this one had until now, unless that is still its key: of a run, the older epoch's."""
        known = self._digests.get(name)
        if known is not None and known != digest:
            del self._digests[name]
            self.principals.entries.pop(known, None)
            self._changed.add(name)

    def _reload_live(self, connection: sqlite3.Connection, subjects: Set[str]) -> None:
        live = [run for runs in self.live_runs.entries.values() for run in runs]
        run_ids = [run.run_id for run in live if run.run_id is not None and _is_of(run, subjects)]
        if run_ids:
            self.reload_runs(connection, run_ids)

    def _set_live(self, principal: Principal, agent_id: str, *, is_live: bool) -> None:
        runs = self.live_runs.entries
        if is_live and principal in runs.get(agent_id, ()):
            return
        others = tuple(run for run in runs.get(agent_id, ()) if run.run_id != principal.run_id)
        if is_live or others:
            runs[agent_id] = (*others, principal) if is_live else others
        else:
            runs.pop(agent_id, None)

    def _set_number(self, run_id: str, number: str, task_id: str, *, is_live: bool) -> None:
        """A task's number is known as long as one of its runs is live: a late end of an older run does not hide it."""
        if is_live:
            self._numbers[run_id] = number
            self.task_numbers.entries[number] = task_id
        elif self._numbers.pop(run_id, None) is not None and number not in self._numbers.values():
            del self.task_numbers.entries[number]


def _is_of(principal: Principal, subjects: Set[str]) -> bool:
    return not subjects.isdisjoint((principal.workspace_id, principal.agent_id, principal.task_id))


def _standing(state: str, reason: str, frozen: str | None, holds: str) -> tuple[Standing, str]:
    """Whether a run may call, and why not."""
    if state not in LIVE:
        return "revoked", _end(state, reason)
    if frozen is not None:
        return "held", frozen
    if state == RunState.PAUSED:
        kinds = ", ".join(str(kind) for kind in json.loads(holds))
        return "held", f"its run is paused ({kinds})" if kinds else "its run is paused"
    return "live", ""


def _end(state: str, reason: str) -> str:
    said = _ENDS.get(state, f"it is {state}")
    return f"{said} ({reason})" if reason else said
