"""Rows of `freezes` and holds of tasks, where whoever froze or thawed died half-way."""

from collections.abc import AsyncIterator

import pytest

from controlplane.domain.commands import ClaimTask, HoldTask
from controlplane.domain.state import HoldKind, RunState, TaskState
from tests.integration.workers.conftest import WRITER, World
from workers.freezes import FreezeKeeper


@pytest.fixture
async def keeper(world: World) -> AsyncIterator[FreezeKeeper]:
    async with world.worker():
        yield FreezeKeeper(world.control, world.engine, world.clock)


async def freeze(world: World, scope: str, subject_id: str, root_id: str | None = None) -> None:
    await world.write(
        "INSERT INTO freezes (scope, subject_id, workspace_id, root_id, reason, actor_kind, actor_id, actor_name, "
        "at_ms) VALUES (:scope, :id, 'w_1', :root, 'fire', 'person', 'u_ada', 'Ada', 0)",
        scope=scope,
        id=subject_id,
        root=root_id or subject_id,
    )


async def running(world: World) -> TaskState:
    task = await world.create()
    state = (await world.apply(task.task_id, ClaimTask("a_writer", "r_1"), WRITER)).state
    await world.until_row("SELECT 1 FROM runs WHERE run_id = 'r_1'")
    return state


async def holds(world: World, task_id: str) -> dict[HoldKind, str]:
    state = await world.engine.snapshot(task_id)
    assert state is not None
    return {HoldKind(kind): hold.reason for kind, hold in state.holds.items()}


async def test_a_task_that_was_not_told_of_its_freeze_is_held_at_the_second_look(
    world: World, keeper: FreezeKeeper
) -> None:
    task = await running(world)
    await freeze(world, "task", task.task_id)

    assert [await keeper.look(), await keeper.look()] == [0, 1]
    assert await holds(world, task.task_id) == {HoldKind.FREEZE: "fire"}
    await world.until_row("SELECT 1 FROM runs WHERE state = :s", s=RunState.PAUSED.value)
    assert await keeper.look() == 0


async def test_a_task_that_was_not_told_of_its_thaw_goes_on_at_the_second_look(
    world: World, keeper: FreezeKeeper
) -> None:
    task = await running(world)
    await world.apply(task.task_id, HoldTask(HoldKind.OPERATOR, "lunch"))
    await world.apply(task.task_id, HoldTask(HoldKind.FREEZE, "fire"))
    await world.until_row("""SELECT 1 FROM tasks WHERE holds LIKE '%freeze%'""")

    assert [await keeper.look(), await keeper.look()] == [0, 1]
    assert await holds(world, task.task_id) == {HoldKind.OPERATOR: "lunch"}
    await world.until_row("""SELECT 1 FROM tasks WHERE holds NOT LIKE '%freeze%'""")
    assert [await keeper.look(), await keeper.look()] == [0, 0]


@pytest.mark.parametrize(("scope", "subject_id"), [("agent", "a_writer"), ("workspace", "w_1")])
async def test_a_run_that_began_in_the_moment_of_a_freeze_is_frozen_with_the_others(
    world: World, keeper: FreezeKeeper, scope: str, subject_id: str
) -> None:
    await freeze(world, scope, subject_id)
    task = await running(world)

    assert [await keeper.look(), await keeper.look()] == [0, 1]
    assert await holds(world, task.task_id) == {HoldKind.FREEZE: "fire"}
    rows = await world.rows("SELECT subject_id, root_id, reason, actor_name FROM freezes WHERE scope = 'task'")
    assert [tuple(row) for row in rows] == [(task.task_id, subject_id, "fire", "Ada")]
    assert await world.rows("SELECT 1 FROM outbox WHERE topic = 'freeze' AND subject_id = :t", t=task.task_id)


async def test_what_stands_as_the_rows_say_is_left_alone(world: World, keeper: FreezeKeeper) -> None:
    task = await running(world)
    await freeze(world, "task", task.task_id)
    await world.apply(task.task_id, HoldTask(HoldKind.FREEZE, "fire"))
    await world.until_row("""SELECT 1 FROM tasks WHERE holds LIKE '%freeze%'""")
    before = await world.engine.snapshot(task.task_id)

    assert [await keeper.look() for _ in range(3)] == [0, 0, 0]
    assert await world.engine.snapshot(task.task_id) == before


async def test_an_engine_that_is_away_is_asked_again(world: World, keeper: FreezeKeeper) -> None:
    task = await running(world)
    await freeze(world, "task", task.task_id)
    await keeper.look()
    world.server.kill()
    assert await keeper.look() == 0
    world.server.start()

    for _ in range(3):
        if await keeper.look():
            break
    assert await holds(world, task.task_id) == {HoldKind.FREEZE: "fire"}
