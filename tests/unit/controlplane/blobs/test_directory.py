"""Blobs: all of a content or nothing, under its own hash."""

import asyncio
import hashlib
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from controlplane.blobs import DirectoryBlobs

MIB = 1024 * 1024


async def in_chunks(*chunks: bytes):
    for chunk in chunks:
        yield chunk


async def all_of(blobs: DirectoryBlobs, sha256: str, first: int = 0, last: int | None = None) -> bytes:
    return b"".join([block async for block in blobs.read(sha256, first, last)])


def made_old(blobs_root: Path, sha256: str, at_ms: int) -> None:
    os.utime(blobs_root / sha256[:2] / sha256, ns=(at_ms * 1_000_000,) * 2)


async def test_a_content_is_found_under_its_hash(tmp_path):
    blobs = DirectoryBlobs(tmp_path / "blobs")
    sha256 = await blobs.put(b"# Draft")
    assert await blobs.get(sha256) == b"# Draft"
    assert await blobs.size(sha256) == 7
    assert await blobs.get("0" * 64) is None
    assert await blobs.size("0" * 64) is None


async def test_the_same_content_many_times_is_one_file(tmp_path):
    blobs = DirectoryBlobs(tmp_path)
    hashes = await asyncio.gather(*(blobs.put(b"same") for _ in range(10)))
    assert len(set(hashes)) == 1
    assert [path.name for path in tmp_path.glob("[!.]*/*")] == [hashes[0]]
    assert list((tmp_path / ".incoming").iterdir()) == []


@pytest.mark.parametrize("name", ["../../secret", "AB" * 32, "a" * 63, ""])
async def test_only_a_hash_names_a_blob(tmp_path, name):
    with pytest.raises(ValueError, match="not a SHA-256"):
        await DirectoryBlobs(tmp_path).get(name)


@pytest.mark.parametrize("chunks", [(), (b"",), (b"a", b"bc"), (b"x" * 300_000, b"", b"y" * 700_000)])
async def test_a_streamed_content_is_the_same_as_one_put_whole(tmp_path, chunks):
    blobs, whole = DirectoryBlobs(tmp_path), b"".join(chunks)
    stored = await blobs.put_stream(in_chunks(*chunks))
    assert stored == (hashlib.sha256(whole).hexdigest(), len(whole))
    assert await all_of(blobs, stored.sha256) == whole


@pytest.mark.parametrize(
    ("first", "last"), [(0, None), (0, 0), (5, 9), (999_999, None), (300_000, 900_000), (9, 8), (0, 5_000_000)]
)
async def test_a_part_of_a_content_is_read_without_the_rest(tmp_path, first, last):
    content = bytes(range(256)) * 4000
    blobs = DirectoryBlobs(tmp_path)
    sha256 = await blobs.put(content)
    assert await all_of(blobs, sha256, first, last) == content[first : None if last is None else last + 1]


async def test_a_content_of_any_size_needs_little_memory(tmp_path):
    blobs = DirectoryBlobs(tmp_path)
    block = os.urandom(MIB)
    tracemalloc.start()
    try:
        stored = await blobs.put_stream(in_chunks(*([block] * 32)))
        read = 0
        async for part in blobs.read(stored.sha256):
            read += len(part)
        assert (stored.size_bytes, read) == (32 * MIB, 32 * MIB)
        assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    finally:
        tracemalloc.stop()


async def test_a_stream_that_breaks_leaves_nothing(tmp_path):
    async def broken():
        yield b"half"
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        await DirectoryBlobs(tmp_path).put_stream(broken())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


WRITER = """
import asyncio, os, sys
from pathlib import Path
from controlplane.blobs import DirectoryBlobs

async def parts(number):
    for part in range(64):
        yield (b"%d %d " % (number, part)) * 4096

async def main():
    blobs = DirectoryBlobs(Path(sys.argv[1]))
    for number in range(10**6):
        await blobs.put_stream(parts(number))
        print(number, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("survived", [1, 3, 8])
def test_a_writer_killed_at_any_moment_leaves_only_whole_contents(tmp_path, survived):
    writing = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
    assert writing.stdout is not None
    with writing.stdout:
        for _ in range(survived):
            assert writing.stdout.readline()
        writing.kill()
        writing.wait(10)
    blobs = list(tmp_path.glob("[!.]*/*"))
    assert len(blobs) >= survived
    for path in blobs:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name


async def test_what_killed_writers_left_is_forgotten_when_it_is_old(tmp_path):
    blobs = DirectoryBlobs(tmp_path)
    await blobs.put(b"x")
    left = tmp_path / ".incoming" / "half"
    left.write_bytes(b"hal")
    os.utime(left, ns=(5_000_000, 5_000_000))
    assert await blobs.forget_debris(5) == 0
    assert await blobs.forget_debris(6) == 1
    assert not left.exists()


async def test_an_old_blob_can_be_removed_and_a_young_one_cannot(tmp_path):
    blobs = DirectoryBlobs(tmp_path)
    sha256 = await blobs.put(b"x")
    made_old(tmp_path, sha256, 1000)
    assert await blobs.names_before(1000) == []
    assert await blobs.names_before(1001) == [sha256]
    assert not await blobs.remove_before(sha256, 1000)
    assert await blobs.remove_before(sha256, 1001)
    assert not await blobs.remove_before(sha256, 1001)
    assert await blobs.get(sha256) is None


@pytest.mark.parametrize("how", ["whole", "stream"])
async def test_putting_an_old_content_again_makes_it_young(tmp_path, how):
    blobs = DirectoryBlobs(tmp_path)
    sha256 = await blobs.put(b"x")
    made_old(tmp_path, sha256, 1000)
    if how == "whole":
        await blobs.put(b"x")
    else:
        await blobs.put_stream(in_chunks(b"x"))
    assert await blobs.names_before(10**12) == []
