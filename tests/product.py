"""The product as a user starts it: `pointsman up` in a process of its own, on a home and ports of the test's own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROVIDER_KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY", "GROQ_API_KEY", "GEMINI_API_KEY")
START_SECONDS = 60.0
STOP_SECONDS = 12.0


@dataclass(frozen=True)
class Product:
    """A running product. `run_file` is read anew at each look, so it follows restarted children."""

    home: Path
    port_offset: int
    process: subprocess.Popen[bytes]
    console: Path

    @property
    def run_file(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.home / "run.json").read_text(encoding="utf-8"))
        return content

    @property
    def web_url(self) -> str:
        return str(self.run_file["web"]["url"])

    @property
    def proxy_url(self) -> str:
        return str(self.run_file["proxy"]["url"])

    @property
    def admin_key(self) -> str:
        return (self.home / "admin-key").read_text(encoding="utf-8").strip()

    @property
    def environment(self) -> dict[str, str]:
        """For commands and agents that work with this product."""
        return product_environment(self.home, self.port_offset)

    @property
    def sign_in_url(self) -> str:
        """The one-time link as the console said it. It works once: tests that need another ask `sign-in-link`."""
        said = self.console.read_text(encoding="utf-8")
        return next(word for word in said.split() if "/sign-in/" in word)

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs `pointsman …` against this product."""
        return subprocess.run(
            pointsman(*arguments), env=self.environment, capture_output=True, text=True, timeout=30, check=check
        )

    def kill(self, name: str) -> int:
        """SIGKILL to one child; its pid."""
        pid = int(self.run_file[name]["pid"])
        os.kill(pid, signal.SIGKILL)
        return pid


def pointsman(*arguments: str) -> list[str]:
    """The command line of the command."""
    return [sys.executable, "-P", "-m", "controlplane.cli", *arguments]


def product_environment(home: Path, port_offset: int, **more: str) -> dict[str, str]:
    """A clean environment: no provider, no settings of the person who runs the tests."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in PROVIDER_KEYS and not name.startswith(("POINTSMAN_", "TEMPORAL_", "OTEL_"))
    }
    ours = {"POINTSMAN_HOME": str(home), "POINTSMAN_PORT_OFFSET": str(port_offset)}
    return {**inherited, **ours, "POINTSMAN_CONFIG": str(home.parent / "pointsman.yaml"), **more}


@contextmanager
def start_product(home: Path, port_offset: int, *flags: str, **environment: str) -> Iterator[Product]:
    """Runs `pointsman up`, waits for the run file, and stops it at the end as Ctrl-C would."""
    home.parent.mkdir(parents=True, exist_ok=True)
    console = home.parent / "console.txt"
    before = _version_of(home / "run.json")  # what a killed predecessor left says nothing about this start
    with console.open("wb") as output:
        process = subprocess.Popen(
            pointsman("up", *flags),
            env=product_environment(home, port_offset, **environment),
            cwd=home.parent,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    running = Product(home, port_offset, process, console)
    try:
        wait_until(
            lambda: _version_of(home / "run.json") not in {0, before} or process.poll() is not None, START_SECONDS
        )
        said = console.read_text(encoding="utf-8")
        assert process.poll() is None, f"`pointsman up` ended with {process.returncode}:\n{said}"
        assert _version_of(home / "run.json") not in {0, before}, (
            f"`pointsman up` was not ready in {START_SECONDS:.0f} s:\n{said}"
        )
        yield running
    finally:
        stop(process)


def _version_of(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def stop(process: subprocess.Popen[bytes]) -> None:
    """As Ctrl-C would; harder when that does not help."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


def wait_until(is_so: Callable[[], object], seconds: float) -> bool:
    """Looks every 20 ms until it is so; False when time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.02)
    return bool(is_so())
