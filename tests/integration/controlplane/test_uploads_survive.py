"""A server that takes a file is killed again and again; the client asks where to go on, and the file is whole."""

import asyncio
import hashlib
import os
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from pointsman.contract import KeyKind

from controlplane.access.keys import create_key
from controlplane.access.people import create_admin_if_none
from controlplane.settings import Home, Settings
from controlplane.store.database import open_control
from controlplane.store.migrate import migrate

MIB = 1024 * 1024
SERVER = """
import asyncio, socket, sys, time
from pathlib import Path
import uvicorn
from controlplane.api import ApiDeps, create_api
from controlplane.blobs import DirectoryBlobs
from controlplane.feed.feed import Feed
from controlplane.settings import Home, Settings
from controlplane.store.database import open_calls, open_control
from tests.fakes.engine import MemoryEngine

class Clock:
    def now_ms(self):
        return time.time_ns() // 1_000_000

async def main():
    settings = Settings(home=Home(Path(sys.argv[1])))
    control, calls = open_control(settings), open_calls(settings)
    async with Feed(control).running() as feed:
        blobs = DirectoryBlobs(settings.home.blobs)
        api = create_api(ApiDeps(settings, control, calls, MemoryEngine(), feed, blobs, Clock(), b"m" * 32))
        listening = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(api, log_config=None))
        print(listening.getsockname()[1], flush=True)
        await server.serve(sockets=[listening])

asyncio.run(main())
"""


@pytest.fixture
async def home(tmp_path: Path) -> Path:
    await migrate(Settings(home=Home(tmp_path)))
    return tmp_path


@pytest.fixture
async def key(home: Path) -> str:
    control = open_control(Settings(home=Home(home)))
    async with control.transaction() as session:
        admin = await create_admin_if_none(session, 1)
        plain = await create_key(session, KeyKind.ADMIN, admin.workspace_id, "script", 1)
    await control.close()
    return plain


@asynccontextmanager
async def served(home: Path, key: str) -> AsyncIterator[tuple[httpx2.AsyncClient, asyncio.subprocess.Process]]:
    """A server of its own that is killed in the end, at the latest."""
    paths = os.pathsep.join(path for path in sys.path if path)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER, str(home), stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths}
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            port = int(await process.stdout.readline())
        headers = {"authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False, timeout=20
        ) as client:
            yield client, process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.slow
async def test_a_file_arrives_whole_though_the_server_is_killed_in_its_parts(home, key):
    dice = random.Random(4)
    content = dice.randbytes(12 * MIB)
    sha256 = hashlib.sha256(content).hexdigest()
    async with served(home, key) as (client, _):
        announced = {"name": "large.bin", "size_bytes": len(content), "sha256": sha256}
        upload_id = (await client.post("/uploads", json=announced)).json()["upload_id"]
    arriving = home / "uploads" / upload_id
    kept = [0]
    for _ in range(3):
        async with served(home, key) as (client, process):
            offset = int((await client.head(f"/uploads/{upload_id}")).headers["upload-offset"])
            assert offset >= kept[-1]
            kept.append(offset)
            part = killing_part(process, arriving, content[offset:], dice.randrange(MIB, 3 * MIB))
            with pytest.raises(httpx2.TransportError):
                await client.patch(f"/uploads/{upload_id}", content=part, headers=part_headers(offset))
    assert kept[1] < kept[2] < kept[3] < len(content)  # something of each killed part stayed
    async with served(home, key) as (client, _):
        offset = int((await client.head(f"/uploads/{upload_id}")).headers["upload-offset"])
        rest = await client.patch(f"/uploads/{upload_id}", content=content[offset:], headers=part_headers(offset))
        assert rest.status_code == 204, rest.text
        assert (await client.get(f"/uploads/{upload_id}")).json()["sha256"] == sha256
    stored = home / "blobs" / sha256[:2] / sha256
    assert hashlib.sha256(stored.read_bytes()).hexdigest() == sha256


async def killing_part(
    victim: asyncio.subprocess.Process, arriving: Path, content: bytes, until: int
) -> AsyncIterator[bytes]:
    """Sends so many bytes, waits until some of them lie on the disk, and kills who is writing them."""
    before = size_of(arriving)
    for place in range(0, len(content), 65_536):
        if place >= until and victim.returncode is None:
            async with asyncio.timeout(20):
                while size_of(arriving) == before:
                    await asyncio.sleep(0.01)
            victim.kill()
            await victim.wait()
        yield content[place : place + 65_536]


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def part_headers(offset: int) -> dict[str, str]:
    return {"content-type": "application/offset+octet-stream", "upload-offset": str(offset)}
