"""kill -9 of the workers and of the Temporal server while commands come in: none is lost, none is applied twice."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from controlplane.domain.commands import EditTask, Envelope
from controlplane.ports import Applied, EngineUnavailable
from tests.integration.workers.conftest import MASTER_KEY, World, envelope, until


@dataclass
class WorkerProcess:
    """`python -m workers` as the supervisor starts it."""

    world: World
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        settings = self.world.settings
        settings.home.master_key_file.write_text(MASTER_KEY.hex())
        environment = {
            **os.environ,
            "POINTSMAN_HOME": str(settings.home.root),
            "POINTSMAN_PORT_OFFSET": str(settings.port_offset),
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        with (settings.home.root / "workers.log").open("ab") as log:
            self.process = subprocess.Popen([sys.executable, "-m", "workers"], env=environment, stdout=log, stderr=log)

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)
            self.process = None


@pytest.fixture
def worker_process(world: World) -> Iterator[WorkerProcess]:
    process = WorkerProcess(world)
    yield process
    process.kill()


async def until_accepted(world: World, task_id: str, command: Envelope) -> Applied:
    """As a client does it: the same command id until somebody answers."""
    while True:
        try:
            answer = await world.engine.execute(task_id, command)
        except EngineUnavailable:
            continue
        assert isinstance(answer, Applied), answer
        return answer


@pytest.mark.slow
@pytest.mark.timeout(150)
async def test_no_command_is_lost_or_doubled_under_kills(world: World, worker_process: WorkerProcess) -> None:
    worker_process.start()
    await world.until_row("SELECT 1 FROM processes WHERE name = 'workers'", seconds=30)
    tasks = [await world.create(f"Task {number}") for number in range(10)]

    async def edit_ten_times(task_id: str) -> None:
        for number in range(10):
            await until_accepted(world, task_id, envelope(EditTask(title=f"Title {number}")))
            await asyncio.sleep(0.15)  # spreads the commands over the kills

    async def kill_in_between() -> None:
        for _ in range(2):
            await asyncio.sleep(1.0)
            worker_process.kill()
            worker_process.start()
            await asyncio.sleep(1.5)
            world.server.kill()
            world.server.start()

    async with asyncio.TaskGroup() as group:
        group.create_task(kill_in_between())
        for task in tasks:
            group.create_task(edit_ten_times(task.task_id))

    async def all_projected() -> bool:
        rows = await world.rows("SELECT revision, title FROM tasks")
        return {tuple(row) for row in rows} == {(11, "Title 9")}

    assert await until(all_projected, 30), await world.rows("SELECT revision, title FROM tasks")
    events = await world.rows("SELECT task_id, count(*) FROM task_events GROUP BY task_id")
    assert {count for _, count in events} == {11}


async def test_workers_told_to_stop_end_within_eight_seconds(world: World, worker_process: WorkerProcess) -> None:
    worker_process.start()
    await world.until_row("SELECT 1 FROM processes WHERE name = 'workers'", seconds=30)
    await world.create()
    process = worker_process.process
    assert process is not None
    process.send_signal(signal.SIGTERM)

    assert await asyncio.to_thread(process.wait, 8) == 0
