"""Single rules, each in a sentence."""

import msgspec
import pytest
from pointsman.contract import ErrorCode

from controlplane.domain import commands
from controlplane.domain.commands import (
    AddBlockers,
    AnswerQuestion,
    AssignTask,
    CancelTask,
    ClaimTask,
    CreateTask,
    Envelope,
    FailRun,
    MoveTask,
    ReleaseRun,
    RemoveBlocker,
    ResolveBlocker,
    ReviewDeliverable,
    SubmitDeliverable,
)
from controlplane.domain.decide import Refusal, decide
from controlplane.domain.run_rules import HOUR_MS
from controlplane.domain.state import (
    FAILURES_BEFORE_HUMAN,
    MAX_BLOCKERS,
    RUNS_KEPT,
    RunState,
    TaskState,
    TaskStatus,
)
from tests.unit.controlplane.domain.lives import (
    AGENT,
    APPROVE,
    ASK,
    CLAIM,
    CREATE,
    LOSE,
    PERSON,
    SEND_BACK,
    SUBMIT,
    SYSTEM,
    envelope,
    give,
    life,
    states,
)

WORKING = states()["working"]
IN_REVIEW = states()["in review"]


def refusal(state, command, actor=PERSON) -> Refusal:
    decided = decide(state, envelope(command, actor, "asked"))
    assert isinstance(decided, Refusal), decided
    return decided


def test_a_task_that_does_not_exist_can_only_be_created():
    assert refusal(None, CancelTask()).code is ErrorCode.NOT_FOUND
    assert give(None, CREATE).status is TaskStatus.READY


def test_a_command_that_was_applied_causes_nothing_again():
    state = give(WORKING, SUBMIT, AGENT, "once")
    assert decide(state, envelope(SUBMIT, AGENT, "once")) == ()


@pytest.mark.parametrize(
    "command",
    [ReleaseRun("r_1", 1), FailRun("r_1", 1, "x"), SubmitDeliverable("r_1", 1, "bb", 1), ASK],
    ids=lambda command: type(command).__name__,
)
@pytest.mark.parametrize("how", ["taken back", "reassigned", "cancelled", "claimed anew", "lost and claimed anew"])
def test_a_run_that_lost_its_task_is_told_lease_lost(command, how):
    after = {
        "taken back": lambda: give(WORKING, MoveTask(TaskStatus.READY)),
        "reassigned": lambda: give(WORKING, AssignTask("a_other")),
        "cancelled": lambda: give(WORKING, CancelTask()),
        "claimed anew": lambda: give(
            give(WORKING, ReleaseRun("r_1", 1), AGENT, "a"), ClaimTask("a_x", "r_2"), AGENT, "b"
        ),
        "lost and claimed anew": lambda: give(
            give(WORKING, LOSE, SYSTEM, "a"), ClaimTask("a_writer", "r_2"), AGENT, "b"
        ),
    }[how]()
    assert refusal(after, command, AGENT).code is ErrorCode.LEASE_LOST


def test_a_wrong_epoch_is_a_lost_lease_even_of_the_right_run():
    assert refusal(WORKING, SubmitDeliverable("r_1", 2, "bb", 1), AGENT).code is ErrorCode.LEASE_LOST


def test_reassigning_supersedes_the_live_run_and_leaves_the_task_ready_for_the_other_agent():
    state = give(WORKING, AssignTask("a_other"))
    assert (state.status, state.agent_id, state.runs[-1].state) == (TaskStatus.READY, "a_other", RunState.SUPERSEDED)
    assert refusal(state, ClaimTask("a_writer", "r_2"), AGENT).code is ErrorCode.FORBIDDEN


def test_failures_in_a_row_call_a_person_and_a_person_who_acts_starts_the_count_anew():
    state = life((PERSON, CREATE))
    for number in range(1, FAILURES_BEFORE_HUMAN + 1):
        state = give(state, ClaimTask("a_writer", f"r_{number}"), AGENT, f"c{number}")
        assert not state.needs_human
        state = give(state, FailRun(f"r_{number}", number, "exception"), AGENT, f"f{number}")
    assert state.needs_human
    assert refusal(state, ClaimTask("a_writer", "r_9"), AGENT).code is ErrorCode.ILLEGAL_TRANSITION
    state = give(state, AssignTask("a_writer"))
    assert (state.needs_human, state.failures, state.is_claimable) == ("", 0, True)


def test_a_release_is_no_failure():
    assert give(WORKING, ReleaseRun("r_1", 1), AGENT).failures == 0


def test_a_submit_forgives_earlier_failures():
    state = give(states()["failed once"], ClaimTask("a_writer", "r_2"), AGENT, "c")
    assert state.failures == 1
    assert give(state, SubmitDeliverable("r_2", 2, "aa", 1), AGENT, "s").failures == 0


def test_a_blocked_task_cannot_be_claimed_until_its_last_blocker_is_done():
    state = life((PERSON, CreateTask("t_1", "w_1", "p_1", 1, "x", blockers=("t_2", "t_3"))))
    assert refusal(state, CLAIM, AGENT).detail == {"blockers": ["t_2", "t_3"]}
    state = give(state, ResolveBlocker("t_2", "done"), SYSTEM, "a")
    state = give(state, ResolveBlocker("t_3", "cancelled"), SYSTEM, "b")
    assert state.open_blockers == ("t_3",)
    assert give(state, RemoveBlocker("t_3"), PERSON, "c").is_claimable


