"""How a child says that it is ready: an HTTP answer, an open port, or its row in `processes`."""

import asyncio
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

ANSWER_SECONDS = 2.0


class Probe(Protocol):
    """Asks a child once whether it is ready. Never raises: no answer is a no."""

    async def is_ready(self, pid: int) -> bool: ...


@dataclass(frozen=True, slots=True)
class AnswersHttp:
    """GET of this URL gives 200."""

    url: str

    async def is_ready(self, pid: int) -> bool:
        return await http_status(self.url) == 200


@dataclass(frozen=True, slots=True)
class AcceptsConnections:
    """Somebody listens at this port. Temporal's frontend opens its own when the server is up."""

    host: str
    port: int

    async def is_ready(self, pid: int) -> bool:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                _, writer = await asyncio.open_connection(self.host, self.port)
        except (OSError, TimeoutError):
            return False
        writer.close()
        return True


@dataclass(frozen=True, slots=True)
class SaysItIsPresent:
    """The child's own row in `processes` carries its pid."""

    name: str
    control_database: Path

    async def is_ready(self, pid: int) -> bool:
        return await asyncio.to_thread(self._has_row, pid)

    def _has_row(self, pid: int) -> bool:
        try:
            connection = sqlite3.connect(f"file:{self.control_database}?mode=ro", uri=True, timeout=1)
        except sqlite3.Error:
            return False
        try:
            row = connection.execute("SELECT 1 FROM processes WHERE name = ? AND pid = ?", (self.name, pid)).fetchone()
        except sqlite3.Error:
            return False
        finally:
            connection.close()
        return row is not None


@dataclass(frozen=True, slots=True)
class NeedsNothing:
    """Nobody waits for this child."""

    async def is_ready(self, pid: int) -> bool:
        return True


async def http_status(url: str) -> int:
    """The status of a GET; 0 when there was no answer in time. Enough of HTTP for our own health routes."""
    parts = urlsplit(url)
    request = f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            try:
                writer.write(request.encode())
                status_line = await reader.readline()
            finally:
                writer.close()
        return int(status_line.split()[1])
    except (OSError, TimeoutError, ValueError, IndexError):
        return 0
