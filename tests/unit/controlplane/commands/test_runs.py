"""What a run says: idempotent, fenced, and never thrown away."""

import hashlib
from dataclasses import replace

import pytest
from pointsman.contract import ErrorCode, KeyKind, derive_run_key
from sqlalchemy import select

from controlplane.access.agents import register_agent
from controlplane.access.callers import Caller, authenticate
from controlplane.commands import CommandRefused
from controlplane.domain.commands import MoveTask, ReleaseRun
from controlplane.domain.state import TaskStatus
from controlplane.store.tables import Agent, LateDeliverable, Outbox, Run
from controlplane.store.upsert import table_of


@pytest.fixture
async def caller(service, database, admin) -> Caller:
    """A live run's holder, as its key says."""
    async with database.transaction() as session:
        agent = await register_agent(session, admin.workspace_id, "writer", 1)
    await service.create_task(admin.actor, "cmd_1", admin.workspace_id, None, "Write it")
    claim = await service.claim_next(agent.agent_id, "next_1")
    async with database.reading() as session:
        return await authenticate(session, claim.key)


async def test_a_runs_key_says_whose_it_is(caller, admin):
    assert (caller.kind, caller.name, caller.epoch, caller.is_live) == (KeyKind.RUN, "writer", 1, True)
    assert caller.workspace_id == admin.workspace_id


async def test_a_submitted_content_is_a_version_and_can_be_read_back(service, engine, caller):
    assert await service.submit(caller, b"# Draft") == 1
    state = engine.tasks[caller.task_id]
    assert state.status is TaskStatus.IN_REVIEW
    assert await service.blobs.get(state.deliverables[0].sha256) == b"# Draft"


async def test_the_same_submit_again_is_the_same_version(service, engine, caller):
    assert [await service.submit(caller, b"# Draft") for _ in range(3)] == [1, 1, 1]
    assert len(engine.tasks[caller.task_id].deliverables) == 1


async def test_a_late_deliverable_is_refused_but_kept_aside(service, database, admin, caller):
    await service.execute(admin.actor, "cmd_2", "T-1", MoveTask(TaskStatus.READY))
    with pytest.raises(CommandRefused) as no:
        await service.submit(caller, b"# Too late", title="Draft")
    assert no.value.refusal.code is ErrorCode.LEASE_LOST
    async with database.reading() as session:
        (late,) = (await session.execute(select(LateDeliverable))).scalars()
        assert (late.run_id, late.title) == (caller.run_id, "Draft")
        assert late.sha256 == hashlib.sha256(b"# Too late").hexdigest()
    assert await service.blobs.get(late.sha256) == b"# Too late"


async def test_an_ended_runs_key_is_known_but_not_live(service, database, caller):
    await service.execute(caller.actor, "cmd_2", "T-1", ReleaseRun(caller.run_id, caller.epoch))
    async with database.reading() as session:
        known = await authenticate(session, derive_run_key(service.master_key, caller.run_id, caller.epoch))
        assert known == replace(caller, is_live=False)
        assert await authenticate(session, derive_run_key(service.master_key, caller.run_id, caller.epoch + 1)) is None


async def test_signs_of_life_are_written_at_most_every_two_seconds(service, database, clock, caller):
    seen = []
    for step in (100, 2000, 100):
        clock.ms += step
        await service.sign_of_life(caller)
        async with database.reading() as session:
            run, agent = await session.get(Run, caller.run_id), await session.get(Agent, caller.agent_id)
            seen.append((run.seen_at_ms, agent.seen_at_ms))
    start = clock.ms - 2200
    assert seen == [(start, None), (start + 2100, start + 2100), (start + 2100, start + 2100)]


async def test_progress_is_shown_at_once_and_announced_once(service, database, clock, caller):
    for _ in range(2):
        clock.ms += 10
        await service.sign_of_life(caller, "half-way")
    async with database.reading() as session:
        run = await session.get(Run, caller.run_id)
        topics = (await session.execute(select(table_of(Outbox).c.topic).order_by(table_of(Outbox).c.seq))).scalars()
        assert (run.progress, run.progress_at_ms) == ("half-way", clock.ms)
        assert list(topics)[-3:] == ["run", "task", "task"]
