"""What is left to write of a command, when somebody else may have written it."""

from functools import partial

from controlplane.ports import Applied
from controlplane.projections.known import Known, look_up
from tests.unit.controlplane.projections.test_task import LIFE, play, write


async def missing_of(database, *applied: Applied) -> Known:
    return await database.read(partial(look_up, applied=applied))


async def test_of_a_task_that_sql_does_not_have_everything_is_missing(database):
    applied = play(LIFE[:2])
    assert await missing_of(database, *applied) == Known(None, tuple(applied))


async def test_what_was_written_through_is_not_missing_whoever_wrote_it(database):
    applied = play(LIFE)
    await write(database, *applied)
    assert await missing_of(database, *applied) == Known("x1", ())


async def test_an_older_command_whose_events_nobody_wrote_is_missing_though_the_row_is_newer(database):
    first, skipped, last = play(LIFE[:3])
    await write(database, first, last)
    assert await missing_of(database, first, skipped, last) == Known("x1", (skipped,))


async def test_a_command_of_another_execution_is_missing_whatever_its_revision(database):
    await write(database, *play(LIFE[:3]))
    (after_reset,) = play(LIFE[:1], execution_id="x2")
    assert await missing_of(database, after_reset) == Known("x1", (after_reset,))
