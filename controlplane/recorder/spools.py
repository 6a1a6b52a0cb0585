"""The folders that proxies write into: one for each process that ever started, named so that it never comes again.

    <home>/spool/<start_ns>-<pid>/<segment>.spool

A writer holds the lock of its newest segment as long as it lives. So once every segment of a folder is closed and read,
its writer is dead, and what it left in flight will never end.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from controlplane.recorder.batch import Batch
from controlplane.recorder.ingest import Ingest
from proxy.records import Record
from proxy.spool import SpoolReader

RECORDS_PER_BATCH = 500
_EMPTY_AFTER_SECONDS = 60.0  # a folder without a segment for so long is not of a process that is just starting

_log = logging.getLogger(__name__)


class WriterSpool:
    """The folder of one proxy process."""

    def __init__(self, directory: Path, positions: dict[str, int]) -> None:
        self.writer = directory.name
        self._directory = directory
        prefix = f"{self.writer}/"
        own = {name.removeprefix(prefix): offset for name, offset in positions.items() if name.startswith(prefix)}
        self._reader = SpoolReader(directory, own)
        self._decode = msgspec.json.Decoder(Record).decode
        self._finished: set[str] = set()

    def batches(self) -> Iterator[Batch]:
        """What is new, oldest segment first: an end is never handed out before its start, even in another segment."""
        for read in self._reader.read(RECORDS_PER_BATCH):
            batch = Batch(positions={f"{self.writer}/{read.segment}": read.position})
            for payload in read.records:
                self._add(batch, payload)
            if read.skipped:
                _log.error("damaged records in the spool", extra={"writer": self.writer, "records": read.skipped})
            yield batch
            if read.is_finished:
                self._finished.add(read.segment)
            elif len(read.records) == RECORDS_PER_BATCH:
                return

    def is_over(self) -> bool:
        """True when the writer is dead and everything is read. Ask after `batches` has ended."""
        segments = self._reader.segments()
        return bool(segments) and self._finished.issuperset(segments)

    def died_at_ns(self) -> int:
        """When the writer last wrote."""
        return max((self._directory / segment).stat().st_mtime_ns for segment in self._reader.segments())

    def remove_finished(self, ingest: Ingest) -> None:
        """Deletes what was read to its end; the folder too, when that was all of it."""
        for segment in sorted(self._finished):
            self._reader.delete(segment)
            ingest.forget_segment(f"{self.writer}/{segment}")
        self._finished.clear()

    def remove_folder(self) -> None:
        with suppress(OSError):  # not empty after all: the next turn looks again
            self._directory.rmdir()

    def _add(self, batch: Batch, payload: bytes) -> None:
        try:
            batch.add(self._decode(payload), self.writer)
        except msgspec.DecodeError:
            _log.exception("a record of another version is left out", extra={"writer": self.writer})


def writer_folders(root: Path) -> list[Path]:
    """The folders of all writers, oldest first."""
    return sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []


def tidy(root: Path, ingest: Ingest) -> None:
    """Removes what a killed recorder left: positions of deleted segments and empty folders."""
    for name in ingest.positions():
        if not (root / name).exists():
            ingest.forget_segment(name)
    for folder in writer_folders(root):
        if time.time() - folder.stat().st_mtime > _EMPTY_AFTER_SECONDS:
            with suppress(OSError):  # not empty
                folder.rmdir()
