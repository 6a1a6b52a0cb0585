"""Recurring tasks: each time that was due has its row, whatever became of it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.commands import CommandRefused
from controlplane.commands.recurring import CATCH_UP_MS, times_between
from controlplane.domain.commands import CancelTask
from controlplane.recurrence import parse_recurrence

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
SEVEN = int(datetime(2026, 11, 20, 7, tzinfo=UTC).timestamp() * 1000)


@pytest.fixture
async def hourly(service, clock, admin):
    clock.ms = SEVEN - MINUTE_MS
    return await service.make_recurring(
        admin.actor, "make", admin.workspace_id, "Report", "0 * * * *", template={"needs": ["draft"], "priority": 2}
    )


async def ledger(service, admin, recurring) -> list[tuple[int, str]]:
    found = await service.occurrences(admin.workspace_id, recurring.recurring_id)
    return [((one.due_at_ms - SEVEN) // HOUR_MS, one.outcome) for one in reversed(found)]


async def test_a_time_that_is_due_makes_its_task_once(service, engine, clock, admin, hourly):
    assert await service.occur() == 0
    clock.ms = SEVEN + 1_000
    assert await service.occur() == 1
    assert await service.occur() == 0
    (task,) = engine.tasks.values()
    assert (task.title, task.needs, task.priority) == ("Report", ("draft",), 2)
    assert await ledger(service, admin, hourly) == [(0, "ran")]


async def test_a_time_is_skipped_while_the_task_of_the_last_one_is_open(service, engine, clock, admin, hourly):
    for hour in range(3):
        clock.ms = SEVEN + hour * HOUR_MS + 1_000
        await service.occur()
        if hour == 1:
            (task,) = engine.tasks.values()
            await service.execute(admin.actor, "done with", task.task_id, CancelTask())
    assert await ledger(service, admin, hourly) == [(0, "ran"), (1, "skipped"), (2, "ran")]
    skipped = (await service.occurrences(admin.workspace_id, hourly.recurring_id))[1]
    assert skipped.reason == "T-1 of the last time is still open"


async def test_times_that_passed_while_nobody_was_there_are_missed_not_made_up_for(
    service, engine, clock, admin, hourly
):
    clock.ms = SEVEN + 5 * HOUR_MS + CATCH_UP_MS + 1_000
    assert await service.occur() == 6
    assert await ledger(service, admin, hourly) == [(hour, "missed") for hour in range(6)]
    assert not engine.tasks
    clock.ms = SEVEN + 8 * HOUR_MS + 1_000
    await service.occur()
    assert (await ledger(service, admin, hourly))[-3:] == [(6, "missed"), (7, "missed"), (8, "ran")]


async def test_a_process_killed_between_the_task_and_its_row_finds_the_task_again(
    service, engine, clock, admin, hourly, monkeypatch
):
    clock.ms = SEVEN + 1_000

    async def die(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(service, "_note", die)
        with pytest.raises(RuntimeError):
            await service.occur()
    await service.occur()
    assert len(engine.tasks) == 1


async def test_a_paused_or_deleted_one_makes_nothing(service, engine, clock, admin, hourly):
    await service.set_recurring(admin.workspace_id, hourly.recurring_id, is_paused=True)
    clock.ms = SEVEN + 1_000
    assert await service.occur() == 0
    await service.set_recurring(admin.workspace_id, hourly.recurring_id, is_paused=False, is_deleted=True)
    assert await service.occur() == 0
    with pytest.raises(CommandRefused, match="no recurring task"):
        await service.run_recurring("now", admin.workspace_id, hourly.recurring_id)


async def test_it_can_be_run_now(service, engine, admin, hourly):
    one = await service.run_recurring("now", admin.workspace_id, hourly.recurring_id)
    assert (one.outcome, len(engine.tasks)) == ("ran", 1)


@pytest.mark.parametrize(("cron", "zone"), [("* * * *", "UTC"), ("99 * * * *", "UTC"), ("0 7 * * *", "Mars/Olympus")])
async def test_what_is_no_time_is_refused(service, admin, cron, zone):
    with pytest.raises(CommandRefused):
        await service.make_recurring(admin.actor, "make", admin.workspace_id, "x", cron, zone)


def test_a_local_time_that_the_clock_skips_is_taken_when_it_exists():
    berlin = parse_recurrence("30 2 * * *", "Europe/Berlin")
    before = int(datetime(2026, 3, 28, 12, tzinfo=UTC).timestamp() * 1000)
    first = next(iter(berlin.after(before)))
    assert datetime.fromtimestamp(first / 1000, UTC) == datetime(2026, 3, 29, 1, tzinfo=UTC)


@given(cron=st.sampled_from(["*/7 * * * *", "0 3 * * 1", "15,45 */2 * * *"]), length=st.integers(0, 100_000))
@settings(max_examples=30, deadline=None)
def test_looking_often_or_seldom_finds_the_same_times(cron, length):
    recurrence = parse_recurrence(cron, "America/New_York")
    end = SEVEN + length * 1_000
    at_once = times_between(recurrence, SEVEN, end)
    bit_by_bit: list[int] = []
    for until in range(SEVEN, end + 1, 977_000):
        bit_by_bit += times_between(recurrence, bit_by_bit[-1] if bit_by_bit else SEVEN, until)
    bit_by_bit += times_between(recurrence, bit_by_bit[-1] if bit_by_bit else SEVEN, end)
    assert bit_by_bit == at_once
