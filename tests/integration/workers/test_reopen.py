"""A closed task that is wanted again: a new execution goes on from where the last one ended."""

import asyncio
from contextlib import ExitStack

import pytest
from pointsman.contract import ErrorCode

from controlplane.domain.commands import AddBlockers, CancelTask, ClaimTask, CompleteTask, EditTask, ReopenTask
from controlplane.domain.decide import Refusal
from controlplane.domain.state import BlockerState, TaskState, TaskStatus
from controlplane.ports import Applied
from tests.fixtures_temporal import python_process
from tests.integration.workers.conftest import WRITER, World, envelope, until
from workers.bootstrap import bootstrap
from workers.messages import TASK_QUEUE, TaskStart
from workers.workflows.task import TaskWorkflow


async def closed(world: World, title: str = "Write", **fields: object) -> TaskState:
    task = await world.create(title, **fields)
    await world.apply(task.task_id, CompleteTask("good enough"))
    final: TaskState = await world.client.get_workflow_handle_for(TaskWorkflow.run, task.task_id).result()
    return final


async def view_of(world: World, task_id: str, blocker_id: str) -> BlockerState:
    state = await world.engine.snapshot(task_id)
    assert state is not None
    return state.blockers[blocker_id]


async def test_a_reopened_task_goes_on_from_its_last_state_in_a_new_execution(world: World) -> None:
    async with world.worker():
        before = await closed(world)
        reopened = await world.apply(before.task_id, ReopenTask("one more thing"))
        claimed = await world.apply(before.task_id, ClaimTask("a_writer", "r_1"), WRITER)
        row = await world.until_row("SELECT status, execution_id FROM tasks WHERE revision = 4")

    assert reopened.state.status is TaskStatus.READY
    assert reopened.state.revision == before.revision + 1
    assert reopened.state.applied[: len(before.applied)] == before.applied
    assert tuple(row) == ("in_progress", claimed.execution_id)
    events = await world.rows("SELECT revision, kind FROM task_events ORDER BY revision, position")
    kinds = ["task_created", "task_completed", "task_reopened", "run_started"]
    assert [tuple(event) for event in events] == list(enumerate(kinds, 1))


async def test_a_task_that_is_reopened_while_its_end_is_told_stays_open(world: World) -> None:
    async with world.worker():
        for number in range(10):
            task = await world.create(f"Write {number}")
            await world.apply(task.task_id, CompleteTask("good enough"))
            await world.apply(task.task_id, ReopenTask("not quite"))
            claimed = await world.apply(task.task_id, ClaimTask("a_writer", f"r_{number}"), WRITER)
            assert claimed.state.status is TaskStatus.IN_PROGRESS


async def test_reopening_twice_with_one_command_id_happens_once(world: World) -> None:
    async with world.worker():
        task = await closed(world)
        reopen = envelope(ReopenTask("again"))
        first, second = await asyncio.gather(
            world.engine.execute(task.task_id, reopen), world.engine.execute(task.task_id, reopen)
        )
        await world.apply(task.task_id, CancelTask("no"))
        await world.client.get_workflow_handle(task.task_id).result()
        late = await world.engine.execute(task.task_id, reopen)
        state = await world.engine.snapshot(task.task_id)

    assert isinstance(first, Applied)
    assert isinstance(second, Applied)
    assert first.execution_id == second.execution_id
    assert first.state.revision == second.state.revision == 3
    assert isinstance(late, Applied)
    assert late.execution_id == first.execution_id
    assert state is not None
    assert state.status is TaskStatus.CANCELLED


async def test_of_two_who_reopen_at_once_one_does_and_the_other_hears_that_it_is_open(world: World) -> None:
    async with world.worker():
        task = await closed(world)
        answers = await asyncio.gather(
            *(world.engine.execute(task.task_id, envelope(ReopenTask(f"reason {n}"))) for n in range(4))
        )
        state = await world.engine.snapshot(task.task_id)

    assert state is not None
    assert state.revision == task.revision + 1
    assert sum(isinstance(answer, Applied) for answer in answers) == 1
    codes = {answer.code for answer in answers if isinstance(answer, Refusal)}
    assert codes == {ErrorCode.ILLEGAL_TRANSITION}


async def test_who_reopens_from_an_older_end_goes_on_from_the_last_one(world: World) -> None:
    async with world.worker():
        older = await closed(world)
        await world.apply(older.task_id, ReopenTask("first"))
        await world.apply(older.task_id, EditTask(title="Kept"))
        cancelled = await world.apply(older.task_id, CancelTask("no"))
        await world.client.get_workflow_handle(older.task_id).result()
        # As a client that looked before all this, and comes only now.
        await world.client.start_workflow(
            TaskWorkflow.run, TaskStart(world.engine.lease, older), id=older.task_id, task_queue=TASK_QUEUE
        )
        reopened = await world.apply(older.task_id, ReopenTask("second"))

    assert reopened.state.title == "Kept"
    assert reopened.state.revision == cancelled.state.revision + 1


