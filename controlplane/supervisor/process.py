"""A process on this machine, named so that a reused pid is not mistaken for it.

A pid alone is not an identity: after a reboot or a long night the same number is somebody else. The **birth** is what
the kernel says about the process's start (Linux: ticks since boot from `/proc`, elsewhere `ps -o lstart=`).
"""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

_STATE, _START_TICKS = 0, 19  # positions after the command's closing bracket: proc(5), fields 3 and 22


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process and no other."""

    pid: int
    birth: str

    def is_alive(self) -> bool:
        return birth_of(self.pid) == self.birth


def identify(pid: int) -> ProcessIdentity | None:
    """The process that has this pid now; None when there is none (a zombie counts as none)."""
    birth = birth_of(pid)
    return ProcessIdentity(pid, birth) if birth else None


def birth_of(pid: int) -> str:
    """When the process with this pid began, in the system's own words; empty when there is none."""
    if Path("/proc/self/stat").exists():
        return _birth_from_proc(pid)
    answer = subprocess.run(  # noqa: S603 - fixed words and a number
        ["ps", "-o", "lstart=", "-p", str(pid)],  # noqa: S607 - ps stands elsewhere on each system
        capture_output=True,
        text=True,
        check=False,
        timeout=5,
    )
    return answer.stdout.strip()


def _birth_from_proc(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[_STATE] in {"Z", "X"} else fields[_START_TICKS]


def end(process: ProcessIdentity, grace_seconds: float = 5.0) -> None:
    """Ends a process that is not our child: SIGTERM, then SIGKILL. Returns when it is gone."""
    for sent, patience in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, grace_seconds)):
        if not process.is_alive():
            return
        try:
            os.kill(process.pid, sent)
        except ProcessLookupError:
            return
        if _is_gone_within(process, patience):
            return


def _is_gone_within(process: ProcessIdentity, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not process.is_alive():
            return True
        time.sleep(0.02)  # no event exists for the end of a process that is not our child
    return not process.is_alive()
