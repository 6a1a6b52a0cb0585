"""One of the two stores is lost, and comes back from the other one."""

import asyncio
from contextlib import ExitStack

import pytest

from controlplane.domain.commands import ClaimTask, EditTask, ReleaseRun
from controlplane.settings import Settings
from tests.fixtures_temporal import python_process
from tests.integration.workers.conftest import WRITER, World, until
from workers.bootstrap import EngineAbsent, bootstrap


async def run(word: str, settings: Settings) -> str:
    """`python -m workers WORD`, which must end well; what it said."""
    with ExitStack() as stack:
        process = stack.enter_context(python_process("workers", settings, word))
        code = await asyncio.to_thread(process.wait, 30)
    said = (settings.home.root / "workers.log").read_text()
    assert code == 0, said
    return said


async def test_tasks_come_back_from_sql_when_temporals_file_is_lost(world: World) -> None:
    async with world.worker():
        task = await world.create()
        claimed = await world.apply(task.task_id, ClaimTask("a_writer", "r_1"), WRITER)
        await world.until_row("SELECT 1 FROM tasks WHERE revision = 2")
    world.server.kill()
    for path in world.settings.home.root.glob("temporal.sqlite*"):
        path.unlink()
    world.server.start()
    await bootstrap(world.settings)

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


async def test_bootstrap_says_where_it_looked_when_nobody_answers(world: World) -> None:
    world.server.kill()

    with pytest.raises(EngineAbsent, match=r"no Temporal server .* answered at 127\.0\.0\.1:\d+ within 1 s"):
        await bootstrap(world.settings, timeout_seconds=1)
