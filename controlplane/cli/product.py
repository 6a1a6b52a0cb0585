"""Verbs about the product as a whole: start, stop, look after."""

import os
import signal
import subprocess
import sys
import time
from typing import Annotated, NoReturn

import typer

from controlplane.cli.connection import settings
from controlplane.cli.outcome import FAILED, NOT_RUNNING, fail, show
from controlplane.supervisor.lock import holder_of

STOP_SECONDS = 15.0  # the supervisor promises ten

PortOffset = Annotated[int | None, typer.Option("--port-offset", help="Shift all ports (POINTSMAN_PORT_OFFSET).")]
Open = Annotated[bool, typer.Option("--open/--no-open", help="Open the board in the browser.")]


def up(
    port_offset: PortOffset = None,
    with_demo: Annotated[bool, typer.Option("--demo", help="Run the demo's agents as well.")] = False,
    open_board: Open = False,
) -> None:
    """Start everything on this machine and run until Ctrl-C."""
    offset = [] if port_offset is None else ["--port-offset", str(port_offset)]
    demo_flag = ["--demo"] if with_demo else []
    open_flag = ["--open"] if open_board else []
    # This process becomes the supervisor: what the command line imported is not carried along for weeks.
    become("controlplane.supervisor", *offset, *demo_flag, *open_flag)


def demo(port_offset: PortOffset = None, open_board: Open = False) -> None:
    """The same as `up --demo`: agents at work on a small project, no key and no network needed."""
    up(port_offset, with_demo=True, open_board=open_board)


def down() -> None:
    """Stop the Pointsman that runs on this home."""
    home = settings().home
    supervisor = holder_of(home.root / "lock")
    if supervisor is None:
        fail(f"Nothing to stop: Pointsman does not run on {home.root}.", NOT_RUNNING)
    os.kill(supervisor.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while supervisor.is_alive():
        if time.monotonic() > deadline:
            fail(f"The supervisor (pid {supervisor.pid}) did not end within {STOP_SECONDS:.0f} s.")
        time.sleep(0.05)  # it is not our child: there is no event to wait for
    show("Stopped.")


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    alive: Annotated[str, typer.Option(help="Only: does this process say that it is alive? For health checks.")] = "",
) -> None:
    """Say what runs, where, since when, and what to do about what does not. Exit code 1 when something is wrong."""
    become("controlplane.doctor", *(["--json"] if as_json else []), *(["--alive", alive] if alive else []))


def sign_in_link() -> None:
    """Print a fresh link that signs the administrator in, once."""
    answer = subprocess.run(
        [sys.executable, "-P", "-m", "controlplane.supervisor.prepare", "link"],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if answer.returncode:
        fail("No link was made: see above.", FAILED)
    show(answer.stdout.strip())


def migrate() -> None:
    """Bring the databases to this version. `up` does it by itself; containers call it once before the others."""
    become("controlplane.supervisor.prepare", "migrate")


def rebuild(
    task: Annotated[list[str] | None, typer.Option("--task", help="Only this one, whatever its row says.")] = None,
) -> None:
    """Write the read model of tasks anew from Temporal, where it differs or was lost. Pointsman must be running."""
    become("workers", "rebuild", *(task or ()))


def reimport() -> None:
    """Give every open task a workflow again after Temporal's data was lost. `up` does it by itself when it can tell."""
    become("workers", "reimport")


def refresh() -> None:
    """Have every open task continue on the code of this version, so that no history needs an older one."""
    become("workers", "refresh")


def become(module: str, *arguments: str) -> NoReturn:
    """This process goes on as another of ours: what the command line has loaded is not carried along."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-P", "-m", module, *arguments])  # noqa: S606 - our own module
