"""One turn of the recorder: read, write, roll up, tidy. A turn may be cut short anywhere and simply be taken again."""

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

from controlplane.recorder.batch import Touched
from controlplane.recorder.ingest import Ingest, rows_of
from controlplane.recorder.retention import SWEEP_EVERY_SECONDS, sweep_bodies
from controlplane.recorder.rollups import Rollups
from controlplane.recorder.spools import WriterSpool, tidy, writer_folders
from proxy.ports import Clock

_log = logging.getLogger(__name__)

SpanSender = Callable[[list[dict[str, object]]], None]  # takes rows of ended calls


class Recorder:
    """Moves what proxies wrote into SQL. One process at a time, one thread."""

    def __init__(
        self,
        spool: Path,
        calls: sqlite3.Connection,
        control: sqlite3.Connection,
        clock: Clock,
        body_days: int,
        send_spans: SpanSender | None = None,
    ) -> None:
        self._root = spool
        self._calls = calls
        self._clock = clock
        self._ingest = Ingest(calls, body_days)
        self._rollups = Rollups(calls, control, lambda: clock.monotonic_ns() / 1e9)
        self._send_spans = send_spans
        self._spools: dict[str, WriterSpool] = {}
        self._sweep_at = 0.0
        self._is_failing = False
        tidy(spool, self._ingest)

    def turn(self, *, at_once: bool = False) -> int:
        """Does what there is to do: the number of records written. A busy or full database is said once, then retried.

        With `at_once`, roll-ups are told now, however lately they were told.
        """
        try:
            records = self._take_turn(at_once=at_once)
        except sqlite3.OperationalError:
            if not self._is_failing:
                _log.exception("calls cannot be written; they wait in the spool")
            self._is_failing = True
            self._spools.clear()  # they have read ahead of what is committed
            return 0
        self._is_failing = False
        return records

    def _take_turn(self, *, at_once: bool) -> int:
        records = sum(self._drain(spool) for spool in self._open_spools())
        self._rollups.tell(self._clock.now_ns() // 1_000_000, at_once=at_once)
        self._sweep()
        return records

    def _open_spools(self) -> list[WriterSpool]:
        folders = writer_folders(self._root)
        new = [folder for folder in folders if folder.name not in self._spools]
        positions = self._ingest.positions() if new else {}
        self._spools |= {folder.name: WriterSpool(folder, positions) for folder in new}
        return [self._spools[folder.name] for folder in folders]

    def _drain(self, spool: WriterSpool) -> int:
        records = 0
        for batch in spool.batches():
            if batch:
                self._note(self._ingest.write(batch))
                records += len(batch)
        if spool.is_over():
            self._note(self._ingest.close_writer(spool.writer, spool.died_at_ns()))
            spool.remove_finished(self._ingest)
            spool.remove_folder()
            del self._spools[spool.writer]
        else:
            spool.remove_finished(self._ingest)
        return records

    def _note(self, touched: Touched) -> None:
        self._rollups.note(touched)
        if self._send_spans and touched.ended_call_ids:
            self._send_spans(rows_of(self._calls, touched.ended_call_ids))

    def _sweep(self) -> None:
        """Takes old bodies away hourly, a bite each turn as long as there are any."""
        now = self._clock.monotonic_ns() / 1e9
        if now >= self._sweep_at:
            has_more = sweep_bodies(self._calls, self._clock.now_ns())
            self._sweep_at = now if has_more else now + SWEEP_EVERY_SECONDS
