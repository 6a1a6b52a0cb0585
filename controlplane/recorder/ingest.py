"""Writes a batch of records into the calls database, with the positions read so far, in one transaction.

Killed before the commit, the same records are read again; killed after it, they are not. Either way each call has one
row, because every statement sets absolute values. Order within a batch: parked, starts, progress, ends.
"""

import json
import logging
import sqlite3
from collections.abc import Sequence

from controlplane.plain_sqlite import writing
from controlplane.recorder import statements as sql
from controlplane.recorder.batch import Batch, Touched

_DAY_NS = 86_400 * 1_000_000_000

_log = logging.getLogger(__name__)


class Ingest:
    """The one writer of calls."""

    def __init__(self, calls: sqlite3.Connection, body_days: int) -> None:
        self._calls = calls
        self._kept_ns = body_days * _DAY_NS

    def write(self, batch: Batch) -> Touched:
        """Commits the batch, and says whom it concerns. Raises sqlite3.OperationalError with nothing written."""
        with writing(self._calls):
            self._write_calls(batch)
            touched = self._touched(batch)
            self._calls.executemany(sql.INSERT_STALE, [(run_id,) for run_id in touched.runs])
            self._calls.executemany(sql.UPSERT_POSITION, batch.positions.items())
        return touched

    def close_writer(self, writer: str, died_at_ns: int) -> Touched:
        """Marks as `unknown` what a dead process left in flight. Their bounds of cost stay."""
        with writing(self._calls):
            run_ids = self._calls.execute(sql.RUNS_IN_FLIGHT, (writer,)).fetchall()
            self._calls.executemany(sql.INSERT_STALE, run_ids)
            call_ids = self._calls.execute(sql.CALLS_IN_FLIGHT, (writer,)).fetchall()
            self._calls.execute(sql.END_PARKED, (died_at_ns, writer))
            self._calls.execute(sql.MARK_UNKNOWN, (died_at_ns, writer))
        if call_ids:
            _log.warning("calls of a dead proxy are marked unknown", extra={"writer": writer, "calls": len(call_ids)})
        return Touched(runs={run_id: 0 for (run_id,) in run_ids}, ended_call_ids=[call_id for (call_id,) in call_ids])

    def positions(self) -> dict[str, int]:
        """How far each segment has been read."""
        return dict(self._calls.execute('SELECT segment, "offset" FROM spool_positions'))

    def forget_segment(self, segment: str) -> None:
        self._calls.execute("DELETE FROM spool_positions WHERE segment = ?", (segment,))

    def _write_calls(self, batch: Batch) -> None:
        calls = self._calls
        calls.executemany(sql.INSERT_PARKED, [sql.started_parameters(*parked) for parked in batch.parked])
        calls.executemany(sql.INSERT_STARTED, [sql.started_parameters(*started) for started in batch.started])
        calls.executemany(sql.UPDATE_PROGRESS, [sql.progress_parameters(record) for record in batch.progress])
        if not batch.ended:
            return
        ended = calls.executemany(sql.UPDATE_ENDED, [sql.ended_parameters(record) for record in batch.ended])
        if ended.rowcount < len(batch.ended):
            _log.error("ends of calls without a start", extra={"calls": len(batch.ended) - ended.rowcount})
        calls.executemany(sql.INSERT_BODY, [sql.body_parameters(record, self._kept_ns) for record in batch.ended])

    def _touched(self, batch: Batch) -> Touched:
        """Progress and ends name their call only: its run and agent stand in its row."""
        touched = Touched(ended_call_ids=[record.call_id for record in batch.ended])
        moments = batch.moments_ns()
        for call_id, run_id, agent_id in self._calls.execute(sql.HOLDERS, (json.dumps(list(moments)),)):
            moment_ms = moments[call_id] // 1_000_000
            _keep_latest(touched.runs, run_id, moment_ms)
            _keep_latest(touched.agents, agent_id, moment_ms)
        return touched


def _keep_latest(moments: dict[str, int], name: str | None, moment_ms: int) -> None:
    if name is not None and moment_ms > moments.get(name, -1):
        moments[name] = moment_ms


def rows_of(calls: sqlite3.Connection, call_ids: Sequence[str]) -> list[dict[str, object]]:
    """The rows of these calls by column name, for their spans."""
    cursor = calls.cursor()
    cursor.row_factory = sqlite3.Row
    return [dict(row) for row in cursor.execute(sql.ROWS, (json.dumps(call_ids),))]
