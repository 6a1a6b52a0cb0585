"""`python -m controlplane.recorder`: the process between the proxy's spool and SQL.

Killed at any point, it goes on where its last commit stands: nothing is lost and nothing is counted twice. While it is
down calls go on, and wait in the spool. On SIGTERM it writes what is there and ends.
"""

import fcntl
import logging
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from controlplane.gateway.destinations import Destinations
from controlplane.plain_sqlite import PRESENCE_SECONDS, DatabaseNotUsable, Presence, open_sqlite, sqlite_path
from controlplane.recorder.recorder import Recorder, SpanSender
from controlplane.recorder.spools import RECORDS_PER_BATCH
from controlplane.settings import Settings, read_settings
from controlplane.supervisor import lifeline
from controlplane.version import VERSION
from proxy.clock import SystemClock

WAIT_SECONDS = 0.05  # between two looks at the spool while calls come
IDLE_WAIT_SECONDS = 0.25
DRAIN_SECONDS = 5.0  # for the last records at the end; what does not fit waits in the spool

_log = logging.getLogger("controlplane.recorder")


def main() -> int:
    """Runs until SIGTERM; the exit code says whether it could start."""
    lifeline.attach()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    settings = read_settings()
    try:
        calls = open_sqlite(sqlite_path(settings.calls_database_url))
        control = open_sqlite(sqlite_path(settings.control_database_url))
    except DatabaseNotUsable as error:
        _log.error("%s", error)
        return 1
    spool = settings.home.spool
    with closing(calls), closing(control), _alone(spool, stop) as is_alone, _spans(settings, os.environ) as send_spans:
        if is_alone:
            _work(Recorder(spool, calls, control, SystemClock(), settings.body_days, send_spans), control, stop)
    return 0


def _work(recorder: Recorder, control: sqlite3.Connection, stop: threading.Event) -> None:
    clock = SystemClock()
    presence = Presence(control, "recorder", clock.now_ns() // 1_000_000)
    presence_due_ns, wait = 0, WAIT_SECONDS
    while not stop.is_set():
        if (now_ns := clock.monotonic_ns()) >= presence_due_ns:
            presence.say(clock.now_ns() // 1_000_000)
            presence_due_ns = now_ns + int(PRESENCE_SECONDS * 1e9)
        records = recorder.turn()
        wait = WAIT_SECONDS if records else min(wait * 1.5, IDLE_WAIT_SECONDS)
        stop.wait(0 if records >= RECORDS_PER_BATCH else wait)
    deadline_ns = clock.monotonic_ns() + int(DRAIN_SECONDS * 1e9)
    while recorder.turn(at_once=True) and clock.monotonic_ns() < deadline_ns:
        continue


@contextmanager
def _alone(spool: Path, stop: threading.Event) -> Iterator[bool]:
    """Holds the lock of the spool, or yields False when told to stop before it got it.

    A recorder that is just ending is waited for: two would undo each other's tidying.
    """
    spool.mkdir(parents=True, exist_ok=True)
    with (spool / ".recorder.lock").open("w") as file:
        is_held = False
        while not is_held and not stop.is_set():
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                is_held = True
            except BlockingIOError:
                stop.wait(IDLE_WAIT_SECONDS)
        yield is_held


@contextmanager
def _spans(settings: Settings, environment: Mapping[str, str]) -> Iterator[SpanSender | None]:
    """The sender of spans, when there is a collector. Without one, nothing of OpenTelemetry is loaded."""
    if not settings.otlp_endpoint:
        yield None
        return
    from controlplane.spans.describe import describe_call  # noqa: PLC0415 - only when it is wanted
    from controlplane.spans.export import SpanExport  # noqa: PLC0415 - loads the OpenTelemetry SDK, 15 MB

    export = SpanExport(settings.otlp_endpoint, VERSION)
    destinations = Destinations(settings, environment)

    def send(rows: list[dict[str, object]]) -> None:
        destinations.refresh()
        export.send(describe_call(row, destinations.addresses()) for row in rows)

    try:
        yield send
    finally:
        export.close()


if __name__ == "__main__":
    sys.exit(main())
