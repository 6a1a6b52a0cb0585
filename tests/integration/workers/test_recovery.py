"""One of the two stores is lost, and comes back from the other one."""

import asyncio
from contextlib import ExitStack
from typing import Any

import pytest

from controlplane.domain.commands import (
    AnswerQuestion,
    AskQuestion,
    CancelTask,
    ClaimTask,
    CompleteTask,
    EditTask,
    HoldTask,
    NudgeRun,
    ReleaseRun,
    ReopenTask,
    ReviewDeliverable,
    SubmitDeliverable,
)
from controlplane.domain.state import Actor, ActorKind, HoldKind, ReviewRule, RunState, TaskState
from controlplane.ports import EngineUnavailable
from controlplane.settings import Settings
from tests.fixtures_temporal import python_process
from tests.integration.workers.conftest import ADA, WRITER, World, envelope, until
from workers.bootstrap import EngineAbsent, bootstrap


async def run(word: str, settings: Settings, *arguments: str) -> str:
    """`python -m workers WORD`, which must end well; what it said."""
    with ExitStack() as stack:
        process = stack.enter_context(python_process("workers", settings, word, *arguments))
        code = await asyncio.to_thread(process.wait, 30)
    said = (settings.home.root / "workers.log").read_text()
    assert code == 0, said
    return said


BOB = Actor(ActorKind.PERSON, "u_bob", "Bob")
REBUILT = ("tasks", "runs", "task_events", "deliverables", "verdicts", "task_edges", "directives")
# What beats and clocks said, and how often the guard had to ask: SQL's own.
NOT_COMPARED = {"seen_at_ms", "progress", "progress_at_ms", "delivered_at_ms", "execution_generation"}


async def a_bit_of_everything(world: World) -> list[TaskState]:
    """Asked, reviewed by two and sent back, reopened; held; blocked; waiting for a person with a deadline."""
    reviewed = await world.create("Reviewed", review=ReviewRule((ADA, BOB), needed=2))
    for number, verdicts in ((1, ["request_changes"]), (2, ["approve", "approve"])):
        claimed = await world.apply(reviewed.task_id, ClaimTask("a_writer", f"r_{number}"), WRITER)
        submit = SubmitDeliverable(f"r_{number}", claimed.state.epoch, f"{number}b" * 32, 12, title="Draft")
        await world.apply(reviewed.task_id, submit, WRITER)
        for reviewer, verdict in zip((ADA, BOB), verdicts, strict=False):
            await world.apply(reviewed.task_id, ReviewDeliverable(number, verdict, "A note."), reviewer)
    await world.client.get_workflow_handle(reviewed.task_id).result()
    await world.apply(reviewed.task_id, ReopenTask("one more thing"))
    asking = await world.create("Asking", blockers=())
    run = await world.apply(asking.task_id, ClaimTask("a_writer", "r_3"), WRITER)
    await world.apply(asking.task_id, NudgeRun("Hurry."))
    ask = AskQuestion("r_3", run.state.epoch, "q_1", "Ship it?", answer_kind="approval", expires_in_seconds=3600.0)
    await world.apply(asking.task_id, ask, WRITER)
    held = await world.create("Held", blockers=(reviewed.task_id,))
    await world.apply(held.task_id, HoldTask(HoldKind.FREEZE, "fire"))
    await world.apply(held.task_id, HoldTask(HoldKind.BUDGET, "money"))
    cancelled = await world.create("Cancelled", blockers=(asking.task_id,))
    await world.apply(cancelled.task_id, CancelTask("not needed"))
    states = [await world.engine.snapshot(one.task_id) for one in (reviewed, asking, held, cancelled)]

    async def all_is_told() -> bool:
        rows = await world.rows("SELECT task_id, revision FROM tasks")
        known = {row.task_id: row.revision for row in rows}
        return all(state is not None and known.get(state.task_id) == state.revision for state in states)

    assert await until(all_is_told)
    return [state for state in states if state is not None]


async def contents(world: World) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for table in REBUILT:
        rows = [dict(row._mapping) for row in await world.rows(f"SELECT * FROM {table}")]
        found[table] = sorted(
            ({name: value for name, value in row.items() if name not in NOT_COMPARED} for row in rows), key=repr
        )
    return found


async def lose_temporal(world: World) -> None:
    world.server.kill()
    for path in world.settings.home.root.glob("temporal.sqlite*"):
        path.unlink()
    world.server.start()
    await bootstrap(world.settings)


async def test_tasks_come_back_from_sql_when_temporals_file_is_lost(world: World) -> None:
    async with world.worker():
        task = await world.create()
        claimed = await world.apply(task.task_id, ClaimTask("a_writer", "r_1"), WRITER)
        await world.until_row("SELECT 1 FROM tasks WHERE revision = 2")
    await lose_temporal(world)

    assert "1 tasks reimported" in await run("reimport", world.settings)
    async with world.worker():
        released = await world.apply(task.task_id, ReleaseRun("r_1", claimed.state.epoch), WRITER)
        row = await world.until_row("SELECT status, execution_id FROM tasks WHERE revision = 3")
    assert tuple(row) == ("ready", released.execution_id)
    assert "0 tasks reimported" in (await run("reimport", world.settings)).splitlines()[-1]


