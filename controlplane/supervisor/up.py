"""The life of the product on one machine: prepare, start, watch, stop.

| phase   | what happens                                                                                     |
|---------|--------------------------------------------------------------------------------------------------|
| before  | take the home's lock, end what a killed predecessor left, check the ports, find Temporal         |
| prepare | secrets, migrations, first person (a short process), beside it the engine's start and, when the  |
|         | databases are known to fit, everybody else's                                                     |
| start   | all children; wait for each one's sign of readiness; write `run.json`; say where the board is    |
| watch   | a dead child is told (console, board) and started again with back-off; `run.json` follows        |
| stop    | Ctrl-C, SIGTERM or SIGHUP: children end in reverse order, within ten seconds, then the run file  |

Killed itself, its children end by their lifeline within five seconds and the lock falls; the next `up` finds a home it
can use, and ends by `run.json` what should still be alive.
"""

import asyncio
import os
import signal
import time
import webbrowser
from collections.abc import Iterable, Mapping
from datetime import datetime

from controlplane.settings import Settings
from controlplane.supervisor.board_notice import forget_deaths, tell_death, tell_engine_alive, tell_return
from controlplane.supervisor.child import Child, Death, Surroundings
from controlplane.supervisor.console import Console
from controlplane.supervisor.engine import Engine, reimport_if_asked
from controlplane.supervisor.errors import StartFailed
from controlplane.supervisor.free_ports import PortTaken, check_ports
from controlplane.supervisor.log_file import rotate, tail
from controlplane.supervisor.plan import ChildSpecification, demo_child, own_children, simulated_child
from controlplane.supervisor.preparation import Prepared, prepare
from controlplane.supervisor.run_file import write_run_file
from controlplane.supervisor.schema_stamp import is_schema_current
from controlplane.supervisor.temporal_server import reimport_marker
from controlplane.version import VERSION

READY_SECONDS = 60.0
DEATHS_BEFORE_READY = 3
STOP_SECONDS = 9.0  # of the promised ten
STAGE_RESERVE_SECONDS = 0.8  # kept for each later stage, however long the first ones take
HOUSEKEEPING_SECONDS = 5.0


