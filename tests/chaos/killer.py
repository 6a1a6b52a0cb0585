"""Kills by the plan, and keeps the agents alive. Only processes of this product and of this run are ever touched."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from controlplane.supervisor.run_file import identities
from tests.chaos.plan import AGENT, Kill
from tests.product import Product

BACK_SECONDS = 90.0  # the supervisor waits up to ten, then the process starts on a machine that others use, too
AGENT_PAUSE_SECONDS = 0.3
STOP_SECONDS = 15.0
ROOT = Path(__file__).parents[2]


class NotBack(Exception):  # noqa: N818 - an observation
    """A process that was killed did not come back."""


@dataclass
class AgentProcess:
    """One agent, started again whenever it ends, until it is told to stop."""

    name: str
    environment: Mapping[str, str]
    log: Path
    pid: int | None = None
    starts: int = 0
    ended_at_ms: list[int] = field(default_factory=list)  # killed, or gone because the server was away at first
    _process: asyncio.subprocess.Process | None = None

    async def keep(self) -> None:
        """Until cancelled; then it is asked to end, and killed when it does not."""
        try:
            while True:
                await self._start()
                assert self._process is not None
                await self._process.wait()
                self.pid = None
                self.ended_at_ms.append(time.time_ns() // 1_000_000)
                await asyncio.sleep(AGENT_PAUSE_SECONDS)
        finally:
            await self._stop()

    async def _start(self) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.chaos.agent",
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env=dict(self.environment), cwd=ROOT,
                start_new_session=True,
            )  # fmt: skip
        self.pid = self._process.pid
        self.starts += 1

    async def _stop(self) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def kill(self) -> int:
        assert self.pid is not None
        os.kill(self.pid, signal.SIGKILL)
        killed, self.pid = self.pid, None
        return killed


@dataclass
class Killer:
    """Carries the plan out. `done` counts the kills so far."""

    product: Product
    agents: list[AgentProcess]
    plan: tuple[Kill, ...]
    say: Callable[[str], None]
    done: int = 0
    _dead: dict[str, int] = field(default_factory=dict)  # by process: the pid that we killed last

    async def work(self) -> None:
        """Until the plan is over and everything is back. Raises NotBack."""
        began = time.monotonic()
        for kill in self.plan:
            await asyncio.sleep(kill.pause_seconds)
            pid = await self._kill(kill)
            self.done += 1
            self.say(f"  t+{time.monotonic() - began:5.1f} s  kill {self.done:2d}: {kill.victim} (pid {pid})")
        for name in self._dead:
            await self._back(name)

    async def restart(self, name: str) -> None:
        """One more kill, after the plan. Raises NotBack."""
        await self._back(name)
        self._dead[name] = self.product.kill(name)
        await self._back(name)

    async def _kill(self, kill: Kill) -> int:
        if kill.target == AGENT:
            agent = self.agents[kill.agent]
            await self._until(lambda: agent.pid is not None, agent.name)
            return agent.kill()
        await self._back(kill.target)
        self._dead[kill.target] = self.product.kill(kill.target)
        return self._dead[kill.target]

    async def _back(self, name: str) -> None:
        killed = self._dead.get(name)
        await self._until(lambda: self._pid_of(name) not in {None, killed}, name)

    def _pid_of(self, name: str) -> int | None:
        """The pid in the run file, if that very process lives: it may have died of itself, or be starting again."""
        identity = identities(self.product.run_file).get(name)
        return identity.pid if identity is not None and identity.is_alive() else None

    async def _until(self, is_so: Callable[[], bool], name: str) -> None:
        deadline = time.monotonic() + BACK_SECONDS
        while not is_so():
            if time.monotonic() > deadline:
                raise NotBack(f"{name} was not back {BACK_SECONDS:.0f} s after it was killed")
            await asyncio.sleep(0.05)
