"""The children's own words: `logs/<name>.log`, one old copy kept, never larger than a limit."""

import os
import shutil
from pathlib import Path

LIMIT_BYTES = 10 * 1024 * 1024
TAIL_LINES = 8


def open_log(path: Path) -> int:
    """A descriptor to hand to a child. Append mode: after a truncation the child goes on at the new end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def rotate(path: Path, limit_bytes: int = LIMIT_BYTES) -> bool:
    """Copies a log that grew over the limit aside and empties it under its writer's hand.

    Lines written between copy and truncation are lost: these are diagnostics, not records.
    """
    if not path.exists() or path.stat().st_size <= limit_bytes:
        return False
    shutil.copyfile(path, path.with_name(path.name + ".1"))
    os.truncate(path, 0)
    return True


def tail(path: Path, lines: int = TAIL_LINES) -> list[str]:
    """The last lines of a log, for a person who must be told why something died."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 8192))
        return file.read().decode("utf-8", "replace").splitlines()[-lines:]
