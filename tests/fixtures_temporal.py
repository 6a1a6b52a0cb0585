"""A Temporal server of a test's own, on a file: it can be killed, and started again where it stopped."""

import os
import signal
import socket
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path

from controlplane.settings import TEMPORAL_PORT, Home, Settings
from controlplane.supervisor.temporal_server import resolve_temporal, temporal_arguments


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


def settings_on_free_port(home: Path, **changes: object) -> Settings:
    """Settings whose Temporal port is free now. The other ports of the offset are not looked at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return replace(Settings(home=Home(home), port_offset=port - TEMPORAL_PORT), **changes)
