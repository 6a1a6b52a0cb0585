"""Freeze and thaw: rows first, for the gateway, then the holds of the tasks."""

import pytest
from sqlalchemy import select

from controlplane.access.agents import register_agent
from controlplane.access.callers import Caller
from controlplane.commands.freezes import frozen_subjects
from controlplane.domain.state import HoldKind, RunState
from controlplane.store.tables import Freeze


async def create(service, admin, title: str, **options):
    return await service.create_task(admin.actor, f"create {title}", admin.workspace_id, None, title, **options)


async def rows_of(database) -> set[tuple[str, str]]:
    async with database.reading() as session:
        return {(row.scope, row.root_id) for row in (await session.execute(select(Freeze))).scalars()}


@pytest.fixture
async def agent(database, admin):
    async with database.transaction() as session:
        return await register_agent(session, admin.workspace_id, "writer", 1)


async def test_a_frozen_task_takes_its_open_tree_with_it_and_thaws_with_it(service, engine, admin):
    root = await create(service, admin, "root")
    child = await create(service, admin, "child", parent=f"T-{root.number}")
    grandchild = await create(service, admin, "grandchild", parent=f"T-{child.number}")
    closed = await create(service, admin, "closed", parent=f"T-{root.number}")
    await service.cancel_tree(admin.actor, "cancel", closed.task_id)
    frozen = await service.freeze(admin.actor, "freeze", "task", f"T-{root.number}", "looks wrong", admin.workspace_id)
    assert frozen == [root.task_id, child.task_id, grandchild.task_id]
    assert all(engine.tasks[one].holds[HoldKind.FREEZE].reason == "looks wrong" for one in frozen)
    await service.thaw(admin.actor, "thaw", "task", f"T-{root.number}", "fine", admin.workspace_id)
    assert not any(engine.tasks[one].holds for one in frozen)


async def test_what_was_frozen_on_its_own_stays_frozen_when_its_parent_thaws(service, engine, admin):
    root = await create(service, admin, "root")
    child = await create(service, admin, "child", parent=f"T-{root.number}")
    await service.freeze(admin.actor, "one", "task", child.task_id, "its own", admin.workspace_id)
    await service.freeze(admin.actor, "two", "task", root.task_id, "all of it", admin.workspace_id)
    await service.thaw(admin.actor, "three", "task", root.task_id, "", admin.workspace_id)
    assert HoldKind.FREEZE in engine.tasks[child.task_id].holds
    assert not engine.tasks[root.task_id].holds


async def test_a_task_made_below_a_frozen_one_stands_still_too(service, engine, admin):
    root = await create(service, admin, "root")
    await service.freeze(admin.actor, "freeze", "task", root.task_id, "stop", admin.workspace_id)
    child = await create(service, admin, "child", parent=root.task_id)
    assert HoldKind.FREEZE in engine.tasks[child.task_id].holds
    await service.thaw(admin.actor, "thaw", "task", root.task_id, "", admin.workspace_id)
    assert engine.tasks[child.task_id].is_claimable


@pytest.mark.parametrize("scope", ["agent", "workspace"])
async def test_a_frozen_agent_or_workspace_claims_nothing_and_its_live_runs_stand_still(
    service, database, engine, admin, agent, scope
):
    await create(service, admin, "one")
    claim = await service.claim_next(agent.agent_id, "claim", concurrency=5)
    await create(service, admin, "two")
    await service.freeze(admin.actor, "freeze", scope, agent.agent_id, "stop", admin.workspace_id)
    assert engine.tasks[claim.state.task_id].live_run.state is RunState.PAUSED
    assert await service.claim_next(agent.agent_id, "again", concurrency=5) is None
    root = admin.workspace_id if scope == "workspace" else agent.agent_id
    assert await rows_of(database) == {(scope, root), ("task", root)}
    await service.thaw(admin.actor, "thaw", scope, agent.agent_id, "", admin.workspace_id)
    assert engine.tasks[claim.state.task_id].live_run.state is RunState.RUNNING
    assert (await service.claim_next(agent.agent_id, "more", concurrency=5)).state.title == "two"


async def test_the_rows_stand_even_when_no_task_can_be_told(service, database, engine, admin):
    root = await create(service, admin, "root")
    engine.is_away = True
    await service.freeze(admin.actor, "freeze", "task", root.task_id, "stop", admin.workspace_id)
    async with database.reading() as session:
        assert await frozen_subjects(session, [root.task_id]) == {root.task_id: "stop"}


async def test_a_run_that_waits_takes_no_hand_of_its_agent(service, admin, agent):
    await create(service, admin, "one")
    await create(service, admin, "two")
    claim = await service.claim_next(agent.agent_id, "first")
    assert await service.claim_next(agent.agent_id, "second") is None
    caller = Caller(
        kind="run", key_id=claim.run.run_id, workspace_id=admin.workspace_id, name="writer", agent_id=agent.agent_id,
        run_id=claim.run.run_id, task_id=claim.state.task_id, epoch=1,
    )  # fmt: skip
    await service.ask(caller, "ask", "Which tone?")
    assert (await service.claim_next(agent.agent_id, "third")).state.title == "two"
