"""kill -9 of the workers and of the Temporal server while commands come in: none is lost, none is applied twice."""

import asyncio
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from controlplane.domain.commands import ClaimTask, EditTask, HoldTask, LiftHold
from controlplane.domain.state import HoldKind, RunState
from tests.fixtures_temporal import python_process
from tests.integration.workers.conftest import WRITER, World, until


@pytest.fixture
def workers(world: World) -> Iterator[ExitStack]:
    """`python -m workers`, as the supervisor starts it; closing the stack is kill -9."""
    with ExitStack() as stack:
        yield stack


def start(workers: ExitStack, world: World) -> subprocess.Popen[bytes]:
    return workers.enter_context(python_process("workers", world.settings))


@pytest.mark.slow
@pytest.mark.timeout(150)
async def test_no_command_is_lost_or_doubled_under_kills(world: World, workers: ExitStack) -> None:
    start(workers, world)
    await world.until_row("SELECT 1 FROM processes WHERE name = 'workers'", seconds=30)
    tasks = [await world.create(f"Task {number}") for number in range(10)]

    async def edit_ten_times(task_id: str) -> None:
        for number in range(10):
            await world.apply(task_id, EditTask(title=f"Title {number}"))
            await asyncio.sleep(0.15)  # spreads the commands over the kills

    async def kill_in_between() -> None:
        for _ in range(2):
            await asyncio.sleep(1.0)
            workers.close()
            start(workers, world)
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


@pytest.mark.slow
@pytest.mark.timeout(90)
async def test_a_hold_that_is_set_while_temporal_is_killed_holds_once(world: World, workers: ExitStack) -> None:
    start(workers, world)
    await world.presence("web")
    task = await world.create()
    await world.apply(task.task_id, ClaimTask("a_writer", "r_1"), WRITER)

    async def hold(kind: HoldKind) -> None:
        await world.apply(task.task_id, HoldTask(kind, f"because of {kind}"))

    async with asyncio.TaskGroup() as group:
        for kind in HoldKind:
            group.create_task(hold(kind))
        world.server.kill()
        world.server.start()
    await world.apply(task.task_id, LiftHold(HoldKind.OPERATOR))
    await world.until_row("SELECT 1 FROM tasks WHERE revision = :n", seconds=30, n=2 + len(HoldKind) + 1)
    state = await until(lambda: world.engine.snapshot(task.task_id))

    assert state.holds.keys() == set(HoldKind) - {HoldKind.OPERATOR}
    assert state.live_run is not None
    assert state.live_run.state is RunState.PAUSED
    held = await world.rows("SELECT body FROM task_events WHERE kind = 'task_held'")
    assert len(held) == len(HoldKind)


async def test_workers_told_to_stop_end_within_eight_seconds(world: World, workers: ExitStack) -> None:
    process = start(workers, world)
    await world.until_row("SELECT 1 FROM processes WHERE name = 'workers'", seconds=30)
    await world.create()
    process.send_signal(signal.SIGTERM)

    assert await asyncio.to_thread(process.wait, 8) == 0
