"""A run that was lost may come back, as long as nobody took over."""

import pytest
from pointsman.contract import ErrorCode

from controlplane.domain.commands import (
    AdoptLate,
    AssignTask,
    CancelTask,
    ClaimTask,
    ReopenTask,
    RestartRun,
    ResumeRun,
    SubmitDeliverable,
)
from controlplane.domain.decide import Refusal, decide
from controlplane.domain.state import RunState, TaskStatus
from tests.unit.controlplane.domain.lives import AGENT, LOSE, PERSON, SUBMIT, SYSTEM, envelope, give, states

STATES = states()
LOST = STATES["lost"]
BACK = ResumeRun("r_1", 1)


def lost_after(*commands) -> object:
    state = LOST
    for number, command in enumerate(commands):
        state = give(state, command, PERSON, f"then_{number}")
    return state


@pytest.mark.parametrize("command", [BACK, SUBMIT], ids=["resume", "submit"])
@pytest.mark.parametrize(
    "meanwhile",
    [(AssignTask("a_other"),), (RestartRun(),), (RestartRun(from_checkpoint=False),), (CancelTask(), ReopenTask())],
    ids=["given to another agent", "restarted", "restarted from nothing", "cancelled and reopened"],
)
def test_a_lost_run_stays_lost_once_a_person_has_decided_otherwise(command, meanwhile):
    decided = decide(lost_after(*meanwhile), envelope(command, AGENT))
    assert isinstance(decided, Refusal)
    assert decided.code is ErrorCode.LEASE_LOST


@pytest.mark.parametrize("agent_id", [None, "a_writer"])
def test_a_lost_run_may_come_back_to_a_task_that_is_still_its_agents(agent_id):
    state = give(give(LOST, AssignTask("a_writer"), PERSON, "a"), AssignTask(agent_id), PERSON, "b")
    resumed = give(state, BACK, AGENT)
    assert (resumed.live_run.run_id, resumed.epoch, resumed.status) == ("r_1", 1, TaskStatus.IN_PROGRESS)


def test_coming_back_twice_is_coming_back_once():
    assert decide(give(LOST, BACK, AGENT, "a"), envelope(BACK, AGENT, "b")) == ()


def test_a_frozen_lost_run_comes_back_paused():
    assert give(STATES["lost, frozen"], BACK, AGENT).live_run.state is RunState.PAUSED


def test_a_lost_run_may_hand_in_its_work_and_is_forgiven():
    state = give(LOST, SUBMIT, AGENT)
    assert (state.status, state.failures, state.runs[-1].state) == (TaskStatus.IN_REVIEW, 0, RunState.SUBMITTED)


def test_the_epoch_after_a_decision_of_a_person_is_beyond_the_lost_run():
    state = give(lost_after(RestartRun()), ClaimTask("a_writer", "r_2"), AGENT)
    assert state.live_run.epoch > LOST.epoch


@pytest.mark.parametrize("name", ["asking", "asking for approval", "working, held", "working, frozen"])
def test_a_run_that_waits_is_never_lost(name):
    decided = decide(STATES[name], envelope(LOSE, SYSTEM))
    assert isinstance(decided, Refusal)
    assert STATES[name].live_run is not None


def test_an_id_of_a_run_is_used_once():
    decided = decide(LOST, envelope(ClaimTask("a_writer", "r_1"), AGENT))
    assert isinstance(decided, Refusal)
    assert decided.detail == {"field": "run_id"}


def test_adopted_late_work_takes_the_place_of_the_version_in_review_and_its_run_is_the_one_judged():
    state = give(LOST, ClaimTask("a_other", "r_2"), AGENT, "c")
    state = give(state, SubmitDeliverable("r_2", 2, "bb", 1), AGENT, "s")
    state = give(state, AdoptLate("r_1", "a_writer", "aa", 1), PERSON, "adopt")
    assert [(run.run_id, run.state) for run in state.runs] == [
        ("r_1", RunState.SUBMITTED),
        ("r_2", RunState.SUPERSEDED),
    ]
    assert (state.deliverables[-1].version, state.author_id) == (2, "a_writer")


def test_adopted_work_keeps_when_its_run_had_ended():
    adopted = give(LOST, AdoptLate("r_1", "a_writer", "aa", 1), PERSON, "adopt", at_ms=99)
    assert adopted.runs[-1].ended_at_ms == LOST.runs[-1].ended_at_ms


def test_the_author_of_adopted_work_is_known_though_its_run_was_forgotten():
    state = give(STATES["ready"], AdoptLate("r_old", "a_early", "aa", 1))
    assert state.author_id == "a_early"


def test_losing_a_run_requeues_the_task_and_the_next_claim_has_the_next_epoch():
    lost = give(STATES["working"], LOSE, SYSTEM, "lose")
    assert (lost.status, lost.is_claimable, lost.runs[-1].state) == (TaskStatus.READY, True, RunState.LOST)
    assert give(lost, ClaimTask("a_other", "r_2"), AGENT).live_run.epoch == 2
