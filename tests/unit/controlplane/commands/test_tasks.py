"""Creating, assigning and deciding: safe to repeat, honest when the engine is away."""

import asyncio

import pytest
from pointsman.contract import ErrorCode
from sqlalchemy import select

from controlplane.access.agents import register_agent
from controlplane.commands import CommandRefused
from controlplane.domain.commands import AssignTask, CancelTask, MoveTask
from controlplane.domain.state import TaskStatus
from controlplane.ports import EngineUnavailable
from controlplane.store.tables import Task
from controlplane.store.upsert import table_of


async def create(service, admin, command_id="cmd_1", title="Write it", **options):
    return await service.create_task(admin.actor, command_id, admin.workspace_id, None, title, **options)


async def test_a_created_task_has_a_number_and_is_on_the_board_at_once(service, database, admin):
    first, second = await create(service, admin, "cmd_1"), await create(service, admin, "cmd_2")
    assert (first.number, second.number) == (1, 2)
    async with database.reading() as session:
        numbers = (await session.execute(select(table_of(Task).c.number).order_by(table_of(Task).c.number))).scalars()
        assert list(numbers) == [1, 2]


async def test_a_repeated_create_is_the_same_task(service, engine, admin):
    first, again = await create(service, admin), await create(service, admin)
    assert first == again
    assert len(engine.tasks) == 1


async def test_twenty_creates_at_once_get_twenty_numbers(service, admin):
    states = await asyncio.gather(*(create(service, admin, f"cmd_{n}") for n in range(20)))
    assert sorted(state.number for state in states) == list(range(1, 21))


async def test_a_create_that_found_no_engine_can_be_repeated_later(service, engine, admin):
    engine.is_away = True
    with pytest.raises(EngineUnavailable):
        await create(service, admin)
    engine.is_away = False
    assert (await create(service, admin)).number == 1


async def test_a_command_whose_answer_was_lost_is_not_applied_twice(service, engine, admin):
    state = await create(service, admin)
    engine.is_deaf = True
    with pytest.raises(EngineUnavailable):
        await service.execute(admin.actor, "cmd_move", "T-1", MoveTask(TaskStatus.BACKLOG))
    engine.is_deaf = False
    moved = await service.execute(admin.actor, "cmd_move", "T-1", MoveTask(TaskStatus.BACKLOG))
    assert (moved.status, moved.revision) == (TaskStatus.BACKLOG, state.revision + 1)


async def test_an_engine_that_hangs_is_given_up(service, engine, admin, monkeypatch):
    async def hang(*_arguments):
        await asyncio.Event().wait()

    await create(service, admin)
    engine.execute = hang
    monkeypatch.setattr("controlplane.commands.desk.ENGINE_SECONDS", 0.01)
    with pytest.raises(EngineUnavailable):
        await service.execute(admin.actor, "cmd_2", "T-1", CancelTask())


async def test_the_number_and_the_id_name_the_same_task(service, admin):
    state = await create(service, admin)
    assert (await service.find_task("t-1")).task_id == state.task_id
    assert (await service.find_task(state.task_id)).ref == "T-1"


@pytest.mark.parametrize("reference", ["T-2", "T-", "T-1x", "12", "t_unknown", "T-99999999999999999999", ""])
async def test_a_task_that_is_not_there_is_refused_as_such(service, admin, reference):
    await create(service, admin)
    with pytest.raises(CommandRefused) as no:
        await service.execute(admin.actor, "cmd_2", reference, CancelTask())
    assert no.value.refusal.code is ErrorCode.NOT_FOUND


async def test_another_workspaces_task_is_not_there(service, admin):
    state = await create(service, admin)
    for reference in ("T-1", state.task_id):
        with pytest.raises(CommandRefused) as no:
            await service.execute(admin.actor, "cmd_2", reference, CancelTask(), workspace_id="w_other")
        assert no.value.refusal.code is ErrorCode.NOT_FOUND


async def test_a_refusal_carries_the_rule_and_writes_nothing(service, engine, admin):
    state = await create(service, admin)
    await service.execute(admin.actor, "cmd_2", "T-1", CancelTask())
    with pytest.raises(CommandRefused) as no:
        await service.execute(admin.actor, "cmd_3", "T-1", MoveTask(TaskStatus.BACKLOG))
    assert no.value.refusal.code is ErrorCode.ILLEGAL_TRANSITION
    assert engine.tasks[state.task_id].revision == 2


async def test_a_task_is_assigned_by_name_or_id_but_not_to_a_stranger(service, database, admin):
    async with database.transaction() as session:
        agent = await register_agent(session, admin.workspace_id, "Writer", 1)
    await create(service, admin)
    assert (await service.assign(admin.actor, "cmd_2", "T-1", "writer")).agent_id == agent.agent_id
    assert (await service.execute(admin.actor, "cmd_3", "T-1", AssignTask(None))).agent_id is None
    assert (await service.execute(admin.actor, "cmd_4", "T-1", AssignTask(agent.agent_id))).agent_id == agent.agent_id
    with pytest.raises(CommandRefused, match="no agent 'stranger'"):
        await service.assign(admin.actor, "cmd_5", "T-1", "stranger")


@pytest.mark.parametrize("wrong", [{"agent": "stranger"}, {"blockers": ("T-9",)}, {"title": "  "}])
async def test_a_create_that_names_what_is_not_there_makes_nothing(service, engine, admin, wrong):
    with pytest.raises(CommandRefused) as no:
        await create(service, admin, **wrong)
    assert no.value.refusal.code is ErrorCode.INVALID_REQUEST
    assert engine.tasks == {}
