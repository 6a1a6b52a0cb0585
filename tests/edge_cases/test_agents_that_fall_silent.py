"""Rows of the table: agent dies mid-task, detector wrong, network blip, restart. Most of them on real Temporal."""

import asyncio

from pointsman.contract import ErrorCode
from sqlalchemy import select

from controlplane.access.agents import register_agent
from controlplane.access.people import create_admin_if_none
from controlplane.blobs import DirectoryBlobs
from controlplane.commands import CommandService
from controlplane.domain.choices import choices
from controlplane.domain.commands import ClaimTask, LoseRun, ReleaseRun, ResumeRun
from controlplane.domain.state import HumanCause, RunState, TaskStatus
from controlplane.domain.stuck import RunSeen, Thresholds, find_stuck
from controlplane.queries.costs import costs_of_task
from controlplane.store.tables import Incident, RunUsage
from tests.edge_cases.team import SYSTEM, Team
from tests.integration.workers.conftest import MASTER_KEY, WRITER, World, until
from tests.integration.workers.test_recovery import run
from workers.incidents import watch_losses
from workers.sightings import Sighting
from workers.signals import Found, write_signals
from workers.suspicion import Presence, judge

TTL_AND_GRACE_MS = 90_000
SILENT = RunSeen(
    is_waiting_for_person=False, started_at_ms=0, last_progress_at_ms=None, last_call_at_ms=None, calls_in_flight=0
)


async def beat_for(world: World, task_id: str, epoch: int, seconds: float) -> None:
    """As the API does it: the row, and the engine."""
    for _ in range(int(seconds / 0.25)):
        await world.write("UPDATE runs SET seen_at_ms = :now", now=world.clock.now_ms())
        await world.engine.beat(task_id, epoch)
        await asyncio.sleep(0.25)  # the beat's own rhythm


async def test_an_agent_dies_mid_task_then_its_run_is_lost_with_cost_kept_and_the_task_is_requeued_with_a_new_epoch(
    world: World,
):
    service = CommandService(
        world.control, world.engine, DirectoryBlobs(world.settings.home.blobs), world.clock, MASTER_KEY
    )
    async with world.control.transaction() as session:
        admin = await create_admin_if_none(session, 1)
        agent = await register_agent(session, admin.workspace_id, "writer", 1)
    await world.presence("web")
    async with world.worker():
        task = await service.create_task(admin.actor, "make", admin.workspace_id, None, "Write it")
        first = await service.claim_next(agent.agent_id, "claim")
        assert first is not None
        usage = {"workspace_id": admin.workspace_id, "task_id": task.task_id, "cost_nano_usd": 4_000}
        async with world.control.transaction() as session:
            session.add(RunUsage(run_id=first.run.run_id, **usage))
        await world.until_row("SELECT 1 FROM runs WHERE state = 'lost'")
        await world.until_row("SELECT 1 FROM tasks WHERE is_claimable")
        again = await service.claim_next(agent.agent_id, "claim again")

    assert again is not None
    assert [run.state for run in again.state.runs] == [RunState.LOST, RunState.RUNNING]
    assert again.run.epoch == first.run.epoch + 1
    async with world.control.reading() as session:
        costs = await costs_of_task(session, task.task_id)
    assert (costs.total_nano_usd, costs.failed_nano_usd) == (4_000, 4_000)


async def test_what_a_dead_agent_had_saved_goes_to_the_next_one(team: Team):
    task = await team.task(brief="For people in a hurry.")
    caller = await team.begin("writer")
    await team.service.checkpoint(caller, b'{"page": 3}', "page 3")
    await team.lose(caller)
    packet = await team.handoff(task.task_id)
    assert packet.checkpoint is not None
    assert (packet.checkpoint.note, [one.state for one in packet.earlier]) == ("page 3", ["lost"])


async def test_a_second_loss_on_the_same_agent_leaves_the_task_to_another_one_that_is_able_or_to_a_person(team: Team):
    task = await team.task()
    await team.lose(await team.begin("writer"))
    state = await team.lose(await team.begin("writer"))
    assert not state.needs_human
    assert await team.claim("writer") is None
    other = await team.begin("second")
    assert other.task_id == task.task_id

    alone = await team.task("only the writer can")
    await team.lose(await team.begin("writer"))
    state = await team.lose(await team.begin("writer"), others_are_able=False)
    assert (state.task_id, state.human_cause) == (alone.task_id, HumanCause.LOST_TWICE)
    assert {choice.verb for choice in choices(state)} >= {"assign", "give_help"}


async def test_the_loss_of_many_agents_at_once_is_one_incident_and_no_alarm_for_each_task(team: Team):
    for number in range(3):
        await team.hire(f"agent {number}")
        await team.task(f"task {number}", agent=f"agent {number}")
        await team.lose(await team.begin(f"agent {number}"))
    await watch_losses(team.database, team.clock.ms + 1_000)
    async with team.database.reading() as session:
        (incident,) = (await session.execute(select(Incident))).scalars().all()
    assert incident.text.startswith("3 agents fell silent")
    assert len(await team.notices()) == 1


