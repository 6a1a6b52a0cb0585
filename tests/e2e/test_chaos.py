"""A short chaos run: everything is killed at least once while agents and people work. `make chaos` is the long one."""

import os
from pathlib import Path
from random import Random

import pytest

from tests.chaos.options import Options
from tests.chaos.run import run_chaos


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_nothing_is_lost_or_doubled_while_every_process_is_killed(tmp_path: Path) -> None:
    seed = Random(os.urandom(8)).randrange(1_000_000)  # another one each time; the report says which
    plan = tuple(Random(seed).sample(("web", "proxy", "workers", "temporal", "recorder", "agent"), k=6))
    options = Options(seed, kills=6, tasks=12, agents=4, minutes=3.0, plan=plan, every=3.0)
    said: list[str] = []
    report = run_chaos(options, tmp_path, said.append)
    assert report.is_clean, "\n".join([*said, str(report)])
