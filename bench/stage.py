"""What the benches of tasks share: a product of their own, its processes' CPU time, and tables of figures.

The product is `pointsman up` on a new home and free ports; it ends with the bench. CPU is user and system time of each
process with its children (Linux: `/proc`). Wall figures depend on who else uses the machine, so that is said beside
them: `others` is CPU that was used by nobody we know.
"""

import asyncio
import os
import signal
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.line import Line
from tests.product import Product, start_product

PROCESSES = ("web", "workers", "temporal", "proxy", "recorder")
_TICKS = os.sysconf("SC_CLK_TCK")
_FIRST_OFFSET, _LAST_OFFSET = 13_000, 50_000  # all ports above 20000
_BASE_PORTS = (7233, 8080, 8787, 8790)


@contextmanager
def stage(**environment: str) -> Iterator[Product]:
    """A product without history."""
    environment = {"PYTHONDONTWRITEBYTECODE": "", **environment}  # users have bytecode
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the product ends with us, by the way out of this
    with (
        tempfile.TemporaryDirectory(prefix="pointsman-bench-") as folder,
        start_product(Path(folder) / "home", free_offset(), **environment) as product,
    ):
        yield product


def free_offset() -> int:
    """An offset at which all ports of a product are free."""
    for offset in range(_FIRST_OFFSET, _LAST_OFFSET, 37):
        if all(_is_free(base + offset) for base in _BASE_PORTS):
            return offset
    raise RuntimeError("no free ports")


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@dataclass
class Usage:
    """Seconds that passed, and CPU seconds of each process in them."""

    wall: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)

    def row(self, count: int) -> str:
        """CPU milliseconds for one of `count`, by process."""
        parts = [f"{name} {1000 * seconds / count:.1f}" for name, seconds in self.cpu.items() if name != "others"]
        return ", ".join(parts)

    @property
    def others(self) -> float:
        """Cores that somebody else used."""
        return self.cpu.get("others", 0.0) / self.wall if self.wall else 0.0


@contextmanager
def metered(product: Product) -> Iterator[Usage]:
    """The usage of what happens inside; complete when the block has ended."""
    usage, pids, began = Usage(), _pids(product), time.monotonic()
    before, busy_before = _cpu_of(pids), _busy_seconds()
    yield usage
    usage.wall = time.monotonic() - began
    after = _cpu_of(pids)
    usage.cpu = {name: after[name] - before[name] for name in before}
    usage.cpu["others"] = max(0.0, _busy_seconds() - busy_before - sum(usage.cpu.values()))


def _pids(product: Product) -> dict[str, int]:
    run_file = product.run_file
    return {**{name: int(run_file[name]["pid"]) for name in PROCESSES if name in run_file}, "bench": os.getpid()}


def _cpu_of(pids: Mapping[str, int]) -> dict[str, float]:
    children: dict[int, list[int]] = {}
    seconds: dict[int, float] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(path.parent.name)
        children.setdefault(int(fields[1]), []).append(pid)
        seconds[pid] = (int(fields[11]) + int(fields[12])) / _TICKS
    return {name: _with_children(pid, children, seconds, set(pids.values()) - {pid}) for name, pid in pids.items()}


def _with_children(pid: int, children: dict[int, list[int]], seconds: dict[int, float], stop: set[int]) -> float:
    mine = seconds.get(pid, 0.0)
    if pid == os.getpid():
        return mine
    return mine + sum(
        _with_children(child, children, seconds, stop) for child in children.get(pid, ()) if child not in stop
    )


def _busy_seconds() -> float:
    first = Path("/proc/stat").read_text(encoding="utf-8").splitlines()[0].split()[1:]
    user, nice, system, _idle, _iowait, interrupts, soft, *_ = map(int, first)
    return (user + nice + system + interrupts + soft) / _TICKS


@dataclass(frozen=True, slots=True)
class BenchAgent:
    """An agent that can do everything that is asked for, and its key."""

    agent_id: str
    name: str
    key: str


async def agents_of(admin: Line, count: int) -> list[BenchAgent]:
    """That many new agents."""
    team = []
    for number in range(count):
        made = await admin.ask("POST", "/api/v1/agents", {"name": f"agent-{number}"})
        key = await admin.ask("POST", "/api/v1/keys", {"kind": "agent", "agent": made["name"]})
        team.append(BenchAgent(str(made["agent_id"]), str(made["name"]), str(key["key"])))
    return team


async def session_cookie(product: Product) -> str:
    """The cookie of a person who has followed the link on the console."""
    line = Line(product.web_url, "")
    head = await line.head("GET", product.sign_in_url.removeprefix(product.web_url))
    await line.close()
    return next(row[12:].partition(";")[0] for row in head.split("\r\n") if row.lower().startswith("set-cookie: "))


def percentiles(seconds: Sequence[float]) -> str:
    """p50, p95, p99 and the worst, in milliseconds."""
    if len(seconds) < 2:
        return "none"
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    shown = {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "max": max(seconds)}
    return ", ".join(f"{name} {1000 * value:.0f}" for name, value in shown.items()) + " ms"


async def until_quiet(product: Product, seconds: float = 60.0) -> None:
    """Until workers and engine have nothing left to do: half a second with less than a tenth of a core."""
    pids = {name: pid for name, pid in _pids(product).items() if name in {"workers", "temporal", "web"}}
    deadline = time.monotonic() + seconds
    used = sum(_cpu_of(pids).values())
    while time.monotonic() < deadline:
        await asyncio.sleep(0.5)
        now = sum(_cpu_of(pids).values())
        if now - used < 0.08:
            return
        used = now
