"""A run with a file to hand in."""

import pytest

from controlplane.access.agents import register_agent
from controlplane.access.callers import Caller, authenticate
from controlplane.blobs import DirectoryParts
from controlplane.commands.uploads import Uploads


@pytest.fixture
async def agent_id(database, admin) -> str:
    async with database.transaction() as session:
        return (await register_agent(session, admin.workspace_id, "writer", 1)).agent_id


@pytest.fixture
async def run(service, database, admin, agent_id) -> Caller:
    """A live run's holder."""
    await service.create_task(admin.actor, "cmd_1", admin.workspace_id, None, "Write it")
    claim = await service.claim_next(agent_id, "next_1")
    async with database.reading() as session:
        return await authenticate(session, claim.key)


@pytest.fixture
def parts(settings) -> DirectoryParts:
    return DirectoryParts(settings.home.uploads)


@pytest.fixture
def uploads(service, database, parts, clock) -> Uploads:
    return Uploads(database, service.blobs, parts, clock, max_bytes=1_000_000)
