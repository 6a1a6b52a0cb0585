"""Real processes, watched as the product's children are: small scripts stand in for the rooms."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from controlplane.supervisor import lifeline, shim
from controlplane.supervisor.child import Child, Death, Surroundings
from controlplane.supervisor.plan import ChildSpecification
from controlplane.supervisor.process import birth_of, identify
from controlplane.supervisor.readiness import AcceptsConnections, AnswersHttp, NeedsNothing
from tests.product import wait_until

SLEEPER = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
)
HEARS_THE_SECOND = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: signal.signal(signal.SIGTERM, signal.SIG_DFL))
print("deaf", flush=True)
while True:
    time.sleep(600)
"""
ATTACHED = """
import time
from controlplane.supervisor import lifeline
lifeline.attach()
time.sleep(600)
"""


class Watched:
    def __init__(self, child: Child) -> None:
        self.child = child
        self.deaths: list[Death] = []
        self.restarts = 0

    async def until(self, is_so: object, seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while not is_so():  # type: ignore[operator]  # a condition of the test
                await asyncio.sleep(0.01)


@asynccontextmanager
async def kept(tmp_path: Path, code: str, *, may_finish: bool = False) -> AsyncIterator[Watched]:
    reading, writing = os.pipe()
    specification = ChildSpecification("toy", (sys.executable, "-c", code), NeedsNothing(), 0, may_finish=may_finish)
    watched: Watched

    def on_restart(_: Child) -> None:
        watched.restarts += 1

    child = Child(
        specification,
        Surroundings(dict(os.environ), tmp_path, reading),
        lambda death: watched.deaths.append(death),
        on_restart,
    )
    watched = Watched(child)
    async with asyncio.TaskGroup() as group:
        group.create_task(child.keep())
        try:
            yield watched
        finally:
            await child.stop(2.0)
            os.close(reading)
            os.close(writing)


async def test_a_killed_child_is_told_and_started_again(tmp_path: Path) -> None:
    async with kept(tmp_path, SLEEPER) as watched:
        await watched.until(lambda: watched.child.running)
        first = watched.child.running
        assert first is not None
        os.kill(first.identity.pid, signal.SIGKILL)
        await watched.until(lambda: watched.restarts == 1)
        second = watched.child.running
        assert second is not None
        assert second.identity != first.identity
        assert watched.deaths == [Death("toy", first.identity.pid, -signal.SIGKILL, 0.2, 1)]


async def test_a_child_that_may_finish_is_left_in_peace(tmp_path: Path) -> None:
    async with kept(tmp_path, "pass", may_finish=True) as watched:
        async with asyncio.timeout(5):
            await watched.child.stop(5)
        assert watched.deaths == []


async def test_a_child_that_does_not_listen_is_killed_when_patience_ends(tmp_path: Path) -> None:
    async with kept(tmp_path, STUBBORN) as watched:
        await watched.until(
            lambda: watched.child.log.exists() and "deaf" in watched.child.log.read_text(encoding="utf-8")
        )
        running = watched.child.running
        assert running is not None
        assert await watched.child.stop(0.2) is False
        assert not running.identity.is_alive()


async def test_a_child_that_missed_the_first_request_to_end_hears_the_next(tmp_path: Path) -> None:
    async with kept(tmp_path, HEARS_THE_SECOND) as watched:
        log = watched.child.log
        await watched.until(lambda: log.exists() and "deaf" in log.read_text(encoding="utf-8"))
        assert await watched.child.stop(8.0) is True


async def test_what_a_child_says_goes_to_its_log(tmp_path: Path) -> None:
    async with kept(tmp_path, "import sys; print('out'); print('err', file=sys.stderr)", may_finish=True) as watched:
        await watched.until(
            lambda: watched.child.log.exists() and "out" in watched.child.log.read_text(encoding="utf-8")
        )
        assert sorted(watched.child.log.read_text(encoding="utf-8").split()) == ["err", "out"]


def test_an_attached_child_ends_when_its_supervisor_is_killed(tmp_path: Path) -> None:
    supervisor = _start_supervisor(tmp_path, [sys.executable, "-c", ATTACHED])
    child_pid = _child_pid(tmp_path)
    supervisor.kill()
    supervisor.wait(5)
    assert wait_until(lambda: not birth_of(child_pid), 7)


def test_a_foreign_program_under_the_shim_ends_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    supervisor = _start_supervisor(tmp_path, [sys.executable, "-I", "-S", shim.__file__, "--", "sleep", "600"])
    child_pid = _child_pid(tmp_path)
    assert wait_until(lambda: b"sleep" in Path(f"/proc/{child_pid}/cmdline").read_bytes(), 5)
    supervisor.kill()
    supervisor.wait(5)
    assert wait_until(lambda: not birth_of(child_pid), 7)


def test_the_shim_is_the_program_it_runs(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", shim.__file__, "--", "sh", "-c", "echo $$; exit 7"],
        env={**os.environ, lifeline.VARIABLE: str(reading)},
        pass_fds=(reading,),
        stdout=subprocess.PIPE,
        text=True,
    )
    said, _ = process.communicate(timeout=10)
    os.close(reading)
    os.close(writing)
    assert int(said) == process.pid
    assert process.returncode == 7


async def test_readiness_is_an_answer_and_silence_is_a_no(free_port_offset: int) -> None:
    port = 8080 + free_port_offset
    assert not await AcceptsConnections("127.0.0.1", port).is_ready(1)
    assert not await AnswersHttp(f"http://127.0.0.1:{port}/readyz").is_ready(1)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        status = b"200 OK" if request.startswith(b"GET /readyz ") else b"503 Not Yet"
        writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", port):
        assert await AnswersHttp(f"http://127.0.0.1:{port}/readyz").is_ready(1)
        assert not await AnswersHttp(f"http://127.0.0.1:{port}/other").is_ready(1)


def _start_supervisor(tmp_path: Path, command: list[str]) -> subprocess.Popen[bytes]:
    """A process that holds the lifeline of one child and does nothing else."""
    code = (
        "import os, subprocess, sys, time\n"
        "reading, writing = os.pipe()\n"
        f"environment = dict(os.environ, {lifeline.VARIABLE}=str(reading))\n"
        f"child = subprocess.Popen({command!r}, env=environment, pass_fds=(reading,), start_new_session=True)\n"
        f"open({str(tmp_path / 'pid.new')!r}, 'w').write(str(child.pid))\n"
        f"os.rename({str(tmp_path / 'pid.new')!r}, {str(tmp_path / 'pid')!r})\n"
        "time.sleep(600)\n"
    )
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)


def _child_pid(tmp_path: Path) -> int:
    assert wait_until((tmp_path / "pid").exists, 10)
    pid = int((tmp_path / "pid").read_text(encoding="utf-8"))
    assert identify(pid) is not None
    return pid


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripts above import the lifeline, wherever the tests were started from."""
    monkeypatch.setenv("PYTHONPATH", str(Path(lifeline.__file__).parents[2]))
