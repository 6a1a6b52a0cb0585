"""Half-arrived files: what came is kept, and says where to go on."""

import asyncio

import pytest

from controlplane.blobs import DirectoryParts, parts
from controlplane.blobs.parts import TooLong, WrongOffset

LIMIT = 1000


async def in_chunks(*chunks: bytes):
    for chunk in chunks:
        yield chunk


async def content_of(files: DirectoryParts, upload_id: str) -> bytes:
    return b"".join([block async for block in files.read(upload_id)])


@pytest.fixture
def files(tmp_path) -> DirectoryParts:
    return DirectoryParts(tmp_path / "uploads")


async def test_parts_follow_each_other(files):
    assert await files.append("up_1", 0, in_chunks(b"ab", b"c"), LIMIT) == 3
    assert await files.append("up_1", 3, in_chunks(b"def"), LIMIT) == 6
    assert await content_of(files, "up_1") == b"abcdef"
    assert await files.length("up_1") == 6


async def test_what_nobody_has_begun_is_empty(files):
    assert await files.length("up_1") == 0
    assert await content_of(files, "up_1") == b""


@pytest.mark.parametrize("offset", [0, 2, 4, 10**15])
async def test_a_part_at_another_place_is_refused_with_the_right_one(files, offset):
    await files.append("up_1", 0, in_chunks(b"abc"), LIMIT)
    with pytest.raises(WrongOffset) as wrong:
        await files.append("up_1", offset, in_chunks(b"x"), LIMIT)
    assert wrong.value.length == 3
    assert await content_of(files, "up_1") == b"abc"


async def test_what_came_before_a_client_broke_off_is_kept(files):
    async def broken():
        yield b"abc"
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        await files.append("up_1", 0, broken(), LIMIT)
    assert await files.append("up_1", 3, in_chunks(b"d"), LIMIT) == 4
    assert await content_of(files, "up_1") == b"abcd"


async def test_a_client_that_falls_silent_has_sent_what_came(files, monkeypatch):
    monkeypatch.setattr(parts, "SILENCE_SECONDS", 0.05)

    async def silent():
        yield b"abc"
        await asyncio.Event().wait()

    async with asyncio.timeout(5):
        assert await files.append("up_1", 0, silent(), LIMIT) == 3
    assert await content_of(files, "up_1") == b"abc"


async def test_a_file_never_grows_beyond_its_limit(files):
    with pytest.raises(TooLong):
        await files.append("up_1", 0, in_chunks(b"x" * 600, b"x" * 600), LIMIT)
    assert await files.length("up_1") == 600


async def test_two_writers_of_the_same_bytes_make_one_file(files):
    content = bytes(range(256)) * 4000
    first_has_begun, second_is_done = asyncio.Event(), asyncio.Event()

    async def slow():
        yield content[:300_000]
        first_has_begun.set()
        await second_is_done.wait()
        yield content[300_000:500_000]

    async def quick():
        await first_has_begun.wait()
        length = await files.length("up_1")
        await files.append("up_1", length, in_chunks(content[length:700_000]), len(content))
        second_is_done.set()

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(files.append("up_1", 0, slow(), len(content)))
        group.create_task(quick())
    assert await content_of(files, "up_1") == content[:700_000]


@pytest.mark.parametrize("upload_id", ["../x", "", "a/b", "é"])
async def test_only_an_id_names_a_file(files, upload_id):
    with pytest.raises(ValueError, match="not an upload"):
        await files.length(upload_id)
