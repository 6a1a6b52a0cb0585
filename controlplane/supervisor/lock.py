"""One supervisor per home: a lock that dies with its holder."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controlplane.supervisor.process import ProcessIdentity, birth_of


class HomeTaken(Exception):  # noqa: N818 - a state of the world, told in one sentence
    """Another supervisor runs on this home."""

    def __init__(self, holder: ProcessIdentity | None) -> None:
        by = f" (process {holder.pid})" if holder else ""
        super().__init__(
            f"Pointsman already runs on this home{by}: see `pointsman doctor`, stop it by `pointsman down`."
        )


@contextmanager
def hold_home(path: Path) -> Iterator[bool]:
    """Holds the home as long as the block runs; raises HomeTaken at once when somebody else does.

    Yields whether the last holder was killed: only one that ended in order takes its name out of the file.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HomeTaken(_read_holder(path)) from None
        was_killed = os.fstat(descriptor).st_size > 0
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "birth": birth_of(os.getpid())}).encode(), 0)
        yield was_killed
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def holder_of(path: Path) -> ProcessIdentity | None:
    """The supervisor that holds this home now, or None."""
    holder = _read_holder(path)
    return holder if holder and holder.is_alive() else None


def _read_holder(path: Path) -> ProcessIdentity | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return ProcessIdentity(content["pid"], content["birth"])
    except (OSError, ValueError, KeyError):
        return None
