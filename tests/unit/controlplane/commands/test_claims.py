"""Claims: the right task, once, to an agent that is able."""

import asyncio

import pytest
from pointsman.contract import parse_run_key
from sqlalchemy import update

from controlplane.access.agents import register_agent
from controlplane.commands.claims import LOOKED_AT_FIRST
from controlplane.domain.commands import ClaimTask, ReviewDeliverable, SubmitDeliverable
from controlplane.domain.state import Actor, ActorKind
from controlplane.ports import EngineUnavailable
from controlplane.store.tables import Agent
from controlplane.store.upsert import table_of


@pytest.fixture
async def writer(database, admin) -> Agent:
    async with database.transaction() as session:
        return await register_agent(session, admin.workspace_id, "writer", 1, capabilities=["Draft"])


async def create(service, admin, command_id: str, **options):
    return await service.create_task(admin.actor, command_id, admin.workspace_id, None, command_id, **options)


async def test_the_most_urgent_then_the_oldest_task_is_taken(service, clock, admin, writer):
    for title, priority in (("old", 3), ("new", 3), ("urgent", 1)):
        clock.ms += 1
        await create(service, admin, title, priority=priority)
    taken = [(await service.claim_next(writer.agent_id, f"next_{n}", concurrency=9)).state.title for n in range(3)]
    assert taken == ["urgent", "old", "new"]
    assert await service.claim_next(writer.agent_id, "next_4", concurrency=9) is None


async def test_a_claim_carries_a_key_for_its_run_and_epoch(service, admin, writer):
    await create(service, admin, "one", needs=("draft",))
    claim = await service.claim_next(writer.agent_id, "next_1")
    assert parse_run_key(claim.key) == (claim.run.run_id, 1)
    assert claim.state.live_run == claim.run


@pytest.mark.parametrize(
    "options",
    [{"needs": ("draft", "paint")}, {"agent": "other"}, {"to_backlog": True}, {"blockers": ("T-1",)}],
    ids=["unable", "assigned to another", "backlog", "blocked"],
)
async def test_a_task_that_is_not_for_this_agent_is_left(service, database, admin, writer, options):
    async with database.transaction() as session:
        await register_agent(session, admin.workspace_id, "other", 1)
    await create(service, admin, "first", to_backlog=True)
    await create(service, admin, "not for writer", **options)
    assert await service.claim_next(writer.agent_id, "next_1") is None


async def test_a_paused_agent_gets_nothing(service, database, admin, writer):
    await create(service, admin, "one")
    async with database.transaction() as session:
        await session.execute(update(table_of(Agent)).values(is_paused=True))
    assert await service.claim_next(writer.agent_id, "next_1") is None


async def test_full_hands_take_nothing_more(service, admin, writer):
    await create(service, admin, "one")
    await create(service, admin, "two")
    await service.claim_next(writer.agent_id, "next_1")
    assert await service.claim_next(writer.agent_id, "next_2") is None


async def test_a_repeated_request_returns_the_claim_it_made(service, admin, writer):
    await create(service, admin, "one")
    await create(service, admin, "two")
    first = await service.claim_next(writer.agent_id, "next_1")
    assert await service.claim_next(writer.agent_id, "next_1") == first


async def test_a_stale_row_only_means_the_next_task(service, engine, database, admin, writer):
    stale = await create(service, admin, "taken meanwhile", priority=1)
    await create(service, admin, "free")
    other = Actor(ActorKind.AGENT, "a_other", "other")
    await engine.execute(stale.task_id, _envelope(other, ClaimTask("a_other", "r_other")))
    claim = await service.claim_next(writer.agent_id, "next_1")
    assert claim.state.title == "free"


async def test_ten_agents_at_once_get_ten_different_tasks(service, database, admin):
    for n in range(10):
        await create(service, admin, f"task_{n}")
    async with database.transaction() as session:
        agents = [await register_agent(session, admin.workspace_id, f"agent {n}", 1) for n in range(10)]
    claims = await asyncio.gather(*(service.claim_next(agent.agent_id, f"by_{agent.name}") for agent in agents))
    assert len({claim.state.task_id for claim in claims}) == 10


async def test_work_that_was_sent_back_can_be_taken_again(service, admin, writer):
    await create(service, admin, "one")
    first = await service.claim_next(writer.agent_id, "next_1")
    actor = Actor(ActorKind.AGENT, writer.agent_id, "writer")
    submit = SubmitDeliverable(first.run.run_id, 1, "aa" * 32, 1)
    await service.execute(actor, "cmd_s", "T-1", submit)
    await service.execute(admin.actor, "cmd_r", "T-1", ReviewDeliverable(1, "request_changes", "Shorter"))
    second = await service.claim_next(writer.agent_id, "next_2")
    assert (second.run.number, second.run.epoch, second.key != first.key) == (2, 2, True)


def _envelope(actor, command):
    from controlplane.domain.commands import Envelope

    return Envelope("cmd_other", actor, 1, command)


async def test_a_claim_that_is_repeated_means_the_same_run_though_the_engine_forgot_the_first_try(
    service, engine, admin, writer
):
    await create(service, admin, "one")
    before = dict(engine.tasks)
    engine.is_deaf = True
    with pytest.raises(EngineUnavailable):
        await service.claim_next(writer.agent_id, "next_1")
    engine.tasks, engine.is_deaf = before, False  # killed before it had written down what it did
    await service.claim_next(writer.agent_id, "next_1")
    claims = [envelope.command for envelope in engine.commands if isinstance(envelope.command, ClaimTask)]
    assert len(claims) == 2
    assert claims[0] == claims[1]


async def test_many_agents_that_wait_for_one_task_ask_it_once(service, engine, database, admin):
    async with database.transaction() as session:
        agents = [await register_agent(session, admin.workspace_id, f"agent-{n}", 1) for n in range(12)]
    await create(service, admin, "one")
    claims = await asyncio.gather(*(service.claim_next(agent.agent_id, "next_1") for agent in agents))
    assert sum(claim is not None for claim in claims) == 1
    assert sum(isinstance(one.command, ClaimTask) for one in engine.commands) == 1


async def test_a_task_that_an_absent_engine_did_not_give_is_asked_again_by_the_next(service, engine, admin, writer):
    await create(service, admin, "one")
    engine.is_away = True
    with pytest.raises(EngineUnavailable):
        await service.claim_next(writer.agent_id, "next_1")
    engine.is_away = False
    assert await service.claim_next(writer.agent_id, "next_2") is not None


async def test_the_one_task_that_an_agent_is_able_to_do_is_found_behind_a_long_queue(service, clock, admin, writer):
    for number in range(LOOKED_AT_FIRST + 5):
        clock.ms += 1
        await create(service, admin, f"paint {number}", needs=("paint",))
    clock.ms += 1
    await create(service, admin, "draft", needs=("draft",))
    assert (await service.claim_next(writer.agent_id, "next_1")).state.title == "draft"
