"""Ctrl-C, SIGTERM and the end of a program, in real processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pointsman.testing import FakePointsman

SYNC = """
import time
from pointsman import Agent
for task in Agent("writer").tasks():
    task.progress("at work")
    time.sleep(30)
"""

ASYNC = """
import asyncio
from pointsman import AsyncAgent
async def main():
    async for task in AsyncAgent("writer").tasks():
        await task.progress("at work")
        await asyncio.sleep(30)
asyncio.run(main())
"""

BOTH = pytest.mark.parametrize("program", [SYNC, ASYNC], ids=["sync", "async"])
EACH_SIGNAL = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])


@contextmanager
def running(program: str, server: FakePointsman) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "POINTSMAN_URL": server.url, "POINTSMAN_KEY": server.key, "PYTHONPATH": _paths()}
    process = subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _paths() -> str:
    import pointsman

    return str(Path(str(pointsman.__file__)).parent.parent)


@BOTH
@EACH_SIGNAL
def test_a_waiting_agent_ends_cleanly(server: FakePointsman, program: str, number: signal.Signals):
    with running(program, server) as process:
        server.wait_for(lambda: server.channel_count, 15)
        process.send_signal(number)
        output, _ = process.communicate(timeout=10)
    assert (process.returncode, output) == (0, "")


@BOTH
@EACH_SIGNAL
def test_a_working_agent_gives_its_task_back_and_ends_cleanly(
    server: FakePointsman, program: str, number: signal.Signals
):
    task = server.add_task("Long")
    with running(program, server) as process:
        server.wait_for(lambda: task.run and task.run.progress, 15)
        process.send_signal(number)
        output, _ = process.communicate(timeout=10)
    assert (process.returncode, output) == (0, "")
    assert task.runs[0].state == "released"


def test_a_program_that_just_ends_gives_its_task_back(server: FakePointsman):
    task = server.add_task("First")
    program = "from pointsman import Agent; agent = Agent('writer'); task = agent.next_task()"
    with running(program, server) as process:
        output, _ = process.communicate(timeout=20)
    assert (process.returncode, output, task.runs[0].state) == (0, "", "released")


def test_handlers_of_the_program_are_kept(server: FakePointsman):
    task = server.add_task("Long")
    program = "import signal\nsignal.signal(signal.SIGINT, lambda *_: exit(7))\n" + SYNC
    with running(program, server) as process:
        server.wait_for(lambda: task.run and task.run.progress, 15)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    assert process.returncode == 7
    assert task.runs[0].state == "released"


def test_a_killed_agent_leaves_its_lease_to_the_server(server: FakePointsman):
    task = server.add_task("Long")
    with running(SYNC, server) as process:
        server.wait_for(lambda: task.run and task.run.progress, 15)
        process.kill()
        process.communicate(timeout=10)
    assert task.run is not None