async def test_a_detector_that_is_wrong_revokes_nothing_and_the_work_of_a_live_agent_is_welcome(team: Team):
    await team.task()
    caller = await team.begin("writer")
    sighting = Sighting(caller.run_id or "", caller.task_id or "", team.admin.workspace_id, SILENT)
    finding = find_stuck(SILENT, Thresholds(3, 180_000), now_ms=900_000)
    assert finding is not None
    assert await write_signals(team.database, {sighting.task_id: Found(sighting, finding)}, team.clock.ms) == 1
    assert len(await team.notices("stuck")) == 1
    assert team.state(caller.task_id or "").live_run is not None
    assert await team.service.submit(caller, b"I was alive") == 1


async def test_no_lease_expires_within_its_time_of_the_servers_boot():
    """Whoever hears beats must have been there for all of the silence."""
    now_ms = 10_000_000
    booted = [Presence("web", now_ms - TTL_AND_GRACE_MS + 1, now_ms), Presence("temporal", 0, now_ms)]
    assert not judge(now_ms, TTL_AND_GRACE_MS, 0, booted).is_lost
    there = [Presence("web", now_ms - TTL_AND_GRACE_MS - 1, now_ms), Presence("temporal", 0, now_ms)]
    assert judge(now_ms, TTL_AND_GRACE_MS, 0, there).is_lost


async def test_a_network_blip_shorter_than_the_grace_renews_the_same_epoch_and_a_longer_one_lets_the_same_agent_return(
    world: World,
):
    await world.presence("web")
    async with world.worker():
        task = await world.create()
        claimed = (await world.apply(task.task_id, ClaimTask("a_writer", "r_1"), WRITER)).state
        await world.until_row("SELECT 1 FROM runs WHERE run_id = 'r_1'")
        for _ in range(2):
            await beat_for(world, task.task_id, claimed.epoch, 0.5)
            await asyncio.sleep(0.9)  # a blip: less than TTL and grace, 2 s here
        await beat_for(world, task.task_id, claimed.epoch, 0.5)
        after_blips = await world.engine.snapshot(task.task_id)
        await world.until_row("SELECT 1 FROM runs WHERE state = 'lost'")
        back = (await world.apply(task.task_id, ResumeRun("r_1", claimed.epoch), WRITER)).state

    assert after_blips is not None
    assert after_blips.live_run is not None
    assert (back.status, back.epoch, back.run_count) == (TaskStatus.IN_PROGRESS, claimed.epoch, 1)


async def test_an_agent_that_returns_after_somebody_took_over_is_told_that_its_lease_is_lost(team: Team):
    task = await team.task()
    late = await team.begin("writer")
    await team.lose(late)
    await team.begin("second")
    assert not await team.service.resume_run(late)
    no = await team.is_refused(task.task_id, ResumeRun(late.run_id or "", late.epoch), team.agent("writer"))
    assert no.code is ErrorCode.LEASE_LOST


async def test_a_server_or_temporal_restart_loses_no_lease(world: World):
    await world.presence("web")
    async with world.worker():
        task = await world.create()
        claimed = (await world.apply(task.task_id, ClaimTask("a_writer", "r_1"), WRITER)).state
        await world.until_row("SELECT 1 FROM runs WHERE run_id = 'r_1'")
        world.server.kill()
        for _ in range(12):  # 3 s: longer than TTL and grace
            await world.write("UPDATE runs SET seen_at_ms = :now", now=world.clock.now_ms())
            await asyncio.sleep(0.25)
        world.server.start()
        await beat_for(world, task.task_id, claimed.epoch, 3.0)
        state = await until(lambda: world.engine.snapshot(task.task_id))
        released = await world.apply(task.task_id, ReleaseRun("r_1", claimed.epoch), WRITER)

    assert (state.live_run.run_id, state.epoch) == ("r_1", claimed.epoch)
    assert (released.state.status, released.state.failures) == (TaskStatus.READY, 0)


async def test_an_agent_that_died_while_it_waited_for_a_person_is_not_lost_for_its_silence(team: Team):
    task = await team.task()
    caller = await team.begin("writer")
    await team.service.ask(caller, team.command_id(), "Which tone?")
    no = await team.is_refused(task.task_id, LoseRun(caller.run_id or "", caller.epoch), SYSTEM)
    assert no.message == "Its run waits, and needs no sign of life for it."
    assert team.state(task.task_id).live_run.state is RunState.WAITING_INPUT


async def test_after_a_restart_without_its_rows_the_board_is_rebuilt_from_the_tasks_themselves(world: World):
    async with world.worker():
        task = await world.create("Kept")
        await world.until_row("SELECT 1 FROM tasks")
        before = await world.rows("SELECT title, status, revision, state_json FROM tasks")
        await world.write("DELETE FROM tasks")

        async def is_visible() -> bool:
            return "1 differ" in await run("check", world.settings)

        assert await until(is_visible, 20)
        assert "1 tasks rebuilt" in await run("rebuild", world.settings)
    assert await world.rows("SELECT title, status, revision, state_json FROM tasks") == before
    assert before[0].title == task.title
