"""A fake server for the SDK's tests, with quick beats."""

from collections.abc import Iterator

import pytest
from pointsman.testing import FakePointsman


@pytest.fixture
def server() -> Iterator[FakePointsman]:
    with FakePointsman(beat_seconds=0.05) as running:
        yield running
