"""Where kept responses are: in memory, or on disk behind it.

    <directory>/<day>/<digest of owner and id>      one response, compressed JSON

A file is written aside and renamed, so it is whole or absent; a kill loses at most the one being written, whose client
never saw the end of its answer. Days are folders because a sweep then looks at names only. Several processes may share
the directory.
"""

import hashlib
import os
import shutil
import zlib
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from proxy.conversations import KeptResponse
from proxy.ports import Clock

KEPT = timedelta(days=30)  # as OpenAI does: https://platform.openai.com/docs/guides/your-data (November 2026)
LARGEST = 16 * 1024 * 1024  # of one response as JSON; a larger one is not kept
MEMORY_BYTES = 32 * 1024 * 1024
DIRECTORY_BYTES = 4 * 1024 * 1024 * 1024

_decode = msgspec.json.Decoder(KeptResponse).decode
_encode = msgspec.json.Encoder().encode


class MemoryResponseStore:
    """A `ResponseStore` that ends with its process. The least used go when it is full."""

    def __init__(self, clock: Clock, *, most_bytes: int = MEMORY_BYTES, kept: timedelta = KEPT) -> None:
        self._clock = clock
        self._most_bytes = most_bytes
        self._kept_ns = int(kept.total_seconds() * 1e9)
        self._entries: OrderedDict[str, tuple[int, bytes]] = OrderedDict()  # name -> when it ends, compressed
        self._size = 0

    def keep(self, owner: str, kept: KeptResponse) -> None:
        text = _packed(kept)
        if text is not None:
            self.put(_name(owner, kept.id), text, self._clock.now_ns() + self._kept_ns)

    def find(self, owner: str, response_id: str) -> KeptResponse | None:
        text = self.get(_name(owner, response_id))
        return _unpacked(text) if text is not None else None

    def forget(self, owner: str, response_id: str) -> bool:
        return self.drop(_name(owner, response_id))

    def put(self, name: str, text: bytes, ends_ns: int) -> None:
        self.drop(name)
        self._entries[name] = (ends_ns, text)
        self._size += len(text)
        while self._size > self._most_bytes:
            _, (_, oldest) = self._entries.popitem(last=False)
            self._size -= len(oldest)

    def get(self, name: str) -> bytes | None:
        entry = self._entries.get(name)
        if entry is None:
            return None
        if entry[0] <= self._clock.now_ns():
            self.drop(name)
            return None
        self._entries.move_to_end(name)
        return entry[1]

    def drop(self, name: str) -> bool:
        _, text = self._entries.pop(name, (0, None))
        self._size -= len(text or b"")
        return text is not None


class FileResponseStore:
    """A `ResponseStore` over a directory. Each lookup reads the file: another process may have dropped it."""

    def __init__(
        self, directory: Path, clock: Clock, *, most_bytes: int = DIRECTORY_BYTES, kept: timedelta = KEPT
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._most_bytes = most_bytes
        self._kept = kept
        self._swept_day = ""

    def keep(self, owner: str, kept: KeptResponse) -> None:
        text = _packed(kept)
        if text is None:
            return
        self._sweep_once_a_day()
        path = self._directory / _day(self._now()) / _name(owner, kept.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f"{path.name}.{os.getpid()}")
        aside.write_bytes(text)
        aside.rename(path)

    def find(self, owner: str, response_id: str) -> KeptResponse | None:
        name = _name(owner, response_id)
        for day in self._days():
            try:
                return _unpacked((day / name).read_bytes())
            except FileNotFoundError:
                continue
        return None

    def forget(self, owner: str, response_id: str) -> bool:
        name = _name(owner, response_id)
        was_there = False
        for day in self._days():
            was_there |= (day / name).exists()
            (day / name).unlink(missing_ok=True)
        return was_there

    def sweep(self) -> None:
        """Removes the days that are over, and the oldest ones for as long as the directory is too large."""
        days = self._days()
        sizes = {day: sum(entry.stat().st_size for entry in os.scandir(day)) for day in days}
        for folder in self._directory.iterdir() if self._directory.is_dir() else ():
            if folder.name < _day(self._now() - self._kept):
                shutil.rmtree(folder, ignore_errors=True)
        while len(days) > 1 and sum(sizes[day] for day in days) > self._most_bytes:
            shutil.rmtree(days.pop(), ignore_errors=True)

    def _days(self) -> list[Path]:
        """The folders of days that are not over, the youngest first."""
        if not self._directory.is_dir():
            return []
        oldest = _day(self._now() - self._kept)
        return sorted((folder for folder in self._directory.iterdir() if folder.name >= oldest), reverse=True)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now_ns() / 1e9, UTC)

    def _sweep_once_a_day(self) -> None:
        today = _day(self._now())
        if today != self._swept_day:
            self._swept_day = today
            self.sweep()


def _packed(kept: KeptResponse) -> bytes | None:
    text = _encode(kept)
    return zlib.compress(text, 1) if len(text) <= LARGEST else None


def _unpacked(text: bytes) -> KeptResponse | None:
    """None for a damaged file: it is as good as gone."""
    try:
        return _decode(zlib.decompress(text))
    except (zlib.error, msgspec.MsgspecError):
        return None


def _day(moment: datetime) -> str:
    return moment.strftime("%Y%m%d")


def _name(owner: str, response_id: str) -> str:
    return hashlib.sha256(f"{owner}\0{response_id}".encode("utf-8", "surrogatepass")).hexdigest()[:40]
