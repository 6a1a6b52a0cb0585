"""Answers kept for a repeated idempotency key, on disk, so that a retry after a crash is not paid twice.

    <directory>/<day>/<digest of owner and key>            the answer: one JSON line, then the body as the client got it
    <directory>/<day>/<digest of owner and key>.asking     somebody began to ask and has not said how it ended

An answer is written aside and renamed, so it is whole or absent. A marker that this process did not leave is a dead
process's: nobody knows whether the provider was asked, so the next try asks (again) and `orphans` counts it. Days are
folders because a sweep then looks at names only.
"""

import hashlib
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from proxy.errors import IdempotencyMismatch
from proxy.ports import Answer, Clock

KEPT = timedelta(hours=24)


class _Head(msgspec.Struct):
    call_id: str
    request_digest: str
    status: int
    content_type: str
    at_ns: int


class FileAnswerStore:
    """An `AnswerStore` over a directory. For one process at a time."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._swept_day = ""
        self.orphans = 0  # keys whose asker died before it could say how the call ended

    def begin(self, owner: str, key: str, request_digest: str) -> Answer | None:
        self._sweep_once_a_day()
        name = _name(owner, key)
        if (answer := self._find(name)) is not None:
            if answer.request_digest != request_digest:
                raise mismatch(key)
            return answer
        for marker in self._paths(name + ".asking"):
            if marker.exists():
                self.orphans += 1
                marker.unlink()
        self._write(self._today() / f"{name}.asking", request_digest.encode())
        return None

    def keep(self, owner: str, key: str, answer: Answer) -> None:
        head = _Head(
            answer.call_id, answer.request_digest, answer.status, answer.content_type, at_ns=self._clock.now_ns()
        )
        self._write(self._today() / _name(owner, key), msgspec.json.encode(head) + b"\n" + answer.body)
        self.forget(owner, key)

    def forget(self, owner: str, key: str) -> None:
        for marker in self._paths(_name(owner, key) + ".asking"):
            marker.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Removes the folders of days of which nothing can be younger than 24 hours."""
        oldest = _day(self._now() - KEPT)
        for folder in self._directory.iterdir() if self._directory.is_dir() else ():
            if folder.name < oldest:
                shutil.rmtree(folder, ignore_errors=True)

    def _find(self, name: str) -> Answer | None:
        for path in self._paths(name):
            try:
                line, _, body = path.read_bytes().partition(b"\n")
            except FileNotFoundError:
                continue
            head = msgspec.json.decode(line, type=_Head)
            if self._clock.now_ns() - head.at_ns <= KEPT.total_seconds() * 1e9:
                return Answer(head.call_id, head.request_digest, head.status, head.content_type, body)
        return None

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f"{path.name}.{os.getpid()}")
        aside.write_bytes(content)
        aside.rename(path)

    def _paths(self, name: str) -> tuple[Path, Path]:
        """Where it can stand: a call that began before midnight ends after it."""
        return self._today() / name, self._directory / _day(self._now() - KEPT) / name

    def _today(self) -> Path:
        return self._directory / _day(self._now())

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now_ns() / 1e9, UTC)

    def _sweep_once_a_day(self) -> None:
        today = _day(self._now())
        if today != self._swept_day:
            self._swept_day = today
            self.sweep()


def mismatch(key: str) -> IdempotencyMismatch:
    return IdempotencyMismatch(
        f"The idempotency key {key[:80]!r} was used for another request. Send each new request with a key of its own."
    )


def _day(moment: datetime) -> str:
    return moment.strftime("%Y%m%d")


def _name(owner: str, key: str) -> str:
    return hashlib.sha256(f"{owner}\0{key}".encode("utf-8", "surrogatepass")).hexdigest()[:40]
