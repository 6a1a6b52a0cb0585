"""Blobs: all of a content or nothing, under its own hash."""

import asyncio

import pytest

from controlplane.blobs import DirectoryBlobs


async def test_a_content_is_found_under_its_hash(tmp_path):
    blobs = DirectoryBlobs(tmp_path / "blobs")
    sha256 = await blobs.put(b"# Draft")
    assert await blobs.get(sha256) == b"# Draft"
    assert await blobs.get("0" * 64) is None


async def test_the_same_content_many_times_is_one_file(tmp_path):
    blobs = DirectoryBlobs(tmp_path)
    hashes = await asyncio.gather(*(blobs.put(b"same") for _ in range(10)))
    assert len(set(hashes)) == 1
    assert [path.name for path in tmp_path.glob("[!.]*/*")] == [hashes[0]]


@pytest.mark.parametrize("name", ["../../secret", "AB" * 32, "a" * 63, ""])
async def test_only_a_hash_names_a_blob(tmp_path, name):
    with pytest.raises(ValueError, match="not a SHA-256"):
        await DirectoryBlobs(tmp_path).get(name)
