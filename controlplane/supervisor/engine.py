"""The engine's part of a start: which one, does its file fit, and do tasks have to be brought back to it?"""

import asyncio
import contextlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from controlplane.settings import Settings
from controlplane.supervisor.errors import StartFailed
from controlplane.supervisor.plan import ChildSpecification, temporal_child
from controlplane.supervisor.temporal_server import (
    Resolved,
    fit_database,
    read_version,
    reimport_marker,
    resolve_temporal,
)

REIMPORT_SECONDS = 600.0  # a hundred workflows start each second


@dataclass(frozen=True, slots=True)
class Engine:
    """The Temporal server of this run of the product."""

    address: str
    version: str = ""
    child: ChildSpecification | None = None  # None: it runs elsewhere and is not ours to start
    kept_aside: Path | None = None  # a file that another version had written

    @property
    def description(self) -> str:
        return f"Temporal {self.version} at {self.address}" if self.version else f"Temporal at {self.address}"


def choose_binary(settings: Settings, environment: Mapping[str, str]) -> tuple[Resolved, str]:
    """What would be used, and the server version of a program. Raises TemporalNotFound, StartFailed."""
    resolved = resolve_temporal(settings, environment)
    if resolved.binary is None:
        return resolved, ""
    version = read_version(resolved.binary)
    if version is None:
        raise StartFailed(f"{resolved.binary} ({resolved.source}) does not answer to --version as Temporal does.")
    return resolved, version.server


def choose_engine(settings: Settings, environment: Mapping[str, str]) -> Engine:
    """Finds the engine and makes its file fit. To be called while no engine of ours runs. Raises TemporalNotFound."""
    resolved, version = choose_binary(settings, environment)
    if resolved.binary is None:
        return Engine(resolved.address)
    aside = fit_database(settings.home, version, datetime.now(UTC).strftime("%Y%m%d-%H%M%S"))
    with_ui = environment.get("POINTSMAN_TEMPORAL_UI") == "1"
    child = temporal_child(settings, resolved.binary, with_ui=with_ui)
    return Engine(settings.engine_address, version, child, aside)


async def reimport_if_asked(settings: Settings, environment: Mapping[str, str], log: Path) -> bool:
    """Brings the tasks back from the control database when the marker asks for it; True when it did.

    Idempotent: a task that the engine has is left alone, and the marker goes only after success.
    """
    marker = reimport_marker(settings.home)
    if not marker.exists():
        return False
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "workers", "reimport"), stdout=output, stderr=output, env=dict(environment)
        )
        try:
            async with asyncio.timeout(REIMPORT_SECONDS):
                exit_code = await process.wait()
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
    if exit_code:
        raise StartFailed(f"Bringing the tasks back to the engine failed (exit code {exit_code}): see {log}.")
    marker.unlink()
    return True
