"""When a task calls for a person, and what counts as help."""

import pytest
from pointsman.contract import ErrorCode

from controlplane.domain.commands import (
    AddBlockers,
    AssignTask,
    ClaimTask,
    CompleteTask,
    EditTask,
    FailRun,
    GiveHelp,
    LoseRun,
    MoveTask,
    ReleaseRun,
    RemoveBlocker,
    ReopenTask,
    ResolveBlocker,
    ResumeRun,
    SubmitDeliverable,
)
from controlplane.domain.decide import Refusal, decide
from controlplane.domain.events import UpstreamChanged
from controlplane.domain.run_rules import HOUR_MS
from controlplane.domain.state import WAKES_PER_HOUR, HumanCause, RunState, TaskState, TaskStatus
from tests.unit.controlplane.domain.lives import AGENT, CREATE, PERSON, SYSTEM, envelope, give, life, states

STATES = states()
READY = STATES["ready"]
LOST = STATES["lost"]
LOST_TWICE = STATES["lost twice"]


def refusal(state, command, actor=PERSON) -> Refusal:
    decided = decide(state, envelope(command, actor, "asked"))
    assert isinstance(decided, Refusal), decided
    return decided


def begun_and_released(state: TaskState, times: int, at_ms: int) -> TaskState:
    for number in range(state.run_count + 1, state.run_count + times + 1):
        state = give(state, ClaimTask("a_writer", f"r_{number}"), AGENT, f"c{number}", at_ms)
        state = give(state, ReleaseRun(f"r_{number}", number), AGENT, f"r{number}", at_ms)
    return state


def failed_three_times() -> TaskState:
    state = READY
    for number in (1, 2, 3):
        state = give(state, ClaimTask("a_writer", f"r_{number}"), AGENT, f"c{number}")
        state = give(state, FailRun(f"r_{number}", number, "exception"), AGENT, f"f{number}")
    return state


def test_a_task_begun_six_times_within_an_hour_calls_a_person_and_is_not_claimed_meanwhile():
    state = begun_and_released(READY, WAKES_PER_HOUR, HOUR_MS)
    assert state.human_cause is HumanCause.WAKES
    assert refusal(state, ClaimTask("a_writer", "r_9"), AGENT).code is ErrorCode.ILLEGAL_TRANSITION


def test_six_runs_that_are_spread_over_the_day_call_nobody():
    state = READY
    for hour in range(1, WAKES_PER_HOUR + 2):
        state = begun_and_released(state, 1, hour * HOUR_MS)
    assert not state.needs_human


def test_after_help_the_wake_budget_begins_anew():
    state = begun_and_released(READY, WAKES_PER_HOUR, HOUR_MS)
    state = give(state, GiveHelp("Go on."), PERSON, "help", HOUR_MS + 1)
    state = begun_and_released(state, WAKES_PER_HOUR - 1, HOUR_MS + 2)
    assert not state.needs_human
    assert begun_and_released(state, 1, HOUR_MS + 3).human_cause is HumanCause.WAKES


def test_an_agent_that_fell_silent_twice_is_avoided_and_another_one_may_take_it():
    assert LOST_TWICE.avoids == ("a_writer",)
    assert "fell silent" in refusal(LOST_TWICE, ClaimTask("a_writer", "r_3"), AGENT).message
    assert give(LOST_TWICE, ClaimTask("a_other", "r_3"), AGENT).live_run.agent_id == "a_other"


def test_a_task_assigned_to_the_agent_that_fell_silent_twice_calls_a_person():
    state = give(READY, AssignTask("a_writer"))
    for number in (1, 2):
        state = give(state, ClaimTask("a_writer", f"r_{number}"), AGENT, f"c{number}")
        state = give(state, LoseRun(f"r_{number}", number), SYSTEM, f"l{number}", at_ms=2)
    assert state.human_cause is HumanCause.LOST_TWICE


def test_the_second_loss_on_the_only_agent_that_is_able_calls_a_person():
    again = give(LOST, ClaimTask("a_writer", "r_2"), AGENT, "again")
    state = give(again, LoseRun("r_2", 2, others_are_able=False), SYSTEM, "lost again")
    assert (state.avoids, state.human_cause) == (("a_writer",), HumanCause.LOST_TWICE)


def test_one_loss_after_help_is_not_the_second_in_a_row():
    state = give(LOST, EditTask(brief="Smaller steps."), PERSON, "help", 5)
    state = give(state, ClaimTask("a_writer", "r_2"), AGENT, "again", 6)
    assert give(state, LoseRun("r_2", 2), SYSTEM, "lost again", 7).avoids == ()


def test_a_lost_agent_that_is_back_is_avoided_no_more_and_nobody_is_called_for_it():
    back = give(LOST_TWICE, ResumeRun("r_2", 2), AGENT)
    assert (back.avoids, back.needs_human, back.failures, back.live_run.state) == ((), "", 1, RunState.RUNNING)


