"""Contents in a directory, each under its SHA-256.

A content is written beside its place, synced, and moved there, so that a killed process leaves either all of it under
its name or nothing; what it was writing stays in `.incoming` until `forget_debris`. Putting a content that is there
already makes its file young again, and only old files are ever removed: both happen under a lock of the directory
(the kernel frees it when its holder dies), so that a content is never taken away from whoever has just put it.
"""

import asyncio
import fcntl
import hashlib
import os
import secrets
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from controlplane.ports import Stored

BLOCK_BYTES = 256 * 1024  # read and written at once: a thread's hop costs little against it, memory stays small


class DirectoryBlobs:
    """A BlobStore in files: `ab/abcdef…`. Writing the same content again changes nothing but its age."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / ".incoming"

    async def put(self, content: bytes) -> str:
        """Its SHA-256, when it is on the disk."""

        async def whole() -> AsyncIterator[bytes]:
            yield content

        sha256 = (await asyncio.to_thread(hashlib.sha256, content)).hexdigest()
        if not await asyncio.to_thread(self._make_young, sha256):
            await self.put_stream(whole())
        return sha256

    async def put_stream(self, chunks: AsyncIterable[bytes]) -> Stored:
        """The same for a content of any size, which is never in memory as a whole."""
        beside = self._incoming / secrets.token_hex(8)
        file = await asyncio.to_thread(_create, beside)
        digest, size = hashlib.sha256(), 0

        def take(chunk: bytes) -> None:
            digest.update(chunk)
            file.write(chunk)

        try:
            async for chunk in chunks:
                await asyncio.to_thread(take, chunk)
                size += len(chunk)
            sha256 = digest.hexdigest()
            await asyncio.to_thread(self._move_in, file, beside, sha256)
        finally:
            file.close()
            await asyncio.to_thread(beside.unlink, missing_ok=True)
        return Stored(sha256, size)

    async def get(self, sha256: str) -> bytes | None:
        """The content, or None when there is no such blob. For texts; a file may be large: `read` it."""
        return await asyncio.to_thread(_read_whole, self._path(sha256))

    async def size(self, sha256: str) -> int | None:
        """Its size in bytes, or None when there is no such blob."""
        return await asyncio.to_thread(_size_of, self._path(sha256))

    async def read(self, sha256: str, first: int = 0, last: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `first` to `last`, both included, in blocks. Raises FileNotFoundError."""
        async for block in read_blocks(self._path(sha256), first, last):
            yield block

    async def names_before(self, at_ms: int) -> list[str]:
        """Every blob that nobody has put since then."""
        return await asyncio.to_thread(self._names_before, at_ms)

    async def remove_before(self, sha256: str, at_ms: int) -> bool:
        """Takes a blob away unless it was put since then. The caller knows that nobody refers to it."""
        return await asyncio.to_thread(self._remove_before, self._path(sha256), at_ms)

    async def forget_debris(self, at_ms: int) -> int:
        """Takes away what processes that were killed before then had half written."""
        return await asyncio.to_thread(_remove_old_files, self._incoming, at_ms)

    def _path(self, sha256: str) -> Path:
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise ValueError(f"not a SHA-256: {sha256!r}")
        return self._root / sha256[:2] / sha256

    @contextmanager
    def _locked(self, mode: int) -> Iterator[None]:
        self._root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._root / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, mode)
            yield
        finally:
            os.close(descriptor)

    def _make_young(self, sha256: str) -> bool:
        """Whether it was there."""
        with self._locked(fcntl.LOCK_SH):
            try:
                os.utime(self._path(sha256))
            except FileNotFoundError:
                return False
            return True

    def _move_in(self, file: BinaryIO, beside: Path, sha256: str) -> None:
        if self._make_young(sha256):
            return
        file.flush()
        os.fsync(file.fileno())
        path = self._path(sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.replace(path)
        _sync_directory(path.parent)

    def _names_before(self, at_ms: int) -> list[str]:
        return [path.name for path in self._root.glob("[0-9a-f][0-9a-f]/*") if was_changed_before(path, at_ms)]

    def _remove_before(self, path: Path, at_ms: int) -> bool:
        with self._locked(fcntl.LOCK_EX):
            is_old = was_changed_before(path, at_ms)
            if is_old:
                path.unlink()
            return is_old


async def read_blocks(path: Path, first: int = 0, last: int | None = None) -> AsyncIterator[bytes]:
    """A part of a file in blocks; less when the file ends before."""
    file = await asyncio.to_thread(path.open, "rb")
    try:
        file.seek(first)
        while last is None or first <= last:
            wanted = BLOCK_BYTES if last is None else min(BLOCK_BYTES, last - first + 1)
            block = await asyncio.to_thread(file.read, wanted)
            if not block:
                return
            first += len(block)
            yield block
    finally:
        file.close()


def _create(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("xb")


def _sync_directory(path: Path) -> None:
    """Without it a power cut may forget the new name, though not the content."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_whole(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _size_of(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def was_changed_before(path: Path, at_ms: int) -> bool:
    """Whether the file is that old; one that is not there is not."""
    try:
        return path.stat().st_mtime_ns // 1_000_000 < at_ms
    except FileNotFoundError:
        return False


def _remove_old_files(folder: Path, at_ms: int) -> int:
    old = [path for path in folder.glob("*") if was_changed_before(path, at_ms)]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
