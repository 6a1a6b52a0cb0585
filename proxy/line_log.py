"""The way of records out of a proxy that runs alone: a line each, appended to one file."""

import math
import os
import stat
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

STEP_BYTES = 8 * 1024 * 1024
WINDOW_BYTES = 4 * STEP_BYTES  # the disk may be three steps late: what is not yet on it cannot leave


class LineSink:
    """A `UsageSink` that appends a line per record to a file, all by one write: a SIGKILL tears none.

    Nobody reads the log soon. Left alone it fills the memory that the machine has for files, ten megabytes a second at
    full load, until the kernel writes it out in bursts, between calls. So every few megabytes a thread asks the kernel
    to write what is new and to forget what is written: https://man7.org/linux/man-pages/man2/posix_fadvise.2.html
    (November 2026), `POSIX_FADV_DONTNEED`. It is no promise about power failures, and a slow disk holds up nobody but
    that thread.
    """

    def __init__(self, path: Path, step_bytes: int = STEP_BYTES) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._step_bytes = step_bytes
        found = os.fstat(self._file)
        self._size = found.st_size
        is_kept = stat.S_ISREG(found.st_mode) and hasattr(os, "posix_fadvise")  # neither a pipe nor a Mac
        self._next = self._size + step_bytes if is_kept else math.inf
        self._thread = ThreadPoolExecutor(1, "log")
        self._forgetting: Future[None] | None = None

    def write(self, *records: bytes) -> None:
        """Returns when they are the kernel's. Raises OSError when the disk is full."""
        lines = b"\n".join(records) + b"\n"
        written = os.write(self._file, lines)
        if written != len(lines):
            raise OSError(f"the log took {written} of {len(lines)} bytes")
        self._size += written
        if self._size >= self._next:
            self._next = self._size + self._step_bytes
            if self._forgetting is None or self._forgetting.done():
                self._forgetting = self._thread.submit(self._forget, self._size)

    def close(self) -> None:
        self._thread.shutdown()
        os.close(self._file)

    def _forget(self, size: int) -> None:
        os.posix_fadvise(self._file, max(0, size - WINDOW_BYTES), 0, os.POSIX_FADV_DONTNEED)
