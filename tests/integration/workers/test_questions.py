"""A question that expires: nobody's answer in time means no, whoever is killed meanwhile."""

from contextlib import ExitStack

import pytest
from temporalio.api.enums.v1 import EventType

from controlplane.domain.commands import AnswerQuestion, AskQuestion, ClaimTask
from controlplane.domain.state import RunState, TaskState
from tests.fixtures_temporal import python_process
from tests.integration.workers.conftest import WRITER, World

EXPIRED = "SELECT 1 FROM task_events WHERE kind = 'question_expired'"


async def asking(world: World, seconds: float | None, question_id: str = "q_1") -> TaskState:
    task = await world.create()
    claimed = await world.apply(task.task_id, ClaimTask("a_writer", "r_1"), WRITER)
    ask = AskQuestion(
        "r_1", claimed.state.epoch, question_id, "Ship it?", answer_kind="approval", expires_in_seconds=seconds
    )
    return (await world.apply(task.task_id, ask, WRITER)).state


async def timers(world: World, task_id: str) -> list[str]:
    names = {
        EventType.EVENT_TYPE_TIMER_STARTED: "started",
        EventType.EVENT_TYPE_TIMER_CANCELED: "cancelled",
        EventType.EVENT_TYPE_TIMER_FIRED: "fired",
    }
    events = world.client.get_workflow_handle(task_id).fetch_history_events()
    return [names[event.event_type] async for event in events if event.event_type in names]


async def test_a_question_that_nobody_answers_expires_and_its_run_goes_on(world: World) -> None:
    async with world.worker():
        task = await asking(world, 1.0)
        await world.until_row(EXPIRED)
        state = await world.engine.snapshot(task.task_id)
        history = await timers(world, task.task_id)

    assert task.live_run is not None
    assert task.live_run.state is RunState.WAITING_APPROVAL
    assert state is not None
    assert state.question is not None
    assert state.question.outcome == "expired"
    assert state.live_run is not None
    assert state.live_run.state is RunState.RUNNING
    assert history == ["started", "fired"]


async def test_an_answered_question_does_not_expire(world: World) -> None:
    async with world.worker():
        task = await asking(world, 30.0)
        answered = await world.apply(task.task_id, AnswerQuestion("q_1", value=True))
        again = AskQuestion("r_1", task.epoch, "q_2", "And now?", expires_in_seconds=1.0)
        await world.apply(task.task_id, again, WRITER)
        await world.until_row(EXPIRED)
        state = await world.engine.snapshot(task.task_id)
        history = await timers(world, task.task_id)

    assert answered.state.question is not None
    assert (answered.state.question.outcome, answered.state.question.answer) == ("answered", True)
    assert state is not None
    assert state.question is not None
    assert (state.question.question_id, state.question.outcome) == ("q_2", "expired")
    assert history == ["started", "cancelled", "started", "fired"]


async def test_a_question_without_a_deadline_starts_no_timer(world: World) -> None:
    async with world.worker():
        task = await asking(world, None)
        assert await timers(world, task.task_id) == []


async def test_a_pending_deadline_survives_continuing_as_new(world: World) -> None:
    async with world.worker():
        task = await asking(world, 2.0)
        handle = world.client.get_workflow_handle(task.task_id)
        before = (await handle.describe()).run_id
        await handle.signal("refresh")
        await world.until_row(EXPIRED)
        after = (await handle.describe()).run_id

    assert after != before


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_a_deadline_that_passes_while_no_worker_lives_is_kept_by_the_next_one(world: World) -> None:
    with ExitStack() as stack:
        stack.enter_context(python_process("workers", world.settings))
        await asking(world, 2.0)
    assert not await world.rows(EXPIRED)
    with ExitStack() as stack:
        stack.enter_context(python_process("workers", world.settings))
        await world.until_row(EXPIRED, seconds=30)
