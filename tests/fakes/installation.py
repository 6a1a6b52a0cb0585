"""An installation in a temporary folder, with real gateway and recorder processes to be killed."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pointsman.contract import derive_run_key, digest

from controlplane.settings import PROXY_PORT, SIMULATED_PORT, Home
from tests.fakes.databases import create_databases, insert, opened

MASTER_KEY = b"0" * 32
WAIT_SECONDS = 20.0


def wait_until(holds: Callable[[], Any], what: str, seconds: float = WAIT_SECONDS) -> Any:
    """What `holds` returns once it is true. Bounded; the pause only spares the processor."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := holds():
            return result
        time.sleep(0.01)
    raise AssertionError(f"waited {seconds} s in vain until {what}")


@dataclass
class Installation:
    """Has `runs` live runs `r_0` … of tasks `t_0` …, all of agent `a_1`."""

    home: Home
    offset: int
    environment: dict[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{PROXY_PORT + self.offset}"

    @property
    def upstream_port(self) -> int:
        """Where the simulated provider is looked for."""
        return SIMULATED_PORT + self.offset

    def start(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(sys.path),
            "POINTSMAN_HOME": str(self.home.root),
            "POINTSMAN_PORT_OFFSET": str(self.offset),
            "POINTSMAN_CONFIG": str(self.home.root / "pointsman.yaml"),
        }
        log = (self.home.root / f"{module}.log").open("ab")
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments], env=environment | self.environment, stdout=log, stderr=log
        )
        log.close()
        self.processes.append(process)
        return process

    def start_gateway(self) -> subprocess.Popen[bytes]:
        """A gateway that accepts calls."""
        process = self.start("controlplane.gateway")
        wait_until(
            lambda: self.log_of_dead(process) or self.accepts(PROXY_PORT + self.offset), "the gateway accepts calls"
        )
        return process

    def start_recorder(self) -> subprocess.Popen[bytes]:
        return self.start("controlplane.recorder")

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait(10)

    def stop(self, process: subprocess.Popen[bytes]) -> int:
        process.send_signal(signal.SIGTERM)
        return process.wait(10)

    def run_key(self, number: int = 0) -> str:
        return derive_run_key(MASTER_KEY, f"r_{number}", 1)

    def rows(self, sql: str, *parameters: object) -> list[dict[str, Any]]:
        """Of the calls database."""
        return self._query(self.home.calls_database, sql, parameters)

    def control(self, sql: str, *parameters: object) -> list[dict[str, Any]]:
        return self._query(self.home.control_database, sql, parameters)

    def log_of_dead(self, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is not None:
            logs = "\n".join(path.read_text() for path in self.home.root.glob("*.log"))
            raise AssertionError(f"{process.args} ended with {process.returncode}:\n{logs}")

    @staticmethod
    def accepts(port: int) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    @staticmethod
    def _query(path: Path, sql: str, parameters: tuple[object, ...]) -> list[dict[str, Any]]:
        with opened(path) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql, parameters)]


def insert_run(control: sqlite3.Connection, number: int) -> None:
    """A live run `r_<number>` of task `t_<number>` by agent `a_1`."""
    key = derive_run_key(MASTER_KEY, f"r_{number}", 1)
    insert(
        control, "runs", run_id=f"r_{number}", workspace_id="w", task_id=f"t_{number}", task_number=number,
        agent_id="a_1", number=1, epoch=1, state="running", started_at_ms=1, reason="", progress="",
        key_digest=digest(key), revision=1,
    )  # fmt: skip


@contextmanager
def installation(root: Path, runs: int = 1, **environment: str) -> Iterator[Installation]:
    """Kills at the end what the test has left running."""
    home = create_databases(root)
    with opened(home.control_database) as control:
        for number in range(runs):
            insert_run(control, number)
    made = Installation(home, free_offset(), environment)
    try:
        yield made
    finally:
        for process in made.processes:
            if process.poll() is None:
                made.kill(process)


def free_offset() -> int:
    """A port offset at which gateway and simulated provider find their ports free."""
    for _ in range(50):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            offset = int(probe.getsockname()[1]) - PROXY_PORT
        if offset + PROXY_PORT >= 20_000 and _is_free(offset + SIMULATED_PORT):
            return offset
    raise AssertionError("no free pair of ports")


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
