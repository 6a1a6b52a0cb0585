"""The watch over both databases: what it writes, when it stays quiet, and what it takes away."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from controlplane.domain.commands import ClaimTask, EditTask, ReleaseRun, ResolveBlocker
from controlplane.domain.state import Actor, ActorKind, TaskState
from controlplane.domain.stuck import Thresholds
from controlplane.store.call_tables import Call
from controlplane.store.database import Database, open_calls
from controlplane.store.tables import RunUsage, User
from tests.integration.workers.conftest import WRITER, World, until
from workers.freezes import FreezeKeeper
from workers.leadership import Leadership
from workers.reconcile import Reconciler
from workers.watch import Watch

REVISIONS = {"now": '"revision":2', "before": '"revision":1'}


@dataclass
class Desk:
    world: World
    calls: Database
    watch: Watch

    async def stuck_run(self, count: int = 3) -> TaskState:
        task = await self.world.create()
        state = (await self.world.apply(task.task_id, ClaimTask("a_writer", "r_1"), WRITER)).state
        await self.world.until_row("SELECT 1 FROM runs WHERE run_id = 'r_1'")
        for number in range(count):
            await self.call(task.task_id, number)
        async with self.world.control.transaction() as session:
            session.add(
                RunUsage(
                    run_id="r_1",
                    workspace_id="w_1",
                    task_id=task.task_id,
                    calls=count,
                    last_call_at_ms=self.world.clock.now_ms(),
                )
            )
        return state

    async def call(self, task_id: str, number: int, fingerprint: str = "f") -> None:
        at_ns = (self.world.clock.now_ms() + number) * 1_000_000
        async with self.calls.transaction() as session:
            session.add(
                Call(
                    call_id=f"c_{number}",
                    workspace_id="w_1",
                    kind="tool",
                    started_at_ns=at_ns,
                    ended_at_ns=at_ns + 1,
                    key_id="r_1",
                    run_id="r_1",
                    task_id=task_id,
                    provider="demo",
                    model="demo/search",
                    dialect="mcp",
                    endpoint="/mcp/demo",
                    fingerprint=fingerprint,
                    response_digest="same",
                    label='"subsidies"',
                    outcome="ok",
                    status=200,
                    cost_nano_usd=7,
                )
            )


@pytest.fixture
async def desk(world: World) -> AsyncIterator[Desk]:
    calls = open_calls(world.settings)
    async with world.control.transaction() as session:
        session.add(
            User(user_id="u_ada", workspace_id="w_1", email="a@example.org", name="Ada", handle="ada", created_at_ms=0)
        )
    watch = Watch(
        world.control,
        calls,
        Reconciler(world.control, world.client, world.clock),
        FreezeKeeper(world.control, world.engine, world.clock),
        Leadership(world.control, world.clock, "watch", "me"),
        Thresholds(repeats=3, silence_ms=60_000),
        86_400_000,
        world.clock,
    )
    async with world.worker():
        yield Desk(world, calls, watch)
    await calls.close()


async def test_a_repeating_run_gets_a_signal_with_evidence_and_a_notice(desk: Desk) -> None:
    task = await desk.stuck_run()

    assert await desk.watch.look() == 1
    signal = (await desk.world.rows("SELECT task_id, signal, reason, evidence FROM signals"))[0]
    assert (signal.task_id, signal.signal) == (task.task_id, "stuck")
    assert signal.reason.startswith("Repeated the same call 3 times in ")
    assert '"c_2"' in signal.evidence
    notices = await desk.world.rows("SELECT user_id, kind, resolved_at_ms FROM notices")
    assert [tuple(one) for one in notices] == [("u_ada", "stuck", None)]
    topics = await desk.world.rows("SELECT topic FROM outbox WHERE topic IN ('signal', 'notice')")
    assert sorted(one.topic for one in topics) == ["notice", "signal"]


async def test_a_loop_is_counted_from_its_beginning_however_long_it_runs(desk: Desk) -> None:
    await desk.stuck_run(count=90)

    await desk.watch.look()

    signal = (await desk.world.rows("SELECT reason, evidence FROM signals"))[0]
    assert signal.reason.startswith("Repeated the same call 90 times in ")
    evidence = json.loads(signal.evidence)
    assert (evidence["rounds"], evidence["cost_nano_usd"]) == (90, 90 * 7)
    assert [call["call_id"] for call in evidence["calls"]] == [f"c_{number}" for number in range(30, 90)]


async def test_a_second_look_at_the_same_thing_writes_nothing(desk: Desk) -> None:
    await desk.stuck_run()
    await desk.watch.look()
    before = await desk.world.rows("SELECT max(seq) FROM outbox")

    assert await desk.watch.look() == 0
    assert await desk.world.rows("SELECT max(seq) FROM outbox") == before


async def test_a_run_that_goes_on_is_not_stuck_any_more(desk: Desk) -> None:
    task = await desk.stuck_run()
    await desk.watch.look()
    await desk.call(task.task_id, 3, fingerprint="another")

    assert await desk.watch.look() == 1
    assert await desk.world.rows("SELECT * FROM signals") == []
    notice = (await desk.world.rows("SELECT resolved_at_ms FROM notices"))[0]
    assert notice.resolved_at_ms is not None


async def test_a_run_that_ended_takes_its_signal_with_it(desk: Desk) -> None:
    task = await desk.stuck_run()
    await desk.watch.look()
    await desk.world.apply(task.task_id, ReleaseRun("r_1", task.epoch), WRITER)
    await desk.world.until_row("SELECT 1 FROM runs WHERE state = 'released'")

    assert await desk.watch.look() == 1
    assert await desk.world.rows("SELECT * FROM signals") == []


async def test_only_one_of_two_workers_watches_until_it_resigns(desk: Desk) -> None:
    mine = desk.watch.leadership
    other = Leadership(desk.world.control, desk.world.clock, "watch", "you")

    assert await mine.is_mine()
    assert not await other.is_mine()
    await mine.resign()
    assert await other.is_mine()
    assert not await mine.is_mine()


async def test_the_reconciler_tells_what_a_terminated_workflow_could_not(desk: Desk) -> None:
    world = desk.world
    blocker = await world.create("First")
    waiting = await world.create("Second", blockers=(blocker.task_id,))
    await world.until_row("SELECT 1 FROM tasks WHERE is_blocked")
    await world.client.get_workflow_handle(blocker.task_id).terminate("by hand")
    await world.write("UPDATE tasks SET status = 'done' WHERE task_id = :t", t=blocker.task_id)

    assert await desk.watch.reconciler.correct_blockers() == 1
    await world.until_row("SELECT 1 FROM tasks WHERE task_id = :t AND is_claimable", t=waiting.task_id)
    assert await desk.watch.reconciler.correct_blockers() == 0


async def test_the_reconciler_corrects_who_was_wrong_about_a_blocker_either_way(desk: Desk) -> None:
    world = desk.world
    blocker = await world.create("First")
    waiting = await world.create("Second", blockers=(blocker.task_id,))
    await world.until_row("SELECT 1 FROM tasks WHERE is_blocked")
    system = Actor(ActorKind.SYSTEM, "workers", "Pointsman")
    await world.apply(waiting.task_id, ResolveBlocker(blocker.task_id, "done"), system)
    await world.until_row("SELECT 1 FROM tasks WHERE task_id = :t AND is_claimable", t=waiting.task_id)

    assert await desk.watch.reconciler.correct_blockers() == 1
    await world.until_row("SELECT 1 FROM tasks WHERE task_id = :t AND is_blocked", t=waiting.task_id)
    await world.apply(waiting.task_id, ResolveBlocker(blocker.task_id, "cancelled"), system)
    await world.until_row("SELECT 1 FROM tasks WHERE needs_human_kind = 'blocker_cancelled'")
    assert await desk.watch.reconciler.correct_blockers() == 1
    await world.until_row("SELECT 1 FROM tasks WHERE task_id = :t AND needs_human = ''", t=waiting.task_id)
    assert await desk.watch.reconciler.correct_blockers() == 0


async def test_the_reconciler_does_not_overrule_what_a_task_has_heard_since(desk: Desk) -> None:
    world = desk.world
    blocker = await world.create("First")
    waiting = await world.create("Second", blockers=(blocker.task_id,))
    handle = world.client.get_workflow_handle(waiting.task_id)

    async def has_checked() -> bool:
        events = [event async for event in handle.fetch_history_events()]
        return sum(event.HasField("activity_task_completed_event_attributes") for event in events) == 2

    assert await until(has_checked)
    await world.write("UPDATE tasks SET status = 'done' WHERE task_id = :t", t=blocker.task_id)
    await world.apply(waiting.task_id, EditTask(title="Changed since"))
    await world.until_row("SELECT 1 FROM tasks WHERE title = 'Changed since'")
    await world.write("UPDATE tasks SET state_json = replace(state_json, :now, :before)", **REVISIONS)

    assert await desk.watch.reconciler.correct_blockers() == 1
    await world.apply(waiting.task_id, EditTask(title="And again"))  # an Update waits for the signals before it
    state = await world.engine.snapshot(waiting.task_id)
    assert state is not None
    assert state.is_blocked
