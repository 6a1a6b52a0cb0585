"""Reviews by several, by agents, and what ends them."""

import pytest
from pointsman.contract import ErrorCode

from controlplane.domain.commands import (
    CancelTask,
    ClaimTask,
    CompleteTask,
    ReviewDeliverable,
    SetReview,
    SubmitDeliverable,
)
from controlplane.domain.decide import Refusal, decide
from controlplane.domain.review_rules import missing_approvals, waits_for_first_pass
from controlplane.domain.state import Actor, ActorKind, HumanCause, ReviewRule, RunState, TaskStatus
from tests.unit.controlplane.domain.lives import (
    AGENT,
    APPROVE,
    OTHER_AGENT,
    OTHER_PERSON,
    PERSON,
    SEND_BACK,
    envelope,
    give,
    states,
)

STATES = states()
IN_REVIEW = STATES["in review"]
THIRD = Actor(ActorKind.PERSON, "u_third", "Third")


def refusal(state, command, actor=PERSON) -> Refusal:
    decided = decide(state, envelope(command, actor, "asked"))
    assert isinstance(decided, Refusal), decided
    return decided


def reviewed_by(*reviewers: Actor, needed: int = 1, first_pass: Actor | None = None):
    return give(IN_REVIEW, SetReview(ReviewRule(reviewers, needed, first_pass)), PERSON, "rule")


@pytest.mark.parametrize(("needed", "of"), [(1, 3), (2, 3), (3, 3)], ids=["any", "two of three", "all"])
def test_a_task_is_done_with_as_many_approvals_as_its_rule_asks_for_and_not_before(needed, of):
    reviewers = (PERSON, OTHER_PERSON, THIRD)[:of]
    state = reviewed_by(*reviewers, needed=needed)
    for number, reviewer in enumerate(reviewers[:needed], 1):
        assert (state.status, missing_approvals(state)) == (TaskStatus.IN_REVIEW, needed - number + 1)
        state = give(state, APPROVE, reviewer, f"yes_{number}")
    assert state.status is TaskStatus.DONE


def test_one_yes_said_twice_is_one_yes():
    once = give(reviewed_by(needed=2), APPROVE, PERSON, "a")
    assert decide(once, envelope(APPROVE, PERSON, "b")) == ()


def test_one_no_sends_it_back_however_many_said_yes():
    state = give(STATES["approved by one of two"], SEND_BACK, PERSON)
    assert (state.status, state.changes_requested) == (TaskStatus.IN_PROGRESS, True)


def test_approvals_of_an_earlier_version_do_not_count_for_the_next():
    state = give(STATES["approved by one of two"], SEND_BACK, PERSON, "no")
    state = give(state, ClaimTask("a_writer", "r_2"), AGENT, "claim")
    state = give(state, SubmitDeliverable("r_2", 2, "bb", 1), AGENT, "submit")
    assert missing_approvals(state) == 2


def test_a_rule_that_asks_for_no_more_than_there_is_finishes_the_task():
    done = give(STATES["approved by one of two"], SetReview(ReviewRule()))
    assert (done.status, done.runs[-1].state) == (TaskStatus.DONE, RunState.ACCEPTED)


def test_whoever_is_not_asked_may_not_judge():
    no = refusal(reviewed_by(OTHER_PERSON), APPROVE, PERSON)
    assert (no.code, no.detail) == (ErrorCode.FORBIDDEN, {"reviewers": ["Noor"]})


def test_an_agent_never_reviews_what_it_made_itself():
    no = refusal(reviewed_by(AGENT), APPROVE, AGENT)
    assert (no.code, no.message) == (ErrorCode.FORBIDDEN, "Nobody reviews what they made themselves.")


def test_an_agent_that_is_asked_reviews_the_work_of_others():
    assert give(reviewed_by(OTHER_AGENT), APPROVE, OTHER_AGENT).status is TaskStatus.DONE
    assert refusal(IN_REVIEW, APPROVE, OTHER_AGENT).code is ErrorCode.FORBIDDEN


def test_the_yes_of_a_first_pass_calls_people_and_finishes_nothing():
    state = reviewed_by(first_pass=OTHER_AGENT)
    assert waits_for_first_pass(state)
    passed = give(state, APPROVE, OTHER_AGENT, "first")
    assert (waits_for_first_pass(passed), passed.status) == (False, TaskStatus.IN_REVIEW)
    assert give(passed, APPROVE, PERSON, "then").status is TaskStatus.DONE


def test_the_no_of_a_first_pass_sends_it_back():
    assert give(reviewed_by(first_pass=OTHER_AGENT), SEND_BACK, OTHER_AGENT).changes_requested


def test_a_first_pass_that_would_judge_itself_is_left_out():
    assert not waits_for_first_pass(reviewed_by(first_pass=AGENT))


def test_a_question_before_the_verdict_keeps_it_in_review_until_the_verdict():
    asked = give(IN_REVIEW, ReviewDeliverable(1, "ask", "Why so long?"), PERSON, "ask")
    assert (asked.status, asked.clarification.text) == (TaskStatus.IN_REVIEW, "Why so long?")
    assert give(asked, APPROVE, PERSON, "yes").clarification is None


def test_three_rejections_in_a_row_call_a_person():
    state = IN_REVIEW
    for number in (1, 2, 3):
        assert not state.needs_human
        state = give(state, ReviewDeliverable(number, "request_changes", "Shorter"), PERSON, f"no_{number}")
        if number < 3:
            run_id, epoch = f"r_{number + 1}", number + 1
            state = give(state, ClaimTask("a_writer", run_id), AGENT, f"claim_{number}")
            state = give(state, SubmitDeliverable(run_id, epoch, f"v{number}", 1), AGENT, f"submit_{number}")
    assert (state.human_cause, len(state.deliverables)) == (HumanCause.REJECTIONS, 3)


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (ReviewRule((PERSON, PERSON)), "reviewers"),
        (ReviewRule((PERSON,), 2), "needed"),
        (ReviewRule((), 0), "needed"),
        (ReviewRule(first_pass=PERSON), "first_pass"),
    ],
)
def test_a_rule_that_nobody_could_satisfy_is_refused(rule, field):
    assert refusal(IN_REVIEW, SetReview(rule)).detail == {"field": field}


@pytest.mark.parametrize(
    ("command", "becomes"), [(CompleteTask(), RunState.ACCEPTED), (CancelTask(), RunState.CANCELLED)]
)
def test_the_run_whose_work_lay_in_review_is_judged_when_a_person_closes_the_task(command, becomes):
    assert give(IN_REVIEW, command).runs[-1].state is becomes
