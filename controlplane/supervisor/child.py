"""One child: started, watched, started again with growing patience, and stopped.

| it is          | then                     | it becomes                                    |
|----------------|--------------------------|-----------------------------------------------|
| waiting        | the delay is over        | alive                                         |
| alive          | it exits unasked         | told, then waiting (0.2 s, doubled to 10 s)   |
| alive          | it exits 0 and may do so | finished                                      |
| alive, waiting | `stop`                   | ended: SIGTERM, SIGKILL when patience is over |
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from controlplane.supervisor import lifeline
from controlplane.supervisor.log_file import open_log, rotate
from controlplane.supervisor.plan import ChildSpecification
from controlplane.supervisor.process import ProcessIdentity, birth_of
from controlplane.supervisor.run_file import Running

FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 10.0
STEADY_SECONDS = 30.0  # alive for so long, a child's earlier deaths are forgiven
ASK_EVERY_SECONDS = 0.05
ASK_TO_END_EVERY_SECONDS = 2.0  # a process that is just setting up its signal handlers may miss the first SIGTERM


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all children share."""

    environment: Mapping[str, str]
    logs: Path
    lifeline: int  # the reading end of the pipe


@dataclass(frozen=True, slots=True)
class Death:
    """A child ended although nobody asked it to."""

    name: str
    pid: int
    exit_code: int  # negative: the signal
    delay_seconds: float
    deaths_in_a_row: int

    @property
    def cause(self) -> str:
        if self.exit_code >= 0:
            return f"exit code {self.exit_code}"
        return signal.Signals(-self.exit_code).name


class Backoff:
    """How long to wait before the next try: doubling from 0.2 s to 10 s, forgiven after half a minute of life."""

    def __init__(self) -> None:
        self.deaths_in_a_row = 0

    def after(self, lifetime_seconds: float) -> float:
        """The delay after a life of that length."""
        self.deaths_in_a_row = 1 if lifetime_seconds >= STEADY_SECONDS else self.deaths_in_a_row + 1
        return float(min(FIRST_DELAY_SECONDS * 2 ** (self.deaths_in_a_row - 1), LONGEST_DELAY_SECONDS))


class Child:
    """Keeps one process of a specification alive until it is stopped."""

    def __init__(
        self,
        specification: ChildSpecification,
        surroundings: Surroundings,
        on_death: Callable[[Death], None],
        on_restart: Callable[["Child"], None],
    ) -> None:
        self.specification = specification
        self.running: Running | None = None
        self._surroundings = surroundings
        self._on_death = on_death
        self._on_restart = on_restart
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()

    @property
    def name(self) -> str:
        return self.specification.name

    @property
    def log(self) -> Path:
        return self._surroundings.logs / f"{self.name}.log"

    async def keep(self) -> None:
        """Runs the child until `stop`, again after each death. Returns when it is gone for good."""
        backoff = Backoff()
        loop = asyncio.get_running_loop()
        try:
            while not self._stopping.is_set():
                began = loop.time()
                process = await self._spawn()
                if backoff.deaths_in_a_row:
                    self._on_restart(self)
                exit_code = await process.wait()
                if self._stopping.is_set() or (self.specification.may_finish and exit_code == 0):
                    return
                delay = backoff.after(loop.time() - began)
                self._on_death(Death(self.name, process.pid, exit_code, delay, backoff.deaths_in_a_row))
                await self._wait_or_stop(delay)
        finally:
            self._signal(signal.SIGTERM)  # nothing to do but when we are cancelled by somebody else's fault
            self.running = None
            self._ended.set()

    async def ready(self, patience_seconds: float) -> bool:
        """Waits until the child's probe says yes (whichever of its lives that is); False when time is up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_seconds):
                while not self._stopping.is_set():
                    if self.running and await self.specification.probe.is_ready(self.running.identity.pid):
                        return True
                    await self._wait_or_stop(ASK_EVERY_SECONDS)
        return False

    async def stop(self, patience_seconds: float) -> bool:
        """Ends the child; False when it had to be killed. A stopped child is not started again."""
        self._stopping.set()
        deadline = asyncio.get_running_loop().time() + patience_seconds
        while (remaining := deadline - asyncio.get_running_loop().time()) > 0:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(remaining, ASK_TO_END_EVERY_SECONDS)):
                    await self._ended.wait()
                    return True
        self._signal(signal.SIGKILL)
        await self._ended.wait()
        return False

    async def _spawn(self) -> asyncio.subprocess.Process:
        rotate(self.log)
        log = open_log(self.log)
        try:
            process = await asyncio.create_subprocess_exec(
                *self.specification.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**self._surroundings.environment, lifeline.VARIABLE: str(self._surroundings.lifeline)},
                pass_fds=(self._surroundings.lifeline,),
                start_new_session=True,  # the terminal's Ctrl-C is ours alone: we stop them in order
            )
        finally:
            os.close(log)
        self._process = process
        if self._stopping.is_set():  # stopped while it was being born
            self._signal(signal.SIGTERM)
        identity = ProcessIdentity(process.pid, birth_of(process.pid))
        self.running = Running(identity, datetime.now(UTC).isoformat(timespec="milliseconds"), self.specification.place)
        return process

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _wait_or_stop(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
