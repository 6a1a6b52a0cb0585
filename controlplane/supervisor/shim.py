"""Gives a lifeline to a program that is not ours: `python shim.py -- COMMAND…` (Temporal, the simulated provider).

This process *becomes* the command, so that its pid, signals and exit code are the command's own. Before that it forks a
small guard, which holds the lifeline and the reading end of a second pipe that only the command keeps open:

| what closes                       | what the guard does                                                  |
|-----------------------------------|----------------------------------------------------------------------|
| the command's pipe                | nothing left to guard: it ends                                       |
| the lifeline (the supervisor died) | SIGTERM to the command, SIGKILL after five seconds, then it ends     |

Killed itself, the guard leaves the command under the supervisor's ordinary care; the next `up` ends what is left over.
Standard library only and no import of ours: it runs with `-I -S`, which makes it start in 10 ms and weigh 8 MB.
"""

import os
import select
import signal
import sys

VARIABLE = "POINTSMAN_LIFELINE_FD"
GRACE_SECONDS = 5.0
NOT_FOUND = 127  # what a shell says


def guard(lifeline: int, command_alive: int, command_pid: int) -> None:
    """Waits until the command or the supervisor is gone; in the second case ends the command."""
    readable, _, _ = select.select([lifeline, command_alive], [], [])
    if command_alive in readable:
        return
    os.kill(command_pid, signal.SIGTERM)
    ended, _, _ = select.select([command_alive], [], [], GRACE_SECONDS)
    if not ended:
        os.kill(command_pid, signal.SIGKILL)


def become(command: list[str]) -> None:
    """Replaces this process by the command, with a guard beside it when there is a lifeline. Does not return."""
    lifeline = os.environ.pop(VARIABLE, "")
    if lifeline:
        _leave_guard(int(lifeline))
    try:
        os.execvp(command[0], command)  # noqa: S606 - the command is the supervisor's own, there is no shell
    except OSError as error:
        sys.stderr.write(f"Cannot run {command[0]!r}: {error.strerror}.\n")
        os._exit(NOT_FOUND)


def _leave_guard(lifeline: int) -> None:
    command_alive, held_by_command = os.pipe()
    command_pid = os.getpid()
    if os.fork() == 0:
        os.close(held_by_command)
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        guard(lifeline, command_alive, command_pid)
        os._exit(0)
    os.close(lifeline)
    os.close(command_alive)
    os.set_inheritable(held_by_command, True)


if __name__ == "__main__":
    become(sys.argv[sys.argv.index("--") + 1 :])
