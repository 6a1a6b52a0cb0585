"""Deliverables' contents in a directory, each under its SHA-256.

A content is written beside its place and moved there, so that a killed process leaves either all of it or nothing.
"""

import asyncio
import hashlib
import os
import secrets
from pathlib import Path


class DirectoryBlobs:
    """A BlobStore in files: `ab/abcdef…`. Writing the same content again changes nothing."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, content: bytes) -> str:
        """Its SHA-256, when it is on the disk."""
        sha256 = hashlib.sha256(content).hexdigest()
        await asyncio.to_thread(self._write, self._path(sha256), content)
        return sha256

    async def get(self, sha256: str) -> bytes | None:
        """The content, or None when there is no such blob."""
        return await asyncio.to_thread(self._read, self._path(sha256))

    def _path(self, sha256: str) -> Path:
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise ValueError(f"not a SHA-256: {sha256!r}")
        return self._root / sha256[:2] / sha256

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)

    @staticmethod
    def _read(path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
