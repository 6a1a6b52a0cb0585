"""Rows of the table: waiting in queue counted as failure, blocked on a human, wake storms and self-wake."""

import pytest
from pointsman.contract import ErrorCode

from controlplane.commands import CommandRefused
from controlplane.domain.commands import AnswerQuestion, GiveHelp, LiftHold, ReleaseRun
from controlplane.domain.state import HoldKind, HumanCause, RunState
from tests.edge_cases.team import Team

HOUR_MS = 3_600_000


async def test_waiting_in_the_queue_is_no_failure_and_its_place_and_reason_are_told(team: Team):
    await team.task("first")
    await team.task("second")
    last = await team.task("third")
    team.clock.ms += 24 * HOUR_MS
    state = team.state(last.task_id)
    assert (state.failures, state.needs_human, state.run_count) == (0, "", 0)
    sentences = [reason.sentence for reason in await team.why(last.task_id)]
    assert sentences[0] == "It is number 3 of 3 in the queue."
    await team.begin("writer")
    assert (await team.why(last.task_id))[0].sentence == "It is number 2 of 2 in the queue."


async def test_a_task_blocked_on_a_human_calls_that_human_and_wakes_no_agent(team: Team):
    task = await team.task()
    caller = await team.begin("writer")
    question_id = await team.service.blocked_on(caller, team.command_id(), "human", "Which tone?")
    assert [text for _, text in await team.notices("question")] == ["asks: “Which tone?”"]
    assert await team.claim("writer", concurrency=5) is None
    assert await team.claim("second") is None
    assert team.state(task.task_id).live_run.state is RunState.WAITING_INPUT
    await team.say(task.task_id, AnswerQuestion(question_id or "", "Calm."))
    assert await team.notices("question") == []


async def test_who_gives_a_task_back_because_it_is_blocked_must_say_on_what_and_nobody_is_woken_meanwhile(team: Team):
    task = await team.task()
    caller = await team.begin("writer")
    with pytest.raises(CommandRefused) as no:
        await team.service.blocked_on(caller, team.command_id(), "task", "the other one", tasks=())
    assert no.value.refusal.code is ErrorCode.INVALID_REQUEST
    await team.service.blocked_on(caller, team.command_id(), "external", "the vendor's answer")
    state = team.state(task.task_id)
    assert (state.failures, [await team.claim(name) for name in ("writer", "second")]) == (0, [None, None])
    assert state.holds[HoldKind.EXTERNAL].reason == "the vendor's answer"
    await team.say(task.task_id, LiftHold(HoldKind.EXTERNAL, "it came"))
    assert await team.claim("writer") is not None


async def test_a_wake_storm_ends_after_six_wakes_an_hour_with_a_call_for_a_person(team: Team):
    task = await team.task()
    for _ in range(6):
        caller = await team.begin("writer")
        state = await team.say(
            task.task_id, ReleaseRun(caller.run_id or "", caller.epoch, "nothing to do"), team.agent("writer")
        )
    assert state.human_cause is HumanCause.WAKES
    assert await team.claim("writer") is None
    assert len(await team.notices("help")) == 1
    team.clock.ms += 1
    await team.say(task.task_id, GiveHelp("It was the wrong brief."))
    team.clock.ms += 1
    assert await team.claim("writer") is not None


async def test_an_agent_is_never_woken_by_its_own_words(team: Team):
    task = await team.task(agent="writer")
    await team.service.comment(team.agent("writer"), team.command_id(), task.task_id, "@writer remember the tone")
    assert await team.service.notes(team.agents["writer"].agent_id) == []
