"""The pipe that tells a child that its supervisor is gone, however it died.

The supervisor holds the only writing end and never writes. Every child inherits the reading end, its number in
`POINTSMAN_LIFELINE_FD`. When the supervisor ends, also by SIGKILL, the kernel closes the pipe and the read returns.
A process without the variable (a container, a shell) has no lifeline and needs none.
"""

import os
import signal
import threading
import time

VARIABLE = "POINTSMAN_LIFELINE_FD"
GRACE_SECONDS = 5.0


def attach() -> None:
    """Ends this process (SIGTERM, five seconds later SIGKILL) once the supervisor is gone. Call first in `__main__`."""
    descriptor = os.environ.pop(VARIABLE, "")
    if not descriptor:
        return
    threading.Thread(target=_end_with_parent, args=(int(descriptor),), name="lifeline", daemon=True).start()


def _end_with_parent(descriptor: int) -> None:
    os.set_inheritable(descriptor, False)
    while os.read(descriptor, 1):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
