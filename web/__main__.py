"""`python -m web`: serves until it is told to stop. What being killed means is told in `web/main.py`."""

import asyncio
import logging
import os
import sys

import uvloop

from controlplane.settings import read_settings
from controlplane.supervisor import lifeline
from web.main import serve


def main() -> None:
    """Runs the process."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # else two lines for each agent that connects
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(read_settings()))


if __name__ == "__main__":
    lifeline.attach()
    main()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # As in `workers/__main__.py`: the interpreter's own exit meets Temporal's threads and sometimes aborts.
    os._exit(0)
