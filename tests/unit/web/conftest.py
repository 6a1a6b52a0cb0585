"""A project half-way through, seeded once a session; each test works on a copy."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.project import Yard, seed_project
from tests.fakes.site import Kept, running_site


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Kept, dict[str, str]]:
    async def seed() -> tuple[Kept, dict[str, str]]:
        async with running_site(tmp_path_factory.mktemp("project")) as site:
            yard = await seed_project(site)
            return site.keep(), yard.agent_ids

    return asyncio.run(seed())


@pytest.fixture
async def yard(tmp_path: Path, seeded: tuple[Kept, dict[str, str]]) -> AsyncIterator[Yard]:
    kept, agent_ids = seeded
    async with running_site(tmp_path, kept=kept) as site:
        yield Yard(site, dict(agent_ids))
