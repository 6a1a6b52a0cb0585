"""A run's right to act: kept by beats, lost by silence, never lost because we were away."""

import asyncio

import pytest
from pointsman.contract import ErrorCode

from controlplane.access.agents import register_agent
from controlplane.domain.commands import (
    AnswerQuestion,
    AskQuestion,
    ClaimTask,
    Command,
    HoldTask,
    LiftHold,
    ReleaseRun,
    ResumeRun,
    SubmitDeliverable,
)
from controlplane.domain.state import HoldKind, RunState, TaskState, TaskStatus
from tests.integration.workers.conftest import ADA, WRITER, World, until


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
        again = await world.apply(task.task_id, ClaimTask("a_writer", "r_2"), WRITER)
        late = await world.refuse(task.task_id, SubmitDeliverable("r_1", task.epoch, "ab" * 32, 1), WRITER)

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


async def leases(world: World, task_id: str) -> list[str]:
    """What became of the lease's activities, in order."""
    told = []
    async for event in world.client.get_workflow_handle(task_id).fetch_history_events():
        if event.activity_task_scheduled_event_attributes.activity_type.name == "hold_lease":
            told.append("armed")
        if event.HasField("activity_task_timed_out_event_attributes"):
            told.append("silent")
    return told


PAUSES = [
    pytest.param(HoldTask(HoldKind.OPERATOR, "lunch"), LiftHold(HoldKind.OPERATOR), id="paused"),
    pytest.param(AskQuestion("r_1", 1, "q_1", "Which one?"), AnswerQuestion("q_1", "This one."), id="waiting"),
]


@pytest.mark.parametrize(("pause", "go_on"), PAUSES)
async def test_a_run_that_waits_owes_no_beat_and_has_all_its_time_when_it_goes_on(
    world: World, pause: Command, go_on: Command
) -> None:
    await world.presence("web")
    async with world.worker():
        task = await claimed(world)
        actor = WRITER if isinstance(pause, AskQuestion) else ADA
        await world.apply(task.task_id, pause, actor)

        async def has_fallen_silent() -> bool:
            return await leases(world, task.task_id) == ["armed", "silent"]

        assert await until(has_fallen_silent)
        await asyncio.sleep(2.5)  # more than a whole silence: nothing may happen in it
        assert await leases(world, task.task_id) == ["armed", "silent"]
        on = await world.apply(task.task_id, go_on)
        assert on.state.live_run is not None
        assert on.state.live_run.state is RunState.RUNNING
        await beat_for(world, task, 3.0)
        kept = await world.engine.snapshot(task.task_id)
        row = await world.until_row("SELECT state FROM runs WHERE state = 'lost'")

    assert kept is not None
    assert kept.live_run is not None
    assert kept.epoch == task.epoch
    assert row.state == "lost"


async def test_a_silence_that_began_in_a_pause_counts_from_its_end(world: World) -> None:
    await world.presence("web")
    async with world.worker():
        task = await claimed(world)
        await world.apply(task.task_id, HoldTask(HoldKind.OPERATOR, "a moment"))
        await asyncio.sleep(1.5)  # of the two seconds that the pending activity allows
        await world.apply(task.task_id, LiftHold(HoldKind.OPERATOR))
        lifted_at_ms = world.clock.now_ms()
        row = await world.until_row("SELECT ended_at_ms FROM runs WHERE state = 'lost'")

    assert row.ended_at_ms - lifted_at_ms >= 2000


async def test_a_lost_run_that_is_back_is_held_to_its_beats_again(world: World) -> None:
    await world.presence("web")
    async with world.worker():
        task = await claimed(world)
        await world.until_row("SELECT 1 FROM runs WHERE state = 'lost'")
        back = await world.apply(task.task_id, ResumeRun("r_1", task.epoch), WRITER)
        await beat_for(world, task, 3.0)
        kept = await world.engine.snapshot(task.task_id)
        await world.until_row("SELECT 1 FROM runs WHERE state = 'lost'")
        told = await leases(world, task.task_id)

    assert back.state.epoch == task.epoch
    assert kept is not None
    assert kept.live_run is not None
    assert told[:2] == ["armed", "silent"]
    assert told.count("armed") >= 2


@pytest.mark.parametrize("subject", ["task", "agent", "workspace"])
async def test_a_frozen_run_is_never_lost(world: World, subject: str) -> None:
    """The row alone: the hold that makes it a paused run may come late."""
    await world.presence("web")
    async with world.worker():
        task = await claimed(world)
        subject_id = {"task": task.task_id, "agent": "a_writer", "workspace": "w_1"}[subject]
        await world.write(
            "INSERT INTO freezes (scope, subject_id, workspace_id, root_id, reason, actor_kind, actor_id, actor_name, "
            "at_ms) VALUES (:scope, :id, 'w_1', :id, 'fire', 'person', 'u_ada', 'Ada', 0)",
            scope=subject,
            id=subject_id,
        )

        async def was_silent_twice() -> bool:
            return (await leases(world, task.task_id)).count("silent") >= 2

        assert await until(was_silent_twice)
        state = await world.engine.snapshot(task.task_id)

    assert state is not None
    assert state.live_run is not None
    assert state.failures == 0


@pytest.mark.parametrize(("others", "is_called"), [([], True), (["draw"], True), (["write", "draw"], False)])
async def test_a_second_loss_calls_a_person_only_when_nobody_else_is_able(
    world: World, others: list[str], *, is_called: bool
) -> None:
    await world.presence("web")
    async with world.control.transaction() as session:
        if others:
            await register_agent(session, "w_1", "other", 0, capabilities=others)
    async with world.worker():
        task = await world.create(needs=("write",))
        for number in (1, 2):
            await world.apply(task.task_id, ClaimTask("a_writer", f"r_{number}"), WRITER)
            await world.until_row("SELECT 1 FROM runs WHERE run_id = :r AND state = 'lost'", r=f"r_{number}")
        row = await world.until_row("SELECT needs_human_kind FROM tasks WHERE revision = 5")

    assert row.needs_human_kind == ("lost_twice" if is_called else "")
