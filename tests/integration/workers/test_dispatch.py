"""Which internal agent gets which task, and how many at once. Nobody works here: runs begin and stay."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from controlplane.access.agents import register_agent
from controlplane.blobs import DirectoryBlobs
from controlplane.commands.service import CommandService
from controlplane.domain.commands import HoldTask
from controlplane.domain.state import HoldKind
from controlplane.feed.feed import Feed
from tests.integration.workers.conftest import MASTER_KEY, World
from workers.activities.tasks import TaskActivities
from workers.dispatch import Dispatcher
from workers.leadership import Leadership
from workers.messages import SilenceSuspected


@pytest.fixture
async def dispatcher(world: World) -> AsyncIterator[Dispatcher]:
    blobs = DirectoryBlobs(world.settings.home.blobs)
    service = CommandService(world.control, world.engine, blobs, world.clock, MASTER_KEY)
    leadership = Leadership(world.control, world.clock, "dispatcher", "me")
    async with world.worker():
        yield Dispatcher(service, world.client, Feed(world.control), leadership, beat_seconds=1.0)


async def hire(world: World, name: str, **fields: Any) -> str:
    async with world.control.transaction() as session:
        definition = {"model": "gpt-5-mini"}
        agent = await register_agent(
            session, "w_1", name, world.clock.now_ms(), capabilities=[], kind="internal", definition=definition
        )
        for field, value in fields.items():
            setattr(agent, field, value)
        session.add(agent)
    return agent.agent_id


async def tasks(world: World, count: int) -> None:
    for number in range(count):
        await world.create(f"Task {number}")
    await world.until_row("SELECT 1 FROM tasks WHERE is_claimable GROUP BY 1 HAVING count(*) = :n", n=count)


async def claims(world: World) -> Sequence[str]:
    rows = await world.rows("SELECT agents.name FROM runs JOIN agents USING (agent_id) ORDER BY runs.started_at_ms")
    return [row.name for row in rows]


async def test_an_agent_holds_as_many_tasks_at_once_as_it_may(world: World, dispatcher: Dispatcher) -> None:
    await hire(world, "usual")
    await hire(world, "busy", max_concurrency=3)
    await tasks(world, 6)
    for _ in range(5):
        await dispatcher.dispatch()

    assert sorted(await claims(world)) == ["busy", "busy", "busy", "usual"]


async def test_who_waited_longest_is_served_first(world: World, dispatcher: Dispatcher) -> None:
    await hire(world, "ada", claimed_at_ms=3_000)
    await hire(world, "bob", claimed_at_ms=1_000)
    await hire(world, "cleo", claimed_at_ms=2_000)
    await hire(world, "zoe")
    await tasks(world, 3)
    await dispatcher.dispatch()

    assert await claims(world) == ["zoe", "bob", "cleo"]


async def test_free_hands_are_filled_in_turns(world: World, dispatcher: Dispatcher) -> None:
    await hire(world, "ada", max_concurrency=2)
    await hire(world, "bob", max_concurrency=2)
    await tasks(world, 4)
    await dispatcher.dispatch()
    first = await claims(world)
    await dispatcher.dispatch()

    assert sorted(first) == ["ada", "bob"]
    assert sorted(await claims(world)) == ["ada", "ada", "bob", "bob"]


@pytest.mark.parametrize("field", ["is_paused", "retired_at_ms"])
async def test_an_agent_that_rests_gets_nothing(world: World, dispatcher: Dispatcher, field: str) -> None:
    await hire(world, "resting", **{field: 1})
    await tasks(world, 1)
    await dispatcher.dispatch()

    assert await claims(world) == []


@pytest.mark.parametrize("scope", ["agent", "workspace"])
async def test_whoever_is_frozen_gets_nothing(world: World, dispatcher: Dispatcher, scope: str) -> None:
    agent_id = await hire(world, "frozen")
    await world.write(
        "INSERT INTO freezes (scope, subject_id, workspace_id, root_id, reason, actor_kind, actor_id, actor_name, "
        "at_ms) VALUES (:scope, :id, 'w_1', :id, 'fire', 'person', 'u_ada', 'Ada', 0)",
        scope=scope,
        id=agent_id if scope == "agent" else "w_1",
    )
    await tasks(world, 1)
    await dispatcher.dispatch()

    assert await claims(world) == []


async def test_a_frozen_run_is_not_cancelled_and_its_hand_is_free(world: World, dispatcher: Dispatcher) -> None:
    await hire(world, "ada")
    await tasks(world, 2)
    await dispatcher.dispatch()
    run = await world.until_row("SELECT run_id, task_id FROM runs")
    await world.apply(run.task_id, HoldTask(HoldKind.FREEZE, "fire"))
    await world.until_row("SELECT 1 FROM runs WHERE state = 'paused'")
    await dispatcher.dispatch()
    description = await world.client.get_workflow_handle(f"run/{run.run_id}").describe()

    assert description.status is not None
    assert description.status.name == "RUNNING"
    assert await claims(world) == ["ada", "ada"]


async def test_a_run_is_not_lost_for_its_silence_while_temporal_holds_its_workflow(
    world: World, dispatcher: Dispatcher
) -> None:
    for name in ("web", "workers"):
        await world.presence(name)
    await hire(world, "ada")
    await tasks(world, 1)
    await dispatcher.dispatch()
    run = await world.until_row("SELECT run_id FROM runs")
    activities = TaskActivities(world.control, world.client, world.clock, MASTER_KEY)
    silence = SilenceSuspected(run.run_id, silence_seconds=0.0)
    while_held = await activities.confirm_loss(silence)
    await world.client.get_workflow_handle(f"run/{run.run_id}").terminate()

    assert not while_held.is_lost
    assert (await activities.confirm_loss(silence)).is_lost
