"""An agent that lives keeps its task, whatever is down on our side, and for however long."""

import os
from pathlib import Path
from random import Random

import pytest
from pointsman import Agent

from tests.conftest import find_free_offset
from tests.product import Product, start_product, wait_until

TTL_SECONDS = 3.0
LEASE = {
    "POINTSMAN_LEASE_TTL_SECONDS": str(TTL_SECONDS),
    "POINTSMAN_LEASE_GRACE_SECONDS": "1.5",
    "POINTSMAN_BEAT_SECONDS": "0.5",
}
BACK_SECONDS = 30.0


def _keep_down(product: Product, name: str, seconds: float) -> None:
    """Kills the process, and again whenever it is back, until the time is up."""
    killed = product.kill(name)

    def kill_again() -> bool:
        nonlocal killed
        if product.run_file[name]["pid"] != killed:
            killed = product.kill(name)
        return False

    wait_until(kill_again, seconds)
    assert wait_until(lambda: product.run_file[name]["pid"] != killed, BACK_SECONDS), f"{name} did not come back"


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_each_process_down_for_twice_the_lease_loses_no_lease(tmp_path: Path) -> None:
    offset = find_free_offset(Random(os.urandom(8)))
    with start_product(tmp_path / "home", offset, **LEASE) as product:
        key = product.command("keys", "create", "--agent", "keeper").stdout.strip()
        product.command("task", "create", "--needs", "keeping", "Hold on to me")
        with Agent("keeper", capabilities=["keeping"], url=product.web_url, key=key) as agent:
            task = agent.next_task()
            assert task is not None
            for name in ("workers", "proxy", "web", "temporal", "recorder"):
                _keep_down(product, name, 2 * TTL_SECONDS)
            assert not wait_until(lambda: task.is_lost, 2 * TTL_SECONDS)
            assert task.submit("Held.") == 1
    assert (task.run.number, task.run.epoch) == (1, 1)
