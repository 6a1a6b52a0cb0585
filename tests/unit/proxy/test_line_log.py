"""The log of a proxy that runs alone: lines as they were written, and no memory held by those that are on disk."""

import os
import time
from pathlib import Path

import pytest

from proxy.line_log import LineSink

MEGABYTE = 1024 * 1024


def is_in_memory(path: Path) -> bool:
    """Whether the file's first bytes can be had without asking the disk. To ask may fetch them: ask once.

    `RWF_NOWAIT`: https://man7.org/linux/man-pages/man2/preadv2.2.html (November 2026).
    """
    file = os.open(path, os.O_RDONLY)
    try:
        return os.preadv(file, [bytearray(1)], 0, os.RWF_NOWAIT) == 1
    except BlockingIOError:
        return False
    finally:
        os.close(file)


def forgets(folder: Path) -> bool:
    """Whether this file system does what it is asked: one in memory cannot."""
    path = folder / "probe"
    path.write_bytes(b"x" * MEGABYTE)
    try:
        file = os.open(path, os.O_RDONLY)
        os.fsync(file)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)
        return not is_in_memory(path)
    except (AttributeError, OSError):
        return False


def test_records_are_lines_after_those_that_were_there(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "calls.jsonl"
    for records in ((b"{1}",), (b"{2}", b"{3}")):
        sink = LineSink(path)
        sink.write(*records)
        sink.close()
    assert path.read_bytes() == b"{1}\n{2}\n{3}\n"
    assert path.stat().st_mode & 0o077 == 0


def test_a_long_log_does_not_stay_in_memory(tmp_path: Path) -> None:
    if not forgets(tmp_path):
        pytest.skip("this file system keeps in memory what it is asked to forget")
    path = tmp_path / "calls.jsonl"
    sink = LineSink(path, step_bytes=MEGABYTE)
    line = b"x" * (MEGABYTE // 4 - 1)
    until = time.monotonic() + 20
    is_forgotten = False
    while not is_forgotten and time.monotonic() < until:
        for _ in range(16):
            sink.write(line)
            time.sleep(0.02)
        is_forgotten = not is_in_memory(path)
    sink.close()
    assert is_forgotten
    with path.open("rb") as file:
        assert all(read == line + b"\n" for read in file)
