from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.controlplane.gateway.office import Office, opened_office


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with opened_office(tmp_path) as office:
        yield office
