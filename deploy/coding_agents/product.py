"""Pointsman on a home and ports of its own, for as long as a block lasts, and what its API says of a task's calls."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
START_SECONDS = 90.0
RECORD_SECONDS = 15.0  # a recorder on a busy machine may be that late


@dataclass(frozen=True)
class Product:
    home: Path
    environment: dict[str, str]

    @property
    def web_url(self) -> str:
        found: dict[str, Any] = json.loads((self.home / "run.json").read_text("utf-8"))
        return str(found["web"]["url"])

    def command(self, *arguments: str) -> str:
        """What `pointsman …` prints."""
        line = [*command_line(), *arguments]
        return subprocess.run(line, env=self.environment, capture_output=True, text=True, check=True).stdout.strip()

    def calls(self, ref: str) -> list[dict[str, Any]]:
        """Those of a task, the oldest first."""
        key = (self.home / "admin-key").read_text("utf-8").strip()
        request = urllib.request.Request(f"{self.web_url}/api/v1/tasks/{ref}/calls?limit=100")
        request.add_header("authorization", f"Bearer {key}")
        with urllib.request.urlopen(request, timeout=10) as answer:
            calls: list[dict[str, Any]] = json.load(answer)["calls"]
        return calls[::-1]

    def recorded_calls(self, ref: str, count: int) -> list[dict[str, Any]]:
        """As soon as so many have ended, or what there is when time is up."""
        until = time.monotonic() + RECORD_SECONDS
        while True:
            calls = self.calls(ref)
            if time.monotonic() > until or len([one for one in calls if one["outcome"]]) >= count:
                return calls
            time.sleep(0.2)


def command_line() -> list[str]:
    return [sys.executable, "-P", "-m", "controlplane.cli"]


@contextmanager
def running_product(scratch: Path, providers: dict[str, Any]) -> Iterator[Product]:
    """`pointsman up` with these providers, stopped as Ctrl-C would."""
    home, config = scratch / "home", scratch / "pointsman.yaml"
    config.write_text(json.dumps({"providers": providers}), "utf-8")  # JSON is YAML
    ours = {"POINTSMAN_HOME": str(home), "POINTSMAN_CONFIG": str(config)}
    ours["POINTSMAN_PORT_OFFSET"] = str(random.randrange(13_000, 23_000))
    environment = {**{name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}, **ours}
    with (scratch / "console.txt").open("wb") as console:
        line = [*command_line(), "up"]
        process = subprocess.Popen(line, env=environment, stdout=console, stderr=console, start_new_session=True)
    try:
        await_start(process, home / "run.json")
        yield Product(home, environment)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def await_start(process: subprocess.Popen[bytes], run_file: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while not run_file.exists():
        if process.poll() is not None or time.monotonic() > until:
            raise SystemExit("Pointsman did not start: see console.txt with --keep")
        time.sleep(0.2)
