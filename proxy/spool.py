"""The way of records out of the proxy: files that are only ever appended to, tailed by the recorder.

    <directory>/<start_ns>-<pid>.spool      frames: length (4 bytes LE), CRC-32 (4 bytes LE), payload

Records are one `write` to an O_APPEND file, so they survive a SIGKILL of the writer whole or, at a full disk, the last
one is torn at the very end. A segment grows to 64 MiB, then the next one begins; it is finished when its writer is dead
or has a newer one, and may be deleted by the reader that has read it all.
"""

import fcntl
import os
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from proxy.ports import Clock

SEGMENT_BYTES = 64 * 1024 * 1024
LARGEST_RECORD = 64 * 1024 * 1024  # beyond it a length is damage, not a record
READ_BYTES = 1024 * 1024

_HEAD = struct.Struct("<II")
_NAME = re.compile(r"(\d+)-(\d+)\.spool")


class SpoolWriter:
    """A `UsageSink`. One per process; holds a lock on its segment so that others can tell that it lives."""

    def __init__(
        self, directory: Path, clock: Clock, *, fsync: bool = False, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._clock = clock
        self._fsync = fsync
        self._segment_bytes = segment_bytes
        self._file = self._open()
        self._size = 0

    def write(self, *records: bytes) -> None:
        """Returns when they are the kernel's: a SIGKILL loses them no more. Raises OSError when the disk is full."""
        frames = b"".join([_HEAD.pack(len(record), zlib.crc32(record)) + record for record in records])
        if self._size + len(frames) > self._segment_bytes and self._size:
            self._roll()
        written = os.write(self._file, frames)
        if written != len(frames):  # a full disk: what follows must not be read as part of the last frame
            self._roll()
            raise OSError(f"the spool took {written} of {len(frames)} bytes")
        self._size += written
        if self._fsync:
            os.fdatasync(self._file)

    def close(self) -> None:
        os.close(self._file)

    def _roll(self) -> None:
        old, self._file = self._file, self._open()
        self._size = 0
        os.close(old)

    def _open(self) -> int:
        path = self._directory / f"{self._clock.now_ns():020d}-{os.getpid()}.spool"
        unnamed = path.with_suffix(".new")
        file = os.open(unnamed, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        unnamed.rename(path)  # locked before a reader can see it: it would take it for a dead writer's
        return file


class Batch(NamedTuple):
    """Records of one segment, in order. `position` is where to go on once they are safe; `skipped` were damaged."""

    segment: str
    position: int
    records: list[bytes]
    skipped: int
    is_finished: bool  # nothing will be added and everything is read: `SpoolReader.delete` may follow


class SpoolReader:
    """Tails all segments of a directory, oldest first. Keeps no state on disk: positions are the caller's."""

    def __init__(self, directory: Path, positions: Mapping[str, int] | None = None) -> None:
        self._directory = directory
        self._positions = dict(positions or {})

    def read(self, limit: int = 1000) -> Iterator[Batch]:
        """What is new in each segment, at most `limit` records each; nothing when nothing is.

        Ask again for the rest. A batch is handed out once: keep its position with its records, in one transaction.
        """
        for segment in self.segments():
            batch = self._read_segment(segment, limit)
            if batch.records or batch.skipped or batch.is_finished:
                self._positions[segment] = batch.position
                yield batch

    def segments(self) -> list[str]:
        if not self._directory.is_dir():
            return []
        return sorted(entry.name for entry in os.scandir(self._directory) if _NAME.fullmatch(entry.name))

    def delete(self, segment: str) -> None:
        """Removes a finished segment whose records are safe."""
        (self._directory / segment).unlink(missing_ok=True)
        self._positions.pop(segment, None)

    def _read_segment(self, segment: str, limit: int) -> Batch:
        start = self._positions.get(segment, 0)
        is_closed = self._is_closed(segment)  # before reading: what is written after is read the next time
        records: list[bytes] = []
        position, skipped = start, 0
        with (self._directory / segment).open("rb") as file:
            file.seek(start)
            while len(records) < limit:
                head = file.read(_HEAD.size)
                if len(head) < _HEAD.size:
                    break
                length, checksum = _HEAD.unpack(head)
                payload = file.read(length) if length <= LARGEST_RECORD else b""
                if len(payload) < length:
                    break
                position += _HEAD.size + length
                if zlib.crc32(payload) == checksum:
                    records.append(payload)
                else:
                    skipped += 1
            size = os.fstat(file.fileno()).st_size
        is_torn = is_closed and position < size and len(records) < limit
        if is_torn:  # the writer died in its last write: it will never be completed
            position, skipped = size, skipped + 1
        return Batch(segment, position, records, skipped, is_closed and position >= size)

    def _is_closed(self, segment: str) -> bool:
        """True when nobody holds the segment's lock: its writer rolled on or is dead, whoever has its pid by now."""
        file = os.open(self._directory / segment, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            return True
        finally:
            os.close(file)
