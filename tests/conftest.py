"""What tests of all rooms share: free ports, the whole product as a user starts it, and what a skip means in CI."""

import os
import socket
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from controlplane.settings import PROXY_PORT, SIMULATED_PORT, TEMPORAL_PORT, TEMPORAL_UI_PORT, WEB_PORT
from tests.product import Product, start_product

PORTS = (TEMPORAL_PORT, TEMPORAL_UI_PORT, WEB_PORT, PROXY_PORT, SIMULATED_PORT)
# Below the range from which the kernel takes outgoing connections' ports (32768 and up on Linux).
OFFSETS = range(13_000, 23_500)

# Where things are and how much of them is read, not what they do.
KEPT = {"POINTSMAN_CORPUS", "POINTSMAN_CORPUS_ALL", "POINTSMAN_BENCH", "POINTSMAN_TEMPORAL_BIN"}


def find_free_offset(random: Random) -> int:
    """A port offset at which all five ports of the product can be bound now."""
    for offset in random.sample(OFFSETS, k=200):
        if all(_is_free(port + offset) for port in PORTS):
            return offset
    raise AssertionError("no port offset was free in 200 tries")


@pytest.fixture
def free_port_offset() -> int:
    """For `POINTSMAN_PORT_OFFSET`. Different in each process, so that parallel tests do not meet."""
    return find_free_offset(Random(os.urandom(8)))


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The whole product, started by `pointsman up` on an empty home: one for each test process."""
    home = tmp_path_factory.mktemp("product") / "home"
    with start_product(home, find_free_offset(Random(os.urandom(8)))) as running:
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    return _failed_in_ci((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Any:
    return _failed_in_ci((yield))


def _failed_in_ci(report: Any) -> Any:
    """In CI everything a test needs was installed: a skip that begins with "needs " would hide that it was not."""
    reason = report.longrepr[2] if report.skipped and isinstance(report.longrepr, tuple) else ""
    if os.environ.get("CI") == "true" and reason.removeprefix("Skipped: ").startswith("needs "):
        report.outcome = "failed"
        report.longrepr = f"{reason} (with CI=true that is a failure)"
    return report


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def pytest_configure() -> None:
    """Tests see no configuration of the person who runs them."""
    for name in [name for name in os.environ if name.startswith(("POINTSMAN_", "TEMPORAL_", "OTEL_"))]:
        if name not in KEPT:
            del os.environ[name]
