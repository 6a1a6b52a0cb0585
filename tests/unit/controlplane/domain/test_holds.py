"""Holds, questions with kinds, words for the agent, and beginning again."""

import pytest
from pointsman.contract import ErrorCode

from controlplane.domain.commands import (
    AnswerQuestion,
    AskQuestion,
    ClaimTask,
    ExpireQuestion,
    HoldTask,
    LiftHold,
    NudgeRun,
    ReleaseRun,
    RestartRun,
    SubmitDeliverable,
)
from controlplane.domain.decide import Refusal, decide
from controlplane.domain.state import HoldKind, RunState, TaskStatus
from tests.unit.controlplane.domain.lives import AGENT, ASK, CLAIM, PERSON, SYSTEM, envelope, give, states

STATES = states()
WORKING = STATES["working"]


def refusal(state, command, actor=PERSON) -> Refusal:
    decided = decide(state, envelope(command, actor, "asked"))
    assert isinstance(decided, Refusal), decided
    return decided


def test_several_holds_coexist_and_lifting_one_leaves_the_others():
    state = give(STATES["ready, held"], HoldTask(HoldKind.BUDGET, "spent"), SYSTEM, "budget")
    assert refusal(state, CLAIM, AGENT).detail == {"holds": ["operator", "budget"]}
    state = give(state, LiftHold(HoldKind.BUDGET, "new month"), SYSTEM, "reset")
    assert refusal(state, CLAIM, AGENT).message == "T-12 is held: later."
    assert give(state, LiftHold(HoldKind.OPERATOR), PERSON, "resume").is_claimable


def test_a_hold_pauses_the_live_run_and_resuming_lets_it_wait_for_its_answer_again():
    state = give(STATES["asking"], HoldTask(HoldKind.OPERATOR, "lunch"), PERSON, "hold")
    assert state.live_run.state is RunState.PAUSED
    assert give(state, LiftHold(HoldKind.OPERATOR), PERSON, "lift").live_run.state is RunState.WAITING_INPUT


def test_a_paused_run_may_still_hand_in_its_work():
    assert give(STATES["working, held"], SubmitDeliverable("r_1", 1, "aa", 1), AGENT).status is TaskStatus.IN_REVIEW


def test_a_hold_placed_or_lifted_twice_changes_nothing():
    assert decide(STATES["working, held"], envelope(HoldTask(HoldKind.OPERATOR, "later"))) == ()
    assert decide(WORKING, envelope(LiftHold(HoldKind.OPERATOR))) == ()


def test_an_agent_that_waits_for_something_outside_gives_back_a_task_that_is_held_and_not_woken():
    state = give(WORKING, ReleaseRun("r_1", 1, waits_for="the vendor's answer"), AGENT)
    assert (state.status, state.failures, state.is_claimable) == (TaskStatus.READY, 0, False)
    assert state.holds["external"].reason == "the vendor's answer"


@pytest.mark.parametrize(
    ("kind", "wrong", "right", "waits"),
    [
        ("approval", "yes", True, RunState.WAITING_APPROVAL),
        ("choice", "green", "red", RunState.WAITING_INPUT),
        ("form", "plain", {"name": "x"}, RunState.WAITING_INPUT),
        ("text", "  ", "Calm.", RunState.WAITING_INPUT),
    ],
)
def test_an_answer_has_the_kind_that_was_asked_for(kind, wrong, right, waits):
    question = AskQuestion("r_1", 1, "q_1", "?", kind, ("red", "blue"), {"type": "object"})
    asked = give(WORKING, question, AGENT, "ask")
    assert asked.live_run.state is waits
    assert refusal(asked, AnswerQuestion("q_1", value=wrong)).code is ErrorCode.INVALID_REQUEST
    answered = give(asked, AnswerQuestion("q_1", value=right), PERSON, "answer")
    assert (answered.question.answer, answered.live_run.state) == (right, RunState.RUNNING)


@pytest.mark.parametrize(
    ("question", "field"),
    [
        (AskQuestion("r_1", 1, "q", "?", "guess"), "kind"),
        (AskQuestion("r_1", 1, "q", "?", "choice"), "choices"),
        (AskQuestion("r_1", 1, "q", "?", "choice", ("a", "a")), "choices"),
        (AskQuestion("r_1", 1, "q", "?", "form", (), {"type": "array"}), "form"),
        (AskQuestion("r_1", 1, "q", "?", expires_in_seconds=0.5), "expires"),
    ],
)
def test_a_question_that_could_not_be_answered_is_refused(question, field):
    assert refusal(WORKING, question, AGENT).detail == {"field": field}


def test_a_question_that_expires_is_a_no_and_the_run_goes_on():
    asked = give(WORKING, AskQuestion("r_1", 1, "q_1", "Send it?", "approval", expires_in_seconds=60), AGENT, "ask")
    assert asked.question.expires_at_ms == 60_001
    expired = give(asked, ExpireQuestion("q_1"), SYSTEM, "expire")
    assert (expired.question.outcome, expired.question.answer) == ("expired", None)
    assert expired.live_run.state is RunState.RUNNING
    assert refusal(expired, AnswerQuestion("q_1", value=True)).message == "This question is not open any more."


def test_an_answer_that_came_first_is_not_undone_by_the_timer():
    answered = give(STATES["asking"], AnswerQuestion("q_1", "Calm."), PERSON, "answer")
    assert decide(answered, envelope(ExpireQuestion("q_1"), SYSTEM)) == ()


def test_a_word_needs_somebody_to_hear_it():
    assert refusal(STATES["changes requested"], NudgeRun("Hurry.")).code is ErrorCode.ILLEGAL_TRANSITION


def test_beginning_again_ends_the_run_and_says_from_where_the_next_one_goes_on():
    again = give(WORKING, RestartRun(), PERSON)
    assert (again.status, again.runs[-1].state, again.checkpoint_floor) == (TaskStatus.READY, RunState.SUPERSEDED, 0)
    anew = give(WORKING, RestartRun(from_checkpoint=False), PERSON)
    assert anew.checkpoint_floor == 1
    assert refusal(again, ASK, AGENT).code is ErrorCode.LEASE_LOST


def test_what_is_frozen_or_was_never_begun_cannot_begin_again():
    assert refusal(STATES["working, frozen"], RestartRun()).code is ErrorCode.TASK_HELD
    assert refusal(STATES["ready"], RestartRun()).code is ErrorCode.ILLEGAL_TRANSITION
    assert give(STATES["working, held"], RestartRun()).status is TaskStatus.READY


def test_a_restarted_task_is_claimed_under_the_next_epoch():
    assert give(give(WORKING, RestartRun(), PERSON, "a"), ClaimTask("a_writer", "r_2"), AGENT, "b").epoch == 2
