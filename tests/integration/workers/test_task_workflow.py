"""A task from its creation to its end: engine → workflow → SQL, with nothing in between replaced."""

import asyncio

from pointsman.contract import ErrorCode, IdPrefix, derive_run_key, digest, new_id
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, ResetReapplyType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest

from controlplane.domain.commands import (
    AddBlockers,
    CancelTask,
    ClaimTask,
    CreateTask,
    EditTask,
    ReleaseRun,
    ReviewDeliverable,
    SubmitDeliverable,
)
from controlplane.domain.decide import Refusal
from controlplane.domain.state import RunState, TaskStatus
from controlplane.ports import Applied
from tests.integration.workers.conftest import MASTER_KEY, WRITER, World, envelope, until


async def settled_history(world: World, task_id: str) -> list[EventType.ValueType]:
    """The events, when nothing is under way: the projection has ended and the workflow has heard of it."""

    async def look() -> list[EventType.ValueType]:
        handle = world.client.get_workflow_handle(task_id)
        events = [event.event_type async for event in handle.fetch_history_events()]
        is_heard = EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED in events
        return events if is_heard and events[-1] == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED else []

    events: list[EventType.ValueType] = await until(look)
    return events


async def test_a_task_with_a_long_brief_hears_many_commands_at_once_and_goes_on(world: World) -> None:
    async with world.worker():
        task = await world.create(brief="\N{GRINNING FACE}" * 60_000)
        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(world.apply(task.task_id, EditTask(title=f"T {number}")), name=f"edit {number}")
        await world.until_row("SELECT 1 FROM tasks WHERE task_id = :t AND revision = 21", t=task.task_id)
        await world.apply(task.task_id, CancelTask("enough"))
        await world.until_row("SELECT 1 FROM tasks WHERE task_id = :t AND status = 'cancelled'", t=task.task_id)


async def test_a_task_goes_from_creation_to_approval_and_sql_says_so(world: World) -> None:
    async with world.worker():
        task = await world.create()
        claimed = await world.apply(task.task_id, ClaimTask("a_writer", "r_1"), WRITER)
        await world.apply(task.task_id, SubmitDeliverable("r_1", claimed.state.epoch, "ab" * 32, 12), WRITER)
        done = await world.apply(task.task_id, ReviewDeliverable(1, "approve"))
        row = await world.until_row(
            "SELECT status, revision, version, execution_id FROM tasks WHERE task_id = :t AND revision = 4",
            t=task.task_id,
        )
        final = await world.client.get_workflow_handle(task.task_id).result()

    assert done.state.status is TaskStatus.DONE
    assert tuple(row) == ("done", 4, 1, done.execution_id)
    assert final["status"] == "done"
    events = await world.rows("SELECT revision, kind FROM task_events ORDER BY revision, position")
    assert [tuple(event) for event in events] == [
        (1, "task_created"),
        (2, "run_started"),
        (3, "deliverable_submitted"),
        (4, "deliverable_approved"),
    ]
    run = await world.rows("SELECT state, key_digest FROM runs")
    assert [tuple(one) for one in run] == [("accepted", digest(derive_run_key(MASTER_KEY, "r_1", 1)))]


async def test_a_refused_command_is_typed_and_writes_no_history(world: World) -> None:
    async with world.worker():
        task = await world.create()
        before = await settled_history(world, task.task_id)
        refusal = await world.refuse(task.task_id, ReviewDeliverable(1, "approve"))
        after = await settled_history(world, task.task_id)

    assert refusal.code is ErrorCode.ILLEGAL_TRANSITION
    assert refusal.detail == {"status": "ready", "command": "review"}
    assert before
    assert after == before


async def test_a_repeated_command_id_has_no_second_effect(world: World) -> None:
    async with world.worker():
        task = await world.create()
        edit = envelope(EditTask(title="Twice"))
        first = await world.engine.execute(task.task_id, edit)
        second = await world.engine.execute(task.task_id, edit)
        snapshot = await world.engine.snapshot(task.task_id)

    assert isinstance(first, Applied)
    assert isinstance(second, Applied)
    assert first.state == second.state == snapshot
    assert first.state.revision == 2


async def test_creating_twice_with_one_command_id_is_one_task(world: World) -> None:
    task_id = new_id(IdPrefix.TASK)
    create = envelope(CreateTask(task_id, "w_1", "p_1", 1, "Write"))
    async with world.worker():
        first = await world.engine.execute(task_id, create)
        second = await world.engine.execute(task_id, create)

    assert isinstance(first, Applied)
    assert isinstance(second, Applied)
    assert first.execution_id == second.execution_id
    assert second.state.revision == 1


