"""Rows of the table: recurring overlap, clock skew, pause then budget reset."""

from datetime import UTC, datetime

import msgspec

from controlplane.commands.recurring import CATCH_UP_MS
from controlplane.domain import commands
from controlplane.domain.commands import ExpireQuestion, HoldTask, LiftHold
from controlplane.domain.state import HoldKind
from tests.edge_cases.team import SYSTEM, Team

HOUR_MS = 3_600_000
SEVEN = int(datetime(2026, 11, 20, 7, tzinfo=UTC).timestamp() * 1000)


async def test_a_recurring_task_that_overlaps_is_skipped_and_every_time_it_was_due_has_its_row(team: Team):
    team.clock.ms = SEVEN - 60_000
    workspace_id = team.admin.workspace_id
    recurring = await team.service.make_recurring(team.admin.actor, "make", workspace_id, "Report", "0 * * * *")
    for hour in (0, 1):
        team.clock.ms = SEVEN + hour * HOUR_MS + 1_000
        await team.service.occur()
    team.clock.ms = SEVEN + 2 * HOUR_MS + CATCH_UP_MS + 1_000  # nobody was there at nine
    await team.service.occur()
    found = list(reversed(await team.service.occurrences(workspace_id, recurring.recurring_id)))
    assert [((one.due_at_ms - SEVEN) // HOUR_MS, one.outcome) for one in found] == [
        (0, "ran"),
        (1, "skipped"),
        (2, "missed"),
    ]
    assert found[1].reason == "T-1 of the last time is still open"
    assert len(team.engine.tasks) == 1


async def test_with_clock_skew_only_the_servers_clock_counts_for_agents_send_durations_and_never_deadlines(team: Team):
    task = await team.task()
    caller = await team.begin("writer")
    question_id = await team.service.ask(caller, team.command_id(), "Send it?", kind="approval", expires_in_seconds=60)
    question = team.state(task.task_id).question
    assert question is not None
    assert question.expires_at_ms == team.clock.ms + 60_000
    team.clock.ms += 60_000
    state = await team.say(task.task_id, ExpireQuestion(question_id), SYSTEM)
    assert (state.question.outcome, state.question.answer) == ("expired", None)
    fields = {field.name for kind in commands.Command.__args__ for field in msgspec.structs.fields(kind)}
    assert [name for name in fields if name.endswith(("_at", "_at_ms", "deadline", "_until"))] == []


async def test_a_pause_survives_the_reset_of_a_budget_because_several_holds_coexist_and_resume_clears_one(team: Team):
    task = await team.task()
    await team.say(task.task_id, HoldTask(HoldKind.OPERATOR, "until Monday"))
    await team.say(task.task_id, HoldTask(HoldKind.BUDGET, "the month's money is spent"), SYSTEM)
    assert await team.claim("writer") is None
    state = await team.say(task.task_id, LiftHold(HoldKind.BUDGET, "a new month"), SYSTEM)
    assert list(state.holds) == [HoldKind.OPERATOR]
    assert await team.claim("writer") is None
    sentences = [reason.sentence for reason in await team.why(task.task_id)]
    assert sentences[0] == "Admin holds it (operator): until Monday."
    await team.say(task.task_id, LiftHold(HoldKind.OPERATOR))
    assert await team.claim("writer") is not None