async def test_a_task_that_temporal_has_forgotten_is_reopened_from_sql(world: World) -> None:
    async with world.worker():
        before = await closed(world)
    world.server.kill()
    for path in world.settings.home.root.glob("temporal.sqlite*"):
        path.unlink()
    world.server.start()
    await bootstrap(world.settings)
    async with world.worker():
        edit = await world.refuse(before.task_id, EditTask(title="Late"))
        reopened = await world.apply(before.task_id, ReopenTask("after all"))
        row = await world.until_row("SELECT execution_id FROM tasks WHERE revision = 3 AND status = 'ready'")

    assert edit.code is ErrorCode.ILLEGAL_TRANSITION
    assert reopened.state.created_at_ms == before.created_at_ms
    assert row.execution_id == reopened.execution_id


async def test_those_that_build_on_a_reopened_task_hear_it_and_hear_when_it_is_done_again(world: World) -> None:
    async with world.worker():
        first = await closed(world, "First")
        begun = await world.create("Begun", blockers=(first.task_id,))
        waiting = await world.create("Waiting", blockers=(first.task_id,))
        await world.until_row("SELECT 1 FROM tasks WHERE is_claimable GROUP BY 1 HAVING count(*) = 2")
        await world.apply(begun.task_id, ClaimTask("a_writer", "r_1"), WRITER)
        await world.until_row("SELECT 1 FROM runs WHERE run_id = 'r_1'")

        await world.apply(first.task_id, ReopenTask("it was wrong"))
        await world.until_row("SELECT 1 FROM tasks WHERE is_blocked GROUP BY 1 HAVING count(*) = 2")
        told = await world.rows("SELECT task_id, has_changed_upstream FROM tasks WHERE task_id != :t", t=first.task_id)
        refusal = await world.refuse(waiting.task_id, ClaimTask("a_other", "r_2"), WRITER)
        await world.apply(first.task_id, CompleteTask("right now"))
        await world.until_row("SELECT 1 FROM tasks WHERE task_id = :t AND is_claimable", t=waiting.task_id)

    assert {row.task_id: bool(row.has_changed_upstream) for row in told} == {
        begun.task_id: True,
        waiting.task_id: False,
    }
    assert refusal.code is ErrorCode.TASK_BLOCKED
    directives = await world.rows("SELECT run_id, kind FROM directives")
    assert [tuple(one) for one in directives] == [("r_1", "upstream_changed")]


async def test_a_reopened_task_looks_at_its_own_blockers_again(world: World) -> None:
    async with world.worker():
        done = await closed(world, "Done")
        pending = await world.create("Open")
        task = await world.create("Task", blockers=(done.task_id,))
        await world.apply(task.task_id, AddBlockers((pending.task_id,)))
        await world.apply(task.task_id, CancelTask("no"))
        await world.client.get_workflow_handle(task.task_id).result()
        reopened = await world.apply(task.task_id, ReopenTask("yes"))

        async def is_done_known() -> bool:
            return await view_of(world, task.task_id, done.task_id) is BlockerState.DONE

        assert set(reopened.state.blockers.values()) == {BlockerState.OPEN}
        assert await until(is_done_known)
        assert await view_of(world, task.task_id, pending.task_id) is BlockerState.OPEN


@pytest.mark.slow
@pytest.mark.timeout(90)
async def test_a_worker_killed_while_a_task_is_reopened_loses_nothing(world: World) -> None:
    """The start is accepted, nobody is there to run it; then again between its answer and its projection."""
    async with world.worker():
        task = await closed(world)
        waiting = await world.create("Waiting", blockers=(task.task_id,))
        await world.until_row("SELECT 1 FROM tasks WHERE task_id = :t AND is_claimable", t=waiting.task_id)
    reopen = envelope(ReopenTask("again"))
    with ExitStack() as stack:
        sending = asyncio.gather(world.send(task.task_id, reopen))

        async def is_started() -> bool:
            return (await world.client.get_workflow_handle(task.task_id).describe()).close_time is None

        assert await until(is_started)
        stack.enter_context(python_process("workers", world.settings))
        (reopened,) = await sending
    with ExitStack() as stack:
        stack.enter_context(python_process("workers", world.settings))
        await world.until_row("SELECT 1 FROM tasks WHERE revision = 3 AND status = 'ready'", seconds=30)
        await world.until_row("SELECT 1 FROM tasks WHERE task_id = :t AND is_blocked", seconds=30, t=waiting.task_id)

    assert reopened.state.revision == 3
    events = await world.rows("SELECT kind FROM task_events WHERE task_id = :t ORDER BY revision", t=task.task_id)
    assert [event.kind for event in events] == ["task_created", "task_completed", "task_reopened"]