def test_a_blocker_that_reopened_blocks_again():
    state = life((PERSON, CreateTask("t_1", "w_1", "p_1", 1, "x", blockers=("t_2",))))
    state = give(state, ResolveBlocker("t_2", "done"), SYSTEM, "a")
    assert give(state, ResolveBlocker("t_2", "open"), SYSTEM, "b").is_blocked


def test_a_resolution_of_what_never_blocked_changes_nothing():
    assert decide(WORKING, envelope(ResolveBlocker("t_9", "done"), SYSTEM)) == ()
    assert refusal(WORKING, ResolveBlocker("t_9", "vanished"), SYSTEM).code is ErrorCode.INVALID_REQUEST


def test_a_task_waits_for_a_bounded_number_of_others_and_never_for_itself():
    many = tuple(f"t_{number}" for number in range(2, MAX_BLOCKERS + 3))
    assert refusal(WORKING, AddBlockers(many)).code is ErrorCode.INVALID_REQUEST
    assert refusal(WORKING, AddBlockers(("t_1",))).code is ErrorCode.DEPENDENCY_CYCLE
    assert refusal(None, CreateTask("t_1", "w", "p", 1, "x", blockers=("t_1",))).code is ErrorCode.DEPENDENCY_CYCLE


def test_only_the_latest_version_can_be_reviewed():
    assert refusal(IN_REVIEW, ReviewDeliverable(2, "approve")).detail == {"version": 1}
    assert refusal(IN_REVIEW, ReviewDeliverable(1, "burn")).code is ErrorCode.INVALID_REQUEST
    assert refusal(IN_REVIEW, ReviewDeliverable(1, "request_changes", " ")).detail == {"field": "note"}


def test_a_verdict_is_kept_on_the_run_and_as_the_last_review():
    approved = give(IN_REVIEW, APPROVE)
    assert (approved.runs[-1].state, approved.closed_at_ms) == (RunState.ACCEPTED, 1)
    sent_back = give(IN_REVIEW, SEND_BACK)
    assert (sent_back.runs[-1].state, sent_back.changes_requested) == (RunState.REJECTED, True)
    assert sent_back.last_review.note == "Shorter"
    assert sent_back.is_claimable


def test_one_question_at_a_time_and_one_answer():
    asking = states()["asking"]
    assert refusal(asking, ASK, AGENT).code is ErrorCode.ILLEGAL_TRANSITION
    answered = give(asking, AnswerQuestion("q_1", "Calm."))
    assert (answered.question.answer, answered.live_run.state) == ("Calm.", RunState.RUNNING)
    assert refusal(answered, AnswerQuestion("q_1", "Loud.")).code is ErrorCode.ILLEGAL_TRANSITION


def test_only_the_last_runs_are_remembered():
    state = life((PERSON, CREATE))
    for number in range(1, RUNS_KEPT + 6):
        begun_at_ms = number * HOUR_MS
        state = give(state, ClaimTask("a_writer", f"r_{number}"), AGENT, f"c{number}", begun_at_ms)
        state = give(state, ReleaseRun(f"r_{number}", number), AGENT, f"r{number}", begun_at_ms)
    assert (len(state.runs), state.runs[-1].number, state.run_count) == (RUNS_KEPT, RUNS_KEPT + 5, RUNS_KEPT + 5)


@pytest.mark.parametrize("name", list(states()))
def test_a_state_survives_its_way_through_json(name):
    state = states()[name]
    assert msgspec.json.decode(msgspec.json.encode(state), type=TaskState) == state


def test_a_command_of_another_version_is_refused_where_it_is_read():
    encoded = msgspec.json.encode(envelope(CLAIM, AGENT)).replace(b'"run_id"', b'"run_idd"')
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(encoded, type=Envelope)
    assert msgspec.json.decode(msgspec.json.encode(envelope(CLAIM, AGENT)), type=Envelope).command == CLAIM


def test_every_command_has_a_stable_name_on_the_wire():
    tags = {command.__struct_config__.tag for command in commands.Command.__args__}
    assert tags == {
        "create", "edit", "move", "assign", "claim", "release", "fail_run", "lose_run", "resume_run", "submit",
        "adopt_late", "review", "set_review", "ask", "answer", "expire_question", "hold", "lift_hold", "nudge",
        "restart", "give_help", "add_blockers", "remove_blocker", "resolve_blocker", "cancel", "fail_task", "complete",
        "reopen",
    }  # fmt: skip


def test_an_id_that_is_used_again_for_something_else_is_refused():
    state = give(WORKING, ReleaseRun("r_1", 1), AGENT, "c_1~aaa")
    refused = decide(state, envelope(CancelTask(), PERSON, "c_1~bbb"))
    assert isinstance(refused, Refusal)
    assert refused.code is ErrorCode.IDEMPOTENCY_MISMATCH


def test_one_request_may_be_several_steps_on_the_same_task():
    state = give(WORKING, AddBlockers(("t_other",)), AGENT, "c_1~aaa/edges")
    released = give(state, ReleaseRun("r_1", 1), AGENT, "c_1~aaa")
    assert (released.status, list(released.blockers)) == (TaskStatus.READY, ["t_other"])
    refused = decide(released, envelope(AddBlockers(("t_third",)), AGENT, "c_1~bbb/edges"))
    assert isinstance(refused, Refusal)
    assert refused.code is ErrorCode.IDEMPOTENCY_MISMATCH
