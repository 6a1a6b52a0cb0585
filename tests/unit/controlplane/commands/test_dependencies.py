"""Edges: no cycle gets in, whoever asks at the same time, and a request that dies leaves nothing that stays."""

import asyncio
import random

import pytest
from pointsman.contract import ErrorCode
from sqlalchemy import select

from controlplane.commands import CommandRefused, CommandService
from controlplane.commands.dependencies import RESERVED_MS, find_path
from controlplane.domain.commands import AddBlockers, CancelTask, RemoveBlocker
from controlplane.domain.state import TaskState
from controlplane.ports import EngineUnavailable
from controlplane.store.database import open_control
from controlplane.store.tables import TaskEdge
from controlplane.store.upsert import table_of


@pytest.fixture
async def tasks(service, admin) -> list[str]:
    return [
        (await service.create_task(admin.actor, f"cmd_{n}", admin.workspace_id, None, f"Task {n}")).task_id
        for n in range(1, 6)
    ]


async def edges(database) -> set[tuple[str, str]]:
    async with database.reading() as session:
        columns = table_of(TaskEdge).c
        return {tuple(row) for row in await session.execute(select(columns.task_id, columns.blocker_id))}


async def wait_for(service, admin, command_id: str, task: str, *blockers: str):
    return await service.add_blockers(admin.actor, command_id, task, blockers)


async def test_a_task_waits_for_others(service, database, admin, tasks):
    state = await wait_for(service, admin, "cmd_a", "T-1", "T-2", "T-3")
    assert state.open_blockers == (tasks[1], tasks[2])
    assert await edges(database) == {(tasks[0], tasks[1]), (tasks[0], tasks[2])}


async def test_a_cycle_is_refused_with_its_path_and_a_sentence(service, database, admin, tasks):
    await wait_for(service, admin, "cmd_a", "T-1", "T-2")
    await wait_for(service, admin, "cmd_b", "T-2", "T-3")
    before = await edges(database)
    with pytest.raises(CommandRefused) as no:
        await service.execute(admin.actor, "cmd_c", "T-3", AddBlockers((tasks[0],)))
    assert no.value.refusal.code is ErrorCode.DEPENDENCY_CYCLE
    assert no.value.refusal.detail == {"path": ["T-3", "T-1", "T-2", "T-3"]}
    assert no.value.refusal.message == "T-3 cannot wait for T-1: T-1 waits for T-2, T-2 waits for T-3 already."
    assert await edges(database) == before


async def test_a_task_cannot_wait_for_itself(service, admin, tasks):
    with pytest.raises(CommandRefused, match="cannot wait for itself"):
        await wait_for(service, admin, "cmd_a", "T-1", "T-1")


async def test_of_two_requests_that_together_make_a_cycle_one_is_refused(service, engine, admin, tasks):
    asked = asyncio.Event()
    answer = asyncio.Event()
    execute = engine.execute

    async def slow(task_id, envelope):
        asked.set()
        await answer.wait()
        return await execute(task_id, envelope)

    engine.execute = slow
    first = asyncio.ensure_future(wait_for(service, admin, "cmd_a", "T-1", "T-2"))
    await asyncio.wait_for(asked.wait(), 5)  # its edge is written, its task has not said yes
    with pytest.raises(CommandRefused, match="T-1 waits for T-2 already"):
        await wait_for(service, admin, "cmd_b", "T-2", "T-1")
    answer.set()
    assert (await first).open_blockers == (tasks[1],)


async def test_an_edge_that_is_removed_while_it_is_asked_for_again_lets_nobody_draw_the_way_back(
    service, engine, admin, tasks
):
    await wait_for(service, admin, "cmd_a", "T-1", "T-2")
    asked, answer, execute = asyncio.Event(), asyncio.Event(), engine.execute

    async def slow(task_id, envelope):
        if envelope.command_id == "cmd_again":
            asked.set()
            await answer.wait()
        return await execute(task_id, envelope)

    engine.execute = slow
    again = asyncio.ensure_future(wait_for(service, admin, "cmd_again", "T-1", "T-2"))
    await asyncio.wait_for(asked.wait(), 5)
    await service.execute(admin.actor, "cmd_b", "T-1", RemoveBlocker(tasks[1]))
    with pytest.raises(CommandRefused, match="T-1 waits for T-2 already"):
        await wait_for(service, admin, "cmd_c", "T-2", "T-1")
    answer.set()
    assert (await again).open_blockers == (tasks[1],)


async def test_random_edges_drawn_at_once_by_two_processes_never_make_a_cycle(
    service, settings, database, engine, clock, admin, tasks
):
    dice = random.Random(7)
    wanted = [tuple(dice.sample(range(1, 6), 2)) for _ in range(40)]
    other_database = open_control(settings)
    other = CommandService(other_database, engine, service.blobs, clock, service.master_key)
    try:
        outcomes = await asyncio.gather(
            *(
                wait_for((service, other)[i % 2], admin, f"cmd_{i}", f"T-{a}", f"T-{b}")
                for i, (a, b) in enumerate(wanted)
            ),
            return_exceptions=True,
        )
    finally:
        await other_database.close()
    assert {type(one) for one in outcomes} == {TaskState, CommandRefused}
    drawn = await edges(database)
    graph = {task: [b for a, b in drawn if a == task] for task in tasks}
    assert len(drawn) >= 4
    assert not any(find_path(graph, blocker, task) for task, blocker in drawn)


async def test_a_refused_edge_is_taken_back(service, database, admin, tasks):
    await service.execute(admin.actor, "cmd_x", "T-1", CancelTask())
    with pytest.raises(CommandRefused):
        await wait_for(service, admin, "cmd_a", "T-1", "T-2")
    assert await edges(database) == set()


async def test_a_request_that_died_blocks_others_only_until_its_edge_expires(service, engine, clock, admin, tasks):
    engine.is_away = True
    with pytest.raises(EngineUnavailable):
        await wait_for(service, admin, "cmd_a", "T-1", "T-2")
    engine.is_away = False
    with pytest.raises(CommandRefused, match="already"):
        await wait_for(service, admin, "cmd_b", "T-2", "T-1")
    clock.ms += RESERVED_MS + 1
    assert (await wait_for(service, admin, "cmd_c", "T-2", "T-1")).is_blocked


async def test_the_same_request_again_changes_nothing(service, database, admin, tasks):
    first = await wait_for(service, admin, "cmd_a", "T-1", "T-2")
    assert await wait_for(service, admin, "cmd_a", "T-1", "T-2") == first
    assert await edges(database) == {(tasks[0], tasks[1])}


async def test_a_removed_edge_is_gone(service, database, admin, tasks):
    await wait_for(service, admin, "cmd_a", "T-1", "T-2")
    await service.execute(admin.actor, "cmd_b", "T-1", RemoveBlocker(tasks[1]))
    assert await edges(database) == set()
    assert (await wait_for(service, admin, "cmd_c", "T-2", "T-1")).is_blocked
