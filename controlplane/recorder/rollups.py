"""What a run has used, derived anew from its calls and set absolutely in the control database.

At most once a second per task, but the last change is always told: a run stays due until it was told. The runs that are
due stand in `stale_rollups` too, written with the calls, so that a recorder killed between the two databases goes on.
"""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from controlplane.plain_sqlite import writing
from controlplane.recorder.batch import Touched
from controlplane.recorder.statements import PARKED

TELL_EVERY_SECONDS = 1.0

_SUM = """
SELECT MAX(workspace_id), MAX(task_id), MAX(agent_id), COUNT(*), SUM(kind = 'tool'),
    SUM(outcome IN ('error', 'truncated', 'refused')), SUM(outcome = 'unknown'),
    SUM(input_tokens), SUM(cache_read_tokens), SUM(cache_write_5m_tokens + cache_write_1h_tokens), SUM(output_tokens),
    SUM(cost_nano_usd), SUM(CASE WHEN while_waiting THEN cost_nano_usd ELSE 0 END),
    SUM(CASE WHEN outcome = '' THEN live_cost_nano_usd ELSE 0 END), SUM(outcome = ''),
    SUM(CASE WHEN outcome = 'unknown' THEN cost_bound_nano_usd ELSE 0 END), MAX(is_simulated),
    MAX(COALESCE(ended_at_ns, started_at_ns)) / 1000000
FROM calls WHERE run_id = ? HAVING COUNT(*) > 0
"""
_LATEST_IN_FLIGHT = f"""
SELECT kind, model, live_output_tokens, error_code = '{PARKED}' FROM calls WHERE run_id = ? AND outcome = ''
ORDER BY started_at_ns DESC LIMIT 1
"""  # noqa: S608 - a constant
_COLUMNS = (
    "workspace_id", "task_id", "agent_id", "calls", "tool_calls", "errors", "unknown_calls", "input_tokens",
    "cache_read_tokens", "cache_write_tokens", "output_tokens", "cost_nano_usd", "wait_cost_nano_usd",
    "live_cost_nano_usd", "live_calls", "bound_nano_usd", "is_simulated", "last_call_at_ms", "substate",
)  # fmt: skip
_UPSERT = (
    f"INSERT INTO run_usage (run_id, {', '.join(_COLUMNS)}) VALUES (?, {', '.join('?' * len(_COLUMNS))}) "  # noqa: S608 - our own column names
    f"ON CONFLICT (run_id) DO UPDATE SET {', '.join(f'{column} = excluded.{column}' for column in _COLUMNS)}"
)
_RUN_SEEN = "UPDATE runs SET seen_at_ms = MAX(COALESCE(seen_at_ms, 0), ?) WHERE run_id = ?"
_AGENT_SEEN = "UPDATE agents SET seen_at_ms = MAX(COALESCE(seen_at_ms, 0), ?) WHERE agent_id = ?"
_TELL = "INSERT INTO outbox (workspace_id, topic, subject_id, at_ms) VALUES (?, 'usage', ?, ?)"


@dataclass(frozen=True, slots=True)
class _Rollup:
    run_id: str
    workspace_id: str
    task_id: str
    parameters: tuple[object, ...]  # of _UPSERT


class Rollups:
    """Collects whom new calls concern, and tells the control database when it is due."""

    def __init__(self, calls: sqlite3.Connection, control: sqlite3.Connection, monotonic: Callable[[], float]) -> None:
        self._calls = calls
        self._control = control
        self._monotonic = monotonic
        self._due: dict[str, int] = {run_id: 0 for (run_id,) in calls.execute("SELECT run_id FROM stale_rollups")}
        self._agents: dict[str, int] = {}
        self._told_at: dict[str, float] = {}  # run id, and '' for the agents -> when; forgotten after a second

    def note(self, touched: Touched) -> None:
        """Makes the runs and agents due."""
        for run_id, moment_ms in touched.runs.items():
            self._due[run_id] = max(moment_ms, self._due.get(run_id, 0))
        for agent_id, moment_ms in touched.agents.items():
            self._agents[agent_id] = max(moment_ms, self._agents.get(agent_id, 0))

    def tell(self, now_ms: int, *, at_once: bool = False, keeps_marks: bool = False) -> None:
        """Writes what is due. Raises sqlite3.OperationalError with everything still due."""
        now = self._monotonic()
        self._told_at = {who: at for who, at in self._told_at.items() if now - at < TELL_EVERY_SECONDS}
        run_ids = [run_id for run_id in self._due if at_once or run_id not in self._told_at]
        agents = self._agents if at_once or "" not in self._told_at else {}
        if not run_ids and not agents:
            return
        with writing(self._control):
            self._write([rollup for run_id in run_ids if (rollup := self._derive(run_id))], agents, now_ms)
        if run_ids and not keeps_marks:
            with writing(self._calls):
                self._calls.executemany("DELETE FROM stale_rollups WHERE run_id = ?", [(run_id,) for run_id in run_ids])
        self._told_at |= dict.fromkeys(run_ids, now) | ({"": now} if agents else {})
        self._due = {run_id: moment for run_id, moment in self._due.items() if run_id not in run_ids}
        self._agents = {} if agents else self._agents

    def _write(self, rollups: list[_Rollup], agents: Mapping[str, int], now_ms: int) -> None:
        control = self._control
        control.executemany(_UPSERT, [rollup.parameters for rollup in rollups])
        control.executemany(_RUN_SEEN, [(self._due[rollup.run_id], rollup.run_id) for rollup in rollups])
        control.executemany(_AGENT_SEEN, [(moment_ms, agent_id) for agent_id, moment_ms in agents.items()])
        told = {(rollup.workspace_id, rollup.task_id, now_ms) for rollup in rollups}
        control.executemany(_TELL, sorted(told))

    def _derive(self, run_id: str) -> _Rollup | None:
        sums = self._calls.execute(_SUM, (run_id,)).fetchone()
        if sums is None:
            return None
        latest = self._calls.execute(_LATEST_IN_FLIGHT, (run_id,)).fetchone()
        substate = "" if latest is None else substate_of(*latest)
        return _Rollup(run_id, sums[0], sums[1], (run_id, *sums, substate))


def derive_due(calls: sqlite3.Connection, control: sqlite3.Connection, now_ms: int) -> None:
    """Derives the runs that are marked as due, beside a recorder that may be at work.

    The marks stay for it: one that it made in between must not be taken away by somebody who has not seen its call.
    """
    rollups = Rollups(calls, control, lambda: 0.0)
    rollups.tell(now_ms, at_once=True, keeps_marks=True)


def substate_of(kind: str, model: str, live_output_tokens: int, is_parked: bool) -> str:
    """What an agent is doing, by its latest call in flight."""
    if is_parked:
        return "held"
    if kind == "tool":
        return f"tool: {model.partition('/')[2]}"
    return "writing" if live_output_tokens else "thinking"