def test_a_new_place_in_the_queue_is_no_help_for_a_task_that_keeps_failing():
    failed = failed_three_times()
    assert give(failed, EditTask(priority=1)).needs_human
    assert not give(failed, EditTask(brief="Use the other table.")).needs_human


def test_help_that_is_given_when_nobody_needs_any_changes_nothing():
    assert decide(READY, envelope(GiveHelp())) == ()


def test_a_task_behind_a_cancelled_one_cannot_be_helped_by_a_word():
    state = STATES["ready, with a cancelled blocker"]
    assert refusal(state, GiveHelp("Go on.")).detail == {"blockers": ["t_2"]}
    assert give(state, RemoveBlocker("t_2")).is_claimable


def test_a_cancelled_blocker_still_calls_a_person_after_another_cause_was_settled():
    """The failure of the run at work came later and was helped; the edge to nowhere is still there."""
    state = failed_three_times()
    state = give(state, AddBlockers(("t_2",)), PERSON, "edge")
    state = give(state, ResolveBlocker("t_2", "cancelled"), SYSTEM, "cancelled")
    state = give(state, EditTask(brief="Better."), PERSON, "help")
    assert (state.is_blocked, state.human_cause) == (True, HumanCause.BLOCKER_CANCELLED)


def test_failures_still_call_a_person_after_the_blocker_was_reopened():
    state = give(failed_three_times(), AddBlockers(("t_2",)), PERSON, "edge")
    state = give(state, ResolveBlocker("t_2", "failed"), SYSTEM, "failed")
    assert state.human_cause is HumanCause.BLOCKER_FAILED
    assert give(state, ResolveBlocker("t_2", "open"), SYSTEM, "open").human_cause is HumanCause.FAILURES


def test_a_blocker_that_failed_before_it_was_ever_done_is_no_changed_upstream():
    state = give(STATES["working, blocked"], ResolveBlocker("t_2", "failed"), SYSTEM, "failed")
    assert give(state, ResolveBlocker("t_2", "open"), SYSTEM, "open").upstream_changed == ()


def test_a_reopened_blocker_stops_no_run_and_is_told_to_it():
    state = give(STATES["working, blocked"], ResolveBlocker("t_2", "done"), SYSTEM, "done")
    asked = envelope(ResolveBlocker("t_2", "open"), SYSTEM, "open")
    events = decide(state, asked)
    assert [event.run_id for event in events if isinstance(event, UpstreamChanged)] == ["r_1"]
    after = give(state, ResolveBlocker("t_2", "open"), SYSTEM, "open")
    assert (after.live_run.state, after.upstream_changed) == (RunState.RUNNING, ("t_2",))


@pytest.mark.parametrize("name", ["in review, with a cancelled blocker", "ready, with a cancelled blocker"])
def test_nobody_is_called_to_a_closed_task_and_nothing_holds_it(name):
    state = give(STATES[name], CompleteTask("Good enough."))
    assert (state.status, state.needs_human, state.holds) == (TaskStatus.DONE, "", {})


def test_a_reopened_task_looks_at_its_blockers_again_before_anybody_may_take_it():
    state = life((PERSON, CREATE), (PERSON, AddBlockers(("t_2",))), (SYSTEM, ResolveBlocker("t_2", "done")))
    state = give(give(state, CompleteTask(), PERSON, "close"), ReopenTask("Not yet."), PERSON, "reopen")
    assert (state.status, state.open_blockers, state.closed_at_ms) == (TaskStatus.READY, ("t_2",), None)


def test_work_that_arrives_ends_the_call_for_help_that_its_way_had_caused():
    state = begun_and_released(READY, WAKES_PER_HOUR - 1, HOUR_MS)
    state = give(state, ClaimTask("a_writer", "r_6"), AGENT, "c", HOUR_MS)
    state = give(state, LoseRun("r_6", 6), SYSTEM, "l", HOUR_MS)
    assert state.human_cause is HumanCause.WAKES
    state = give(state, SubmitDeliverable("r_6", 6, "aa", 1), AGENT, "s", HOUR_MS)
    assert (state.status, state.needs_human) == (TaskStatus.IN_REVIEW, "")


def test_moving_it_out_of_the_queue_is_help():
    assert not give(failed_three_times(), MoveTask(TaskStatus.BACKLOG)).needs_human


def test_older_news_of_a_blocker_changes_nothing_however_late_it_comes():
    state = give(STATES["ready, blocked"], ResolveBlocker("t_2", "open", 7), SYSTEM, "reopened")
    assert decide(state, envelope(ResolveBlocker("t_2", "done", 5), SYSTEM, "late")) == ()
    assert give(state, ResolveBlocker("t_2", "done", 9), SYSTEM, "done").is_claimable
