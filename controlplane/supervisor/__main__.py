"""`python -m controlplane.supervisor [--port-offset N] [--demo] [--open]`: what `pointsman up` becomes.

Apart from the command line, so that the process that lives on carries neither typer nor what other verbs import.
Exit codes: 0 stopped when asked, 1 could not come up, 2 wrong usage. Killed: see `up`.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import replace

from controlplane.settings import Home, Settings, checked_offset, read_settings
from controlplane.supervisor.console import Console, for_terminal
from controlplane.supervisor.engine import choose_engine
from controlplane.supervisor.errors import StartFailed
from controlplane.supervisor.free_ports import PortTaken, check_ports, ports_of
from controlplane.supervisor.lock import HomeTaken, hold_home
from controlplane.supervisor.process import end
from controlplane.supervisor.run_file import identities, read_run_file
from controlplane.supervisor.temporal_server import TemporalNotFound
from controlplane.supervisor.up import Supervisor
from controlplane.version import VERSION

PREDECESSOR_SECONDS = 8.0  # a killed supervisor's children end by their lifeline within five


def main() -> int:
    """Reads the command line and runs the product until it is told to stop."""
    options = _parse(sys.argv[1:])
    console = for_terminal()
    try:
        settings = _settings(options)
        environment = child_environment(os.environ, settings)
        return _run(settings, environment, console, open_browser=options.open)
    except (StartFailed, HomeTaken, PortTaken, TemporalNotFound, ValueError) as error:
        console.say(str(error))
    return 1


def child_environment(environment: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """What every child is told: our own environment, with the places made absolute."""
    return {
        **environment,
        "POINTSMAN_HOME": str(settings.home.root),
        "POINTSMAN_HOST": settings.host,
        "POINTSMAN_PORT_OFFSET": str(settings.port_offset),
        "POINTSMAN_CONFIG": str(settings.config_file.absolute()),
        "POINTSMAN_DEMO": "1" if settings.is_demo else "",
        "PYTHONUNBUFFERED": "1",  # a log that ends before the reason of a death is worth little
    }


def _run(settings: Settings, environment: Mapping[str, str], console: Console, *, open_browser: bool) -> int:
    root = settings.home.root
    console.say(f"Pointsman {VERSION}, home {root}")
    _make_home(settings.home, console)
    with hold_home(root / "lock") as was_killed:
        _end_leftovers(settings, console)
        _check_ports(settings, environment, patience_seconds=PREDECESSOR_SECONDS if was_killed else 0.0)
        engine = choose_engine(settings, environment)
        if engine.kept_aside:
            console.say(f"  The engine's file was written by another version; it is kept as {engine.kept_aside.name}.")
        return asyncio.run(Supervisor(settings, environment, engine, console).run(open_browser=open_browser))


def _make_home(home: Home, console: Console) -> None:
    try:
        if not home.root.exists():
            console.say("  First start: making the home and its databases.")
            home.root.mkdir(parents=True, mode=0o700)
        home.logs.mkdir(exist_ok=True)
        (home.root / "lock").touch()
    except OSError as error:
        raise StartFailed(
            f"The home {home.root} cannot be used ({error.strerror}). Make it writable, or set POINTSMAN_HOME."
        ) from error


def _end_leftovers(settings: Settings, console: Console) -> None:
    leftovers = identities(read_run_file(settings.home.run_file))
    for name, process in reversed(leftovers.items()):
        if process.is_alive():
            console.say(f"  Ending {name} (pid {process.pid}), which a killed `up` left behind.")
            end(process)
    settings.home.run_file.unlink(missing_ok=True)


def _check_ports(settings: Settings, environment: Mapping[str, str], patience_seconds: float) -> None:
    with_ui = environment.get("POINTSMAN_TEMPORAL_UI") == "1"
    ports = ports_of(settings, with_temporal=not settings.temporal_address, with_ui=with_ui)
    deadline = time.monotonic() + patience_seconds
    while time.monotonic() < deadline:
        try:
            return check_ports(ports)
        except PortTaken:
            time.sleep(0.1)  # a dying predecessor tells nobody when its ports are free
    return check_ports(ports)


def _settings(options: argparse.Namespace) -> Settings:
    settings = read_settings()
    if settings.control_url or settings.calls_url:
        raise StartFailed(
            "`pointsman up` runs everything on one machine with SQLite. Unset POINTSMAN_CONTROL_URL and "
            "POINTSMAN_CALLS_URL, or start the processes yourself (docs/how-to/deploy-with-compose.md)."
        )
    offset = settings.port_offset if options.port_offset is None else options.port_offset
    return replace(settings, port_offset=checked_offset(offset), is_demo=settings.is_demo or options.demo)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="pointsman up", description="Starts Pointsman and runs until Ctrl-C.")
    parser.add_argument("--port-offset", type=int, default=None, help="shifts all ports")
    parser.add_argument("--demo", action="store_true", help="runs the demo's agents as well")
    parser.add_argument("--open", action=argparse.BooleanOptionalAction, default=False, help="opens the board")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
