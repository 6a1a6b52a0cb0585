"""What the edge cases share: the parts of the unit and integration tests that they are told on."""

import pytest

from tests.edge_cases.team import Team
from tests.integration.workers.conftest import pytest_runtest_makereport, server, world
from tests.unit.controlplane.conftest import admin, clock, database, engine, migrated, service, settings

__all__ = [
    "admin",
    "clock",
    "database",
    "engine",
    "migrated",
    "pytest_runtest_makereport",
    "server",
    "service",
    "settings",
    "world",
]


@pytest.fixture
async def team(settings, service, database, engine, clock, admin) -> Team:
    """Maya with two agents."""
    team = Team(settings, service, database, engine, clock, admin)
    await team.hire("writer", "write")
    await team.hire("second", "write")
    return team
