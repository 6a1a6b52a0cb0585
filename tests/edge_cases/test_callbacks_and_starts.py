"""Rows of the table: agent finished but the callback failed, row committed but workflow never started."""

import asyncio

import pytest
from sqlalchemy import func, select

from controlplane.commands import CommandRefused
from controlplane.domain.state import TaskStatus
from controlplane.domain.stuck import CallSeen, RunSeen, Thresholds, find_stuck
from controlplane.ports import EngineUnavailable
from controlplane.store.tables import Task, TaskNumber
from controlplane.store.upsert import table_of
from tests.edge_cases.team import Team, is_lease_lost
from tests.integration.workers.conftest import World, until

LAST_WORD = CallSeen("c_1", "model", "f", "d", "", "m", 1_000, 5, stop_reason="end_turn")


async def test_an_agent_finished_but_its_callback_failed_then_the_same_submit_again_is_the_same_version(team: Team):
    task = await team.task()
    caller = await team.begin("writer")
    team.engine.is_deaf = True
    with pytest.raises(EngineUnavailable):
        await team.service.submit(caller, b"done")
    team.engine.is_deaf = False
    assert [await team.service.submit(caller, b"done") for _ in range(2)] == [1, 1]
    assert len(team.state(task.task_id).deliverables) == 1


async def test_the_runs_key_is_good_for_its_work_past_its_lease_as_long_as_nobody_took_over(team: Team):
    task = await team.task()
    caller = await team.begin("writer")
    await team.lose(caller)
    assert await team.service.submit(caller, b"finished long ago") == 1
    assert team.state(task.task_id).status is TaskStatus.IN_REVIEW

    await team.task("another one")
    other = await team.begin("writer")
    await team.lose(other)
    await team.begin("second")
    with pytest.raises(CommandRefused) as no:
        await team.service.submit(other, b"finished too late")
    assert is_lease_lost(no.value)


def test_an_agent_that_finished_but_handed_nothing_in_is_told_apart_from_one_that_is_stuck():
    thresholds = Thresholds(repeats=3, silence_ms=180_000)
    finished = find_stuck(RunSeen(False, 0, None, 1_000, 0, (LAST_WORD,)), thresholds, now_ms=122_000)
    assert finished is not None
    assert (finished.evidence["detector"], finished.reason) == (
        "finished",
        "Seems finished, but nothing was handed in for more than 2 min",
    )
    silent = find_stuck(RunSeen(False, 0, None, 1_000, 0), thresholds, now_ms=190_000)
    assert silent is not None
    assert silent.evidence["detector"] == "silence"


async def test_a_row_committed_whose_workflow_never_started_is_no_task_that_waits_and_the_repeated_command_starts_it(
    team: Team,
):
    team.engine.is_away = True
    create = (team.admin.actor, "make", team.admin.workspace_id, None, "Write it")
    with pytest.raises(EngineUnavailable):
        await team.service.create_task(*create)
    assert await counted(team) == (1, 0)  # a number is given; nothing queues that nobody would start
    team.engine.is_away = False
    states = [await team.service.create_task(*create) for _ in range(2)]
    assert await counted(team) == (1, 1)
    assert [state.number for state in states] == [1, 1]
    assert await team.claim("writer") is not None


async def counted(team: Team) -> tuple[int, int]:
    async with team.database.reading() as session:
        numbers = await session.execute(select(func.count()).select_from(table_of(TaskNumber)))
        tasks = await session.execute(select(func.count()).select_from(table_of(Task)))
        return numbers.scalar_one(), tasks.scalar_one()


async def test_a_workflow_whose_start_no_worker_heard_begins_when_one_comes_and_writes_its_row_itself(world: World):
    """Nobody writes through here: the task's own projection is what counts."""
    creating = asyncio.ensure_future(world.create())

    async def is_started() -> bool:
        return bool([one async for one in world.client.list_workflows("WorkflowType = 'Task'")])

    assert await until(is_started)
    assert await world.rows("SELECT 1 FROM tasks") == []
    async with world.worker():
        task = await creating
        row = await world.until_row("SELECT task_id, status, is_claimable FROM tasks")
    assert tuple(row) == (task.task_id, "ready", 1)
