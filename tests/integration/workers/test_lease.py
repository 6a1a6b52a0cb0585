"""A run's right to act: kept by beats, lost by silence, never lost because we were away."""

import asyncio

from pointsman.contract import ErrorCode

from controlplane.domain.commands import ClaimTask, ReleaseRun, SubmitDeliverable
from controlplane.domain.state import TaskState, TaskStatus
from tests.integration.workers.conftest import WRITER, World, until


async def claimed(world: World) -> TaskState:
    task = await world.create()
    state = (await world.apply(task.task_id, ClaimTask("a_writer", "r_1"), WRITER)).state
    await world.until_row("SELECT 1 FROM runs WHERE run_id = 'r_1'")
    return state


async def beat_for(world: World, task: TaskState, seconds: float, *, is_heard_by_engine: bool = True) -> None:
    """As the API does it: the row, and the engine."""
    for _ in range(int(seconds / 0.25)):
        await world.write("UPDATE runs SET seen_at_ms = :now", now=world.clock.now_ms())
        if is_heard_by_engine:
            await world.engine.beat(task.task_id, task.epoch)
        await asyncio.sleep(0.25)  # the beat's own rhythm is what is tested


async def test_a_silent_run_is_lost_and_the_next_claim_has_a_new_epoch(world: World) -> None:
    await world.presence("web")
    async with world.worker():
        task = await claimed(world)
        row = await world.until_row("SELECT state, reason FROM runs WHERE state != 'running'")
        await world.until_row("SELECT 1 FROM tasks WHERE is_claimable")
        late = await world.refuse(task.task_id, SubmitDeliverable("r_1", task.epoch, "ab" * 32, 1), WRITER)
        again = await world.apply(task.task_id, ClaimTask("a_writer", "r_2"), WRITER)

    assert tuple(row) == ("lost", "silence")
    assert late.code is ErrorCode.LEASE_LOST
    assert again.state.epoch == task.epoch + 1


async def test_beats_keep_a_run_far_beyond_its_silence(world: World) -> None:
    await world.presence("web")
    async with world.worker():
        task = await claimed(world)
        await beat_for(world, task, 5.0)
        state = await world.engine.snapshot(task.task_id)

    assert state is not None
    assert state.live_run is not None
    assert state.failures == 0


async def test_signs_of_life_in_sql_keep_a_run_whose_beats_never_reach_the_engine(world: World) -> None:
    await world.presence("web")
    async with world.worker():
        task = await claimed(world)
        await beat_for(world, task, 5.0, is_heard_by_engine=False)
        state = await world.engine.snapshot(task.task_id)

    assert state is not None
    assert state.live_run is not None


async def test_a_silence_that_nobody_could_hear_loses_no_run(world: World) -> None:
    async with world.worker():
        task = await claimed(world)
        await world.presence("web", started_ago_ms=-60_000)
        handle = world.client.get_workflow_handle(task.task_id)

        async def suspicions() -> bool:
            kinds = [
                event.activity_task_scheduled_event_attributes.activity_type.name
                async for event in handle.fetch_history_events()
            ]
            return kinds.count("hold_lease") > 1

        is_armed_again = await until(suspicions)
        state = await world.engine.snapshot(task.task_id)

    assert is_armed_again
    assert state is not None
    assert state.live_run is not None
    assert state.epoch == task.epoch


async def test_a_server_that_was_down_for_longer_than_the_lease_loses_no_run(world: World) -> None:
    await world.presence("web")
    async with world.worker():
        task = await claimed(world)
        world.server.kill()
        await beat_for(world, task, 4.0, is_heard_by_engine=False)
        world.server.start()
        await beat_for(world, task, 3.0)
        state = await until(lambda: world.engine.snapshot(task.task_id))
        await beat_for(world, task, 1.0)
        released = await world.apply(task.task_id, ReleaseRun("r_1", task.epoch), WRITER)

    assert state.live_run is not None
    assert released.state.status is TaskStatus.READY
    assert released.state.failures == 0


async def test_a_beat_for_a_run_that_has_ended_is_quiet(world: World) -> None:
    async with world.worker():
        task = await claimed(world)
        await world.apply(task.task_id, ReleaseRun("r_1", task.epoch), WRITER)
        await world.engine.beat(task.task_id, task.epoch)
        await world.engine.beat("t_unknown", 7)
