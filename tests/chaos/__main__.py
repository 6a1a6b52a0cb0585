"""`python -m tests.chaos`: one chaos run from the command line. Exit code 0 when it is clean, 1 when not.

Should it be stuck in spite of all its bounds, a timer ends it with what it started: exit code 3. Killed, it leaves its
product running for as long as nobody stops it (`pointsman down` in its home).
"""

import faulthandler
import os
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path

from tests.chaos.options import parse_options
from tests.chaos.run import run_chaos

BEYOND_SECONDS = 420.0  # start, settling, checks and stop have bounds of their own, which add up to less


def main() -> int:
    """The exit code."""
    options = parse_options(sys.argv[1:])
    folder = Path(tempfile.mkdtemp(prefix="pointsman-chaos-"))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    watchdog = threading.Timer(options.minutes * 60 + BEYOND_SECONDS, _give_up, (folder,))
    watchdog.daemon = True
    watchdog.start()
    try:
        report = run_chaos(options, folder, _say)
    except BaseException:
        _say(f"The run broke. To repeat: {options.command}; what is left lies in {folder}")
        raise
    _say(str(report))
    if report.is_clean:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        _say(f"  what is left lies in {folder}")
    return 0 if report.is_clean else 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _give_up(folder: Path) -> None:
    """The last resort: our children are killed with us, the product's supervisor takes its own along."""
    _say(f"Stuck: giving up. What is left lies in {folder}")
    faulthandler.dump_traceback()
    for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split():
        os.kill(int(child), signal.SIGKILL)
    os._exit(3)


if __name__ == "__main__":
    sys.exit(main())