class Supervisor:
    """Runs the product until it is told to stop. The caller holds the home's lock and has checked the ports."""

    def __init__(self, settings: Settings, environment: Mapping[str, str], engine: Engine, console: Console) -> None:
        reading, self._writing = os.pipe()  # children die with us: nobody but this process has the writing end
        self._settings = settings
        self._surroundings = Surroundings(environment, settings.home.logs, reading)
        self._engine = engine
        self._console = console
        self._children: list[Child] = []
        self._stop = asyncio.Event()
        self._is_up = False
        self._failure = ""
        self._group = asyncio.TaskGroup()

    async def run(self, *, open_browser: bool) -> int:
        """The exit code: 0 after a stop that was asked for, 1 when the product could not come up."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)
        async with self._group:
            starting = self._group.create_task(self._come_up(open_browser=open_browser), name="come up")
            housekeeping = self._group.create_task(self._keep_house(), name="keep house")
            await self._stop.wait()
            starting.cancel()
            housekeeping.cancel()
            await asyncio.wait([starting])
            await self._stop_children()
        if self._failure:
            self._console.say(f"\n{self._failure}")
        return 1 if self._failure else 0

    async def _come_up(self, *, open_browser: bool) -> None:
        try:
            prepared = await self._start_everything()
        except (StartFailed, PortTaken) as error:
            self._give_up(str(error))
            return
        await asyncio.to_thread(forget_deaths, self._settings.home.control_database)
        self._is_up = True
        self._write_run_file()
        self._say_where(prepared)
        if open_browser:
            await asyncio.to_thread(webbrowser.open, self._settings.web_url + prepared.sign_in_path)
        if self._settings.is_demo:
            self._start([demo_child()])
            await self._wait_until_ready(self._children[-1:])
            self._write_run_file()

    async def _start_everything(self) -> Prepared:
        environment = self._surroundings.environment
        if self._engine.child:
            self._start([self._engine.child])
        home, own = self._settings.home, own_children(self._settings)
        can_begin = is_schema_current(home) and not reimport_marker(home).exists()
        if can_begin:
            self._start(own)
        with self._console.step("Home ready: secrets, databases, first person"):
            prepared = await prepare(environment, self._surroundings.lifeline)
        if prepared.needs_simulated:
            check_ports({"simulated provider": ("127.0.0.1", self._settings.simulated_port)})
            self._start([simulated_child(self._settings)])
        with self._console.step(self._engine.description):
            await self._wait_until_ready(child for child in self._children if child.name == "temporal")
        if await reimport_if_asked(self._settings, environment, home.logs / "workers.log"):
            self._console.say("  ✓ Tasks brought back to the engine from the control database")
        with self._console.step("Board, gateway, recorder and workers"):
            if not can_begin:
                self._start(own)
            await self._wait_until_ready(self._children)
        return prepared

    def _start(self, specifications: Iterable[ChildSpecification]) -> None:
        for specification in specifications:
            child = Child(specification, self._surroundings, self._on_death, self._on_restart)
            self._children.append(child)
            self._group.create_task(child.keep(), name=f"keep {child.name}")

    async def _wait_until_ready(self, children: Iterable[Child]) -> None:
        waiting = list(children)
        answers = await asyncio.gather(*(child.ready(READY_SECONDS) for child in waiting))
        for child, is_ready in zip(waiting, answers, strict=True):
            if not is_ready:
                raise StartFailed(self._describe_failure(child, f"did not become ready within {READY_SECONDS:.0f} s"))

    def _on_death(self, death: Death) -> None:
        child = next(child for child in self._children if child.name == death.name)
        if not self._is_up and death.deaths_in_a_row >= DEATHS_BEFORE_READY:
            self._give_up(self._describe_failure(child, f"died {death.deaths_in_a_row} times, last of {death.cause}"))
            return
        again = f"starting it again in {death.delay_seconds:.1f} s"
        self._console.say(f"  ✗ {death.name} (pid {death.pid}) died of {death.cause}: {again} (log: {child.log})")
        database, now_ms = self._settings.home.control_database, _now_ms()
        self._group.create_task(asyncio.to_thread(tell_death, database, death.name, now_ms), name="tell the board")

    def _on_restart(self, child: Child) -> None:
        self._group.create_task(self._note_restart(child), name=f"note restart of {child.name}")

    async def _note_restart(self, child: Child) -> None:
        if await child.ready(READY_SECONDS) and self._is_up and child.running:
            self._console.say(f"  ✓ {child.name} is back (pid {child.running.identity.pid})")
            self._write_run_file()
            await asyncio.to_thread(self._tell_return, child)

    def _write_run_file(self) -> None:
        running = {child.name: child.running for child in self._children if child.running}
        elsewhere = {} if self._engine.child else {"temporal": {"address": self._engine.address, "ui": None}}
        write_run_file(self._settings.home.run_file, VERSION, running, elsewhere)

    async def _keep_house(self) -> None:
        """Every few seconds: logs stay small, and the engine's sign of life is written on its behalf."""
        while True:
            for child in self._children:
                rotate(child.log)
                if child.name == "temporal" and child.running:
                    await asyncio.to_thread(self._tell_engine_alive, child)
            await asyncio.sleep(HOUSEKEEPING_SECONDS)

    def _tell_return(self, child: Child) -> None:
        if child.name == "temporal":
            self._tell_engine_alive(child)
        tell_return(self._settings.home.control_database, child.name, _now_ms())

    def _tell_engine_alive(self, child: Child) -> None:
        if running := child.running:
            started_at_ms = int(datetime.fromisoformat(running.started_at).timestamp() * 1000)
            tell_engine_alive(self._settings.home.control_database, running.identity.pid, started_at_ms, _now_ms())

    async def _stop_children(self) -> None:
        """Stage by stage from the last; what does not end in its time is killed. Ten seconds are promised."""
        if self._is_up:
            self._console.say("\nStopping …")
        self._settings.home.run_file.unlink(missing_ok=True)
        deadline = asyncio.get_running_loop().time() + STOP_SECONDS
        stages = sorted({child.specification.stage for child in self._children}, reverse=True)
        for later, stage in zip(reversed(range(len(stages))), stages, strict=True):
            patience = max(0.1, deadline - asyncio.get_running_loop().time() - later * STAGE_RESERVE_SECONDS)
            children = [child for child in self._children if child.specification.stage == stage]
            ended = await asyncio.gather(*(child.stop(patience) for child in children))
            killed = [child.name for child, in_time in zip(children, ended, strict=True) if not in_time]
            if killed:
                self._console.say(f"  ✗ {', '.join(killed)} did not end in time and had to be killed")
        if self._is_up:
            self._console.say("Stopped. Everything is kept; `pointsman up` goes on where this ended.")

    def _give_up(self, message: str) -> None:
        self._failure = self._failure or message
        self._stop.set()

    def _describe_failure(self, child: Child, what: str) -> str:
        last_words = "".join(f"\n    {line}" for line in tail(child.log)) or " (it wrote nothing)"
        return f"{child.name} {what}. Its last words, from {child.log}:{last_words}"

    def _say_where(self, prepared: Prepared) -> None:
        period = f"{prepared.link_hours:g} h" if prepared.link_hours >= 1 else f"{prepared.link_hours * 60:.0f} min"
        board = self._settings.web_url
        self._console.say(f"\n  Board     {board}")
        self._console.say(f"  Sign in   {board}{prepared.sign_in_path}   (works once, for {period})")
        self._console.say(f"  Gateway   {self._settings.proxy_url}/v1")
        if prepared.needs_simulated:
            self._console.say("  Models    simulated, until a provider is configured (OPENAI_API_KEY, pointsman.yaml)")
        self._console.say("\nCtrl-C stops everything.")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
