"""Files on their way in, each growing from the front under its upload's id.

The length of a file is where to go on, and nothing else is: a process killed in the middle of a part leaves what it
had written, and the next part begins there. Two writers of one file (a client that lost its connection, and its own
next try) write the same bytes to the same places, each from where it began; what is wrong is found by the hash.
"""

import asyncio
import os
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path

from controlplane.blobs.directory import BLOCK_BYTES, read_blocks, was_changed_before

SILENCE_SECONDS = 30.0  # a client that sends nothing for so long is taken to be gone; it may go on at any time


class WrongOffset(Exception):  # noqa: N818 - a state of the world: somebody else wrote on, or less arrived than thought
    """The file ends elsewhere: at `length`."""

    def __init__(self, length: int) -> None:
        super().__init__(f"the file ends at {length}")
        self.length = length


class TooLong(Exception):  # noqa: N818 - the caller's fault, told by the layer above
    """More bytes came than the file may have."""


class DirectoryParts:
    """Half-arrived files in a directory."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def length(self, upload_id: str) -> int:
        """How much of it has arrived: 0 for one that nobody has begun."""
        return await asyncio.to_thread(_length, self._path(upload_id))

    async def append(self, upload_id: str, offset: int, chunks: AsyncIterable[bytes], limit_bytes: int) -> int:
        """Where the file ends now. What came is kept, also when the client breaks off, whose fault then goes on.

        Raises WrongOffset before anything is written, TooLong when more than `limit_bytes` would be in the file.
        """
        descriptor = await asyncio.to_thread(_open_at, self._path(upload_id), offset)
        held = bytearray()
        try:
            async for chunk in _until_silence(chunks):
                if offset + len(held) + len(chunk) > limit_bytes:
                    raise TooLong
                held += chunk
                if len(held) >= BLOCK_BYTES:
                    offset = await asyncio.to_thread(_write_at, descriptor, bytes(held), offset)
                    held.clear()
        finally:
            try:
                await asyncio.to_thread(_write_at, descriptor, bytes(held), offset)
                await asyncio.to_thread(os.fsync, descriptor)
            finally:
                os.close(descriptor)
        return offset + len(held)

    async def read(self, upload_id: str) -> AsyncIterator[bytes]:
        """All that has arrived; nothing for an upload that nobody has begun."""
        path = self._path(upload_id)
        if await asyncio.to_thread(path.exists):
            async for block in read_blocks(path):
                yield block

    async def discard(self, upload_id: str) -> None:
        """It begins anew, or is never asked for again. A writer that holds the old file writes into nothing."""
        await asyncio.to_thread(self._path(upload_id).unlink, missing_ok=True)

    async def idle_since(self, at_ms: int) -> list[str]:
        """The uploads of which no byte has come since then."""
        return await asyncio.to_thread(_old_names, self._root, at_ms)

    def _path(self, upload_id: str) -> Path:
        if not upload_id.replace("_", "").isalnum() or not upload_id.isascii():
            raise ValueError(f"not an upload's id: {upload_id!r}")
        return self._root / upload_id


async def _until_silence(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The chunks until the client is done, or seems to be gone: then what came is a part like any other."""
    coming = aiter(chunks)
    while True:
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                chunk = await anext(coming)
        except (StopAsyncIteration, TimeoutError):
            return
        yield chunk


def _length(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _open_at(path: Path, offset: int) -> int:
    """The file, if it ends where the client thinks. A file that is there stays as it is."""
    length = _length(path)
    if length != offset:
        raise WrongOffset(length)
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)


def _write_at(descriptor: int, content: bytes, offset: int) -> int:
    """Where the content ends. In place, never at the end of the file: two writers must not push each other on."""
    view = memoryview(content)
    while view:
        written = os.pwrite(descriptor, view, offset)
        offset, view = offset + written, view[written:]
    return offset


def _old_names(folder: Path, at_ms: int) -> list[str]:
    return [path.name for path in folder.glob("*") if was_changed_before(path, at_ms)]