async def test_the_read_model_comes_back_from_the_workflows(world: World) -> None:
    async with world.worker():
        task = await world.create("Kept")
        await world.apply(task.task_id, EditTask(brief="All of it."))
        await world.until_row("SELECT 1 FROM tasks WHERE revision = 2")
        before = await world.rows("SELECT title, status, revision, state_json FROM tasks")
        await world.write("DELETE FROM tasks")

        async def is_visible() -> bool:
            return "1 task workflows, 1 differ" in await run("check", world.settings)

        assert await until(is_visible, 20)
        assert "1 tasks rebuilt" in await run("rebuild", world.settings)
        assert "1 task workflows, 0 differ" in await run("check", world.settings)
    assert await world.rows("SELECT title, status, revision, state_json FROM tasks") == before


async def test_every_row_of_every_task_comes_back_field_by_field(world: World) -> None:
    async with world.worker():
        states = await a_bit_of_everything(world)
        before = await contents(world)
        for table in (*REBUILT, "task_numbers"):
            await world.write(f"DELETE FROM {table}")

        async def is_visible() -> bool:
            return "4 task workflows, 4 differ" in await run("check", world.settings)

        assert await until(is_visible, 30)
        assert "4 tasks rebuilt" in await run("rebuild", world.settings)
        after = await contents(world)
        assert "4 task workflows, 0 differ" in await run("check", world.settings)
        numbers = await world.rows("SELECT task_id, number, command_id FROM task_numbers ORDER BY number")

    for table in REBUILT:
        assert after[table] == before[table], table
    assert [tuple(row) for row in numbers] == [(one.task_id, one.number, one.applied[0]) for one in states]


async def test_a_row_that_was_damaged_is_rebuilt_when_its_task_is_named(world: World) -> None:
    async with world.worker():
        task = await world.create("Right")
        await world.until_row("SELECT 1 FROM tasks")
        before = await contents(world)
        await world.write("UPDATE tasks SET title = 'Wrong', status = 'done'")

        assert "1 tasks rebuilt" in await run("rebuild", world.settings, task.task_id)
        assert await contents(world) == before
        assert "0 tasks rebuilt" in (await run("rebuild", world.settings, "t_unknown")).splitlines()[-1]


async def test_every_open_task_goes_on_as_it_was_when_temporals_file_is_lost(world: World) -> None:
    async with world.worker():
        states = await a_bit_of_everything(world)
    reviewed, asking, held, cancelled = (state.task_id for state in states)
    await lose_temporal(world)

    assert "3 tasks reimported" in await run("reimport", world.settings)
    async with world.worker():
        again = [await world.engine.snapshot(task_id) for task_id in (reviewed, asking, held)]
        answered = await world.apply(asking, AnswerQuestion("q_1", value=True))
        await world.apply(reviewed, CompleteTask("enough"))
        await world.until_row("SELECT 1 FROM tasks WHERE task_id = :t AND NOT is_blocked", t=held)
        reopened = await world.apply(cancelled, ReopenTask("needed after all"))
        await world.until_row("SELECT 1 FROM tasks WHERE task_id = :t AND is_blocked", t=cancelled)

    assert again == states[:3]
    assert answered.state.live_run is not None
    assert answered.state.live_run.state is RunState.RUNNING
    assert reopened.state.revision == states[3].revision + 1


async def test_a_deadline_that_ran_when_temporals_file_was_lost_runs_on(world: World) -> None:
    async with world.worker():
        task = await world.create()
        run_of = await world.apply(task.task_id, ClaimTask("a_writer", "r_1"), WRITER)
        ask = AskQuestion("r_1", run_of.state.epoch, "q_1", "Ship it?", expires_in_seconds=4.0)
        await world.apply(task.task_id, ask, WRITER)
        await world.until_row("SELECT 1 FROM tasks WHERE revision = 3")
    await lose_temporal(world)
    await run("reimport", world.settings)
    async with world.worker():
        await world.until_row("SELECT 1 FROM task_events WHERE kind = 'question_expired'")


async def test_a_task_whose_workflow_was_killed_by_hand_is_reimported(world: World) -> None:
    async with world.worker():
        task = await world.create()
        await world.until_row("SELECT 1 FROM tasks")
        await world.client.get_workflow_handle(task.task_id).terminate("by hand")
        with pytest.raises(EngineUnavailable, match="pointsman reimport"):
            await world.engine.execute(task.task_id, envelope(EditTask(title="Nobody hears")))
        assert "1 tasks reimported" in await run("reimport", world.settings)
        edited = await world.apply(task.task_id, EditTask(title="Heard"))

    assert edited.state.revision == 2


async def test_a_refreshed_task_continues_as_new_with_all_it_had(world: World) -> None:
    async with world.worker():
        states = await a_bit_of_everything(world)
        handles = [world.client.get_workflow_handle(one.task_id) for one in states[:3]]
        before = [(await handle.describe()).run_id for handle in handles]

        async def are_visible() -> bool:
            return "3 tasks asked" in await run("refresh", world.settings)

        assert await until(are_visible, 20)

        async def have_renewed() -> bool:
            now = [(await handle.describe()).run_id for handle in handles]
            return not set(now) & set(before)

        assert await until(have_renewed)
        after = [await world.engine.snapshot(one.task_id) for one in states]

    assert after == states


async def test_bootstrap_says_where_it_looked_when_nobody_answers(world: World) -> None:
    world.server.kill()

    with pytest.raises(EngineAbsent, match=r"no Temporal server .* answered at 127\.0\.0\.1:\d+ within 1 s"):
        await bootstrap(world.settings, timeout_seconds=1)
