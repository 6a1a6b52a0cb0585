"""`python -m workers [bootstrap|check|rebuild [TASK…]|reimport|refresh]`; without a word it works until told to stop.

Killed at any point, nothing is lost: workflows and timers are Temporal's, an activity that ran is run again elsewhere
and is idempotent, leadership runs out, leases are judged by whoever comes next.

Exit codes: 0 ended as asked, 1 Temporal, a worker or a database is not there, 2 no such word.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from functools import partial

import uvloop

from controlplane.ports import EngineUnavailable
from controlplane.settings import Settings, read_settings
from controlplane.supervisor import lifeline
from workers.bootstrap import EngineAbsent, bootstrap
from workers.process import serve
from workers.recovery import check, rebuild, refresh, reimport


async def _bootstrap(settings: Settings) -> None:
    await bootstrap(settings)


COMMANDS: dict[str, Callable[[Settings], Awaitable[None]]] = {
    "": serve,
    "bootstrap": _bootstrap,
    "check": check,
    "rebuild": rebuild,
    "reimport": reimport,
    "refresh": refresh,
}


def main(arguments: list[str]) -> int:
    """The exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("temporalio").setLevel(logging.ERROR)  # it warns by the hundred while the server restarts
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # one line per call; the gateway records each of them
    word, *tasks = arguments or [""]
    command = partial(rebuild, references=tasks) if word == "rebuild" else COMMANDS.get(word)
    if command is None or (tasks and word != "rebuild"):
        sys.stderr.write(f"unknown: {' '.join(arguments)!r}. One of: {', '.join(filter(None, COMMANDS))}\n")
        return 2
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(command))
    except (EngineAbsent, EngineUnavailable) as absent:
        sys.stderr.write(f"{absent}\n")
        return 1
    return 0


async def _run(command: Callable[[Settings], Awaitable[None]]) -> None:
    await command(read_settings())


if __name__ == "__main__":
    lifeline.attach()
    code = main(sys.argv[1:])
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # Python's own exit meets Temporal's threads and sometimes aborts (sdk-python issue 300, open since 2023).
    os._exit(code)
