"""The tables of runs and leases say what happens, no less and no more."""

from itertools import chain

import pytest

from controlplane.domain.commands import (
    AdoptLate,
    AnswerQuestion,
    AskQuestion,
    AssignTask,
    CancelTask,
    ClaimTask,
    Command,
    CompleteTask,
    ExpireQuestion,
    FailRun,
    FailTask,
    HoldTask,
    LiftHold,
    ReleaseRun,
    ResumeRun,
    SubmitDeliverable,
)
from controlplane.domain.decide import Refusal, decide
from controlplane.domain.evolve import evolve
from controlplane.domain.machines import (
    DERIVED_RUN_STATES,
    LEASE_STEPS,
    RUN_STEPS,
    LeaseState,
    is_lease_step,
    is_run_step,
    lease_of,
)
from controlplane.domain.state import Actor, HoldKind, RunState, TaskState
from tests.unit.controlplane.domain.lives import (
    AGENT,
    APPROVE,
    LOSE,
    PERSON,
    SEND_BACK,
    SYSTEM,
    envelope,
    give,
    states,
)

ADOPT = AdoptLate("r_1", "a_writer", "late", 1)
ASKED_OF: tuple[tuple[Actor, Command], ...] = (
    (AGENT, ClaimTask("a_writer", "r_9")),
    (AGENT, AskQuestion("r_1", 1, "q_2", "?")),
    (AGENT, AskQuestion("r_1", 1, "q_2", "?", "approval")),
    (PERSON, AnswerQuestion("q_1", "Calm.")),
    (PERSON, AnswerQuestion("q_1", value=True)),
    (SYSTEM, ExpireQuestion("q_1")),
    (PERSON, HoldTask(HoldKind.SCHEDULE, "at night")),
    (PERSON, LiftHold(HoldKind.OPERATOR)),
    (AGENT, SubmitDeliverable("r_1", 1, "aa", 1)),
    (AGENT, SubmitDeliverable("r_2", 2, "aa", 1)),
    (AGENT, ReleaseRun("r_1", 1)),
    (AGENT, FailRun("r_1", 1, "exception")),
    (SYSTEM, LOSE),
    (AGENT, ResumeRun("r_1", 1)),
    (PERSON, APPROVE),
    (PERSON, SEND_BACK),
    (PERSON, CompleteTask()),
    (PERSON, CancelTask()),
    (PERSON, FailTask()),
    (PERSON, AssignTask("a_third")),
    (PERSON, ADOPT),
)


def points() -> dict[str, TaskState]:
    """The points of the other tests, and those that only runs tell apart."""
    found = states()
    ended = {
        "released": give(found["working"], ReleaseRun("r_1", 1), AGENT, "end"),
        "superseded": give(found["working"], AssignTask("a_other"), PERSON, "end"),
        "taken over": give(found["lost"], ClaimTask("a_other", "r_2"), AGENT, "end"),
    }
    other_work = give(ended["taken over"], SubmitDeliverable("r_2", 2, "bb", 1), AGENT, "submit")
    return found | ended | {"other work in review": other_work}


def steps() -> set[tuple[RunState | None, RunState, type]]:
    """Every step that a run takes when each of these commands is given at each of these points."""
    found: set[tuple[RunState | None, RunState, type]] = set()
    for state in points().values():
        for actor, command in ASKED_OF:
            decided = decide(state, envelope(command, actor, "asked"))
            before = state
            for event in () if isinstance(decided, Refusal) else decided:
                after = evolve(before, event)
                was = {run.run_id: run.state for run in before.runs}
                found |= {
                    (was.get(run.run_id), run.state, type(event))
                    for run in after.runs
                    if was.get(run.run_id) is not run.state
                }
                before = after
    return found


STEPS = steps()


def test_a_run_takes_no_step_that_the_table_does_not_know():
    assert {step for step in STEPS if not is_run_step(*step)} == set()


@pytest.mark.parametrize("row", RUN_STEPS, ids=lambda row: row.sentence)
def test_every_row_of_the_runs_table_happens(row):
    taken = {(origin, event) for origin, to, event in STEPS if to is row.to}
    origins = row.origins or (None,)
    assert [event for event in row.events if not any((origin, event) in taken for origin in origins)] == []


def test_every_state_of_a_run_is_reached():
    assert {row.to for row in RUN_STEPS} == set(RunState)


def test_what_is_derived_has_no_state_of_its_own():
    assert not set(DERIVED_RUN_STATES) & set(RunState)


@pytest.mark.parametrize(
    ("name", "lease"),
    [
        ("working", LeaseState.HELD),
        ("asking", LeaseState.HELD),
        ("working, frozen", LeaseState.HELD),
        ("lost", LeaseState.LOST),
        ("released", LeaseState.RELEASED),
        ("in review", LeaseState.RELEASED),
        ("superseded", LeaseState.REVOKED),
        ("taken over", LeaseState.REVOKED),
    ],
)
def test_the_lease_of_a_run_follows_from_the_tasks_state(name, lease):
    state = points()[name]
    assert lease_of(state, next(run for run in state.runs if run.run_id == "r_1")) is lease


def test_before_a_claim_there_is_no_lease():
    assert lease_of(points()["ready"], None) is LeaseState.NONE


def test_a_lease_takes_only_steps_of_its_table():
    for state in points().values():
        for actor, command in ASKED_OF:
            decided = decide(state, envelope(command, actor, "asked"))
            if isinstance(decided, Refusal) or command == ADOPT:
                continue  # work that is adopted late gives nobody a lease
            after = give(state, command, actor, "asked")
            for run in state.runs:
                origin = lease_of(state, run)
                to = lease_of(after, next(one for one in after.runs if one.run_id == run.run_id))
                over = {LeaseState.RELEASED, LeaseState.REVOKED}
                assert origin is to or {origin, to} <= over or is_lease_step(origin, to), (command, origin, to)


def test_every_state_of_a_lease_is_in_its_table():
    named = set(chain.from_iterable((*row.origins, row.to) for row in LEASE_STEPS))
    assert named == set(LeaseState)
