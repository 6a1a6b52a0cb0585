from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.recording import Bench, recording_bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with recording_bench(tmp_path) as bench:
        yield bench
