"""A Temporal server of a test's own, on a file: it can be killed, and started again where it stopped."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from controlplane.settings import Home, Settings
from controlplane.supervisor.temporal_server import resolve_temporal, temporal_arguments
from tests.conftest import find_free_offset


@dataclass
class TemporalServer:
    """`settings` name its home and port; everything else of the product may be started on the same ones."""

    settings: Settings
    extra_arguments: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Returns at once: `workers.bootstrap` waits until it answers."""
        binary = resolve_temporal(replace(self.settings, temporal_address=""), os.environ).binary
        assert binary is not None
        self.settings.home.root.mkdir(parents=True, exist_ok=True)
        with (self.settings.home.root / "temporal.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*temporal_arguments(binary, self.settings), *self.extra_arguments], stdout=log, stderr=log
            )

    def kill(self) -> None:
        """SIGKILL, as a power cut for this process alone."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)
            self.process = None


def settings_on_free_ports(home: Path, **changes: Any) -> Settings:
    """Settings whose ports, of the whole product, are free now."""
    return replace(Settings(home=Home(home), port_offset=find_free_offset(Random(os.urandom(8)))), **changes)


@contextmanager
def python_process(module: str, settings: Settings, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m module` on this home and these ports, killed at the end; its log lies in the home."""
    environment = {
        **os.environ,
        "POINTSMAN_HOME": str(settings.home.root),
        "POINTSMAN_PORT_OFFSET": str(settings.port_offset),
        "POINTSMAN_LEASE_TTL_SECONDS": str(settings.lease_ttl_seconds),
        "POINTSMAN_LEASE_GRACE_SECONDS": str(settings.lease_grace_seconds),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    with (settings.home.root / f"{module}.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", module, *arguments], env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)