async def test_a_task_without_a_title_starts_no_workflow(world: World) -> None:
    task_id = new_id(IdPrefix.TASK)
    refusal = await world.engine.execute(task_id, envelope(CreateTask(task_id, "w_1", "p_1", 1, " ")))

    assert isinstance(refusal, Refusal)
    assert refusal.code is ErrorCode.INVALID_REQUEST
    assert await world.engine.snapshot(task_id) is None


async def test_a_closed_task_refuses_new_commands_and_remembers_old_ones(world: World) -> None:
    async with world.worker():
        task = await world.create()
        cancel = envelope(CancelTask("not needed"))
        await world.engine.execute(task.task_id, cancel)
        await world.client.get_workflow_handle(task.task_id).result()
        again = await world.engine.execute(task.task_id, cancel)
        edit = await world.refuse(task.task_id, EditTask(title="Late"))
        snapshot = await world.engine.snapshot(task.task_id)

    assert isinstance(again, Applied)
    assert again.state.status is TaskStatus.CANCELLED
    assert edit.code is ErrorCode.ILLEGAL_TRANSITION
    assert snapshot == again.state


async def test_an_unknown_task_is_not_found(world: World) -> None:
    refusal = await world.refuse(new_id(IdPrefix.TASK), EditTask(title="Nowhere"))

    assert refusal.code is ErrorCode.NOT_FOUND


async def test_a_task_that_closes_wakes_those_that_wait_for_it(world: World) -> None:
    async with world.worker():
        first = await world.create("First")
        second = await world.create("Second", blockers=(first.task_id,))
        third = await world.create("Third")
        await world.apply(third.task_id, AddBlockers((first.task_id,)))
        await world.until_row("SELECT 1 FROM tasks WHERE is_blocked GROUP BY 1 HAVING count(*) = 2")
        refusal = await world.refuse(second.task_id, ClaimTask("a_writer", "r_1"), WRITER)
        run = await world.apply(first.task_id, ClaimTask("a_writer", "r_2"), WRITER)
        await world.apply(first.task_id, SubmitDeliverable("r_2", run.state.epoch, "ab" * 32, 12), WRITER)
        await world.apply(first.task_id, ReviewDeliverable(1, "approve"))
        await world.until_row(
            "SELECT 1 FROM tasks WHERE status = 'ready' AND is_claimable GROUP BY 1 HAVING count(*) = 2"
        )

    assert refusal.code is ErrorCode.TASK_BLOCKED


async def test_a_blocker_that_closed_before_the_link_does_not_block(world: World) -> None:
    async with world.worker():
        first = await world.create("First")
        run = await world.apply(first.task_id, ClaimTask("a_writer", "r_1"), WRITER)
        await world.apply(first.task_id, SubmitDeliverable("r_1", run.state.epoch, "ab" * 32, 12), WRITER)
        await world.apply(first.task_id, ReviewDeliverable(1, "approve"))
        await world.client.get_workflow_handle(first.task_id).result()
        second = await world.create("Second", blockers=(first.task_id,))
        await world.until_row("SELECT 1 FROM tasks WHERE task_id = :t AND is_claimable", t=second.task_id)


async def test_continuing_as_new_keeps_the_task_its_lease_and_its_revision(world: World) -> None:
    world.server.kill()
    world.server.extra_arguments = ("--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=40")
    world.server.start()
    async with world.worker():
        task = await world.create()
        claimed = await world.apply(task.task_id, ClaimTask("a_writer", "r_1"), WRITER)
        executions = {claimed.execution_id}
        for number in range(12):
            applied = await world.apply(task.task_id, EditTask(title=f"Title {number}"))
            executions.add(applied.execution_id)
            await world.engine.beat(task.task_id, claimed.state.epoch)
        row = await world.until_row("SELECT title, run_id FROM tasks WHERE revision = 14")
        released = await world.apply(task.task_id, ReleaseRun("r_1", claimed.state.epoch), WRITER)

    assert len(executions) > 1
    assert tuple(row) == ("Title 11", "r_1")
    assert released.state.runs[-1].state is RunState.RELEASED
    assert released.state.revision == 15


async def test_after_a_reset_the_read_model_follows_the_execution_that_is_current(world: World) -> None:
    async with world.worker():
        task = await world.create("Kept")
        created = await settled_history(world, task.task_id)
        edited = await world.apply(task.task_id, EditTask(title="Taken back"))
        await world.until_row("SELECT 1 FROM tasks WHERE title = 'Taken back'")
        await world.client.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=world.client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=task.task_id, run_id=edited.execution_id),
                workflow_task_finish_event_id=len(created),
                reset_reapply_type=ResetReapplyType.RESET_REAPPLY_TYPE_NONE,
                request_id="reset-1",
            )
        )
        again = await world.apply(task.task_id, EditTask(brief="Anew."))
        row = await world.until_row("SELECT revision, execution_id FROM tasks WHERE title = 'Kept'")

    assert again.state.revision == edited.state.revision
    assert tuple(row) == (again.state.revision, again.execution_id)
