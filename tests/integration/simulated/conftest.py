from collections.abc import Iterator

import pytest

from proxy.simulated.app import SimulatedServer
from tests.fakes.served import served


@pytest.fixture
def base_url() -> Iterator[str]:
    """Where the simulated server listens."""
    with served(SimulatedServer("fast")) as url:
        yield url
