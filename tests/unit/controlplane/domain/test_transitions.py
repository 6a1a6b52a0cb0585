"""The table is the rule: `decide` allows what a row allows, and nothing else."""

import pytest
from pointsman.contract import ErrorCode

from controlplane.domain.commands import (
    AddBlockers,
    AdoptLate,
    AnswerQuestion,
    AssignTask,
    CancelTask,
    ClaimTask,
    Command,
    CompleteTask,
    EditTask,
    ExpireQuestion,
    FailRun,
    FailTask,
    GiveHelp,
    HoldTask,
    LiftHold,
    MoveTask,
    NudgeRun,
    ReleaseRun,
    RemoveBlocker,
    ReopenTask,
    ResolveBlocker,
    RestartRun,
    ResumeRun,
    ReviewDeliverable,
    SetReview,
)
from controlplane.domain.decide import Refusal, decide
from controlplane.domain.evolve import apply
from controlplane.domain.state import CLOSED, ActorKind, HoldKind, ReviewRule, TaskStatus
from controlplane.domain.transitions import TRANSITIONS, legal_drops, rows_for
from tests.unit.controlplane.domain.lives import (
    ACTORS,
    APPROVE,
    ASK,
    LOSE,
    SEND_BACK,
    SUBMIT,
    TWO_YES,
    envelope,
    states,
)

# Each command in all the forms that matter to the table; one of them must go wherever a row says that it may.
FORMS: dict[type, tuple[Command, ...]] = {
    type(forms[0]): forms
    for forms in (
        tuple(MoveTask(status) for status in TaskStatus),
        (AssignTask("a_other"),),
        (ClaimTask("a_writer", "r_9"),),
        (ReleaseRun("r_1", 1),),
        (FailRun("r_1", 1, "exception"),),
        (LOSE,),
        (ResumeRun("r_1", 1),),
        (SUBMIT,),
        (AdoptLate("r_0", "a_early", "bb", 1),),
        (APPROVE, SEND_BACK, ReviewDeliverable(1, "ask", "Why so long?")),
        (SetReview(TWO_YES), SetReview(ReviewRule())),
        (ASK,),
        (AnswerQuestion("q_1", "Calm."),),
        (ExpireQuestion("q_1"),),
        (HoldTask(HoldKind.BUDGET, "spent"),),
        (LiftHold(HoldKind.OPERATOR),),
        (NudgeRun("Look at the tests."),),
        (RestartRun(), RestartRun(from_checkpoint=False)),
        (GiveHelp("Try once more."),),
        (EditTask(title="Better"),),
        (AddBlockers(("t_2",)),),
        (RemoveBlocker("t_2"),),
        (ResolveBlocker("t_2", "done"),),
        (CancelTask(),),
        (FailTask(),),
        (CompleteTask(),),
        (ReopenTask(),),
    )
}


STATES = states()


def outcomes(command: type, status: TaskStatus, kind: ActorKind):
    """What becomes of each form of the command in each state of that status."""
    for state in STATES.values():
        if state.status is status:
            for form in FORMS[command]:
                asked = envelope(form, ACTORS[kind], "asked")
                decided = decide(state, asked)
                yield decided if isinstance(decided, Refusal) else apply(state, asked, decided).status


def test_every_command_of_the_table_is_tried():
    assert set(FORMS) == {row.command for row in TRANSITIONS}


@pytest.mark.parametrize("kind", list(ActorKind))
@pytest.mark.parametrize("status", sorted(TaskStatus))
@pytest.mark.parametrize("command", list(FORMS), ids=lambda command: command.__name__)
def test_a_command_is_accepted_exactly_where_a_row_allows_it(command, status, kind):
    rows = [row for row in rows_for(command) if status in row.origins and kind in row.actors]
    found = list(outcomes(command, status, kind))
    reached = {outcome for outcome in found if isinstance(outcome, TaskStatus)}
    assert reached == {row.to or status for row in rows}
    if kind not in {actor for row in rows_for(command) for actor in row.actors}:
        assert {refusal.code for refusal in found} == {ErrorCode.FORBIDDEN}


def test_only_a_person_who_reopens_it_leads_out_of_a_closed_task():
    out_of_closed = [row for row in TRANSITIONS if CLOSED & set(row.origins)]
    assert [(row.command, row.actors) for row in out_of_closed] == [(ReopenTask, (ActorKind.PERSON,))]


@pytest.mark.parametrize("name", [name for name in STATES if not name.startswith("in review by an agent")])
def test_a_drop_that_is_offered_is_accepted(name):
    state = STATES[name]
    for column, row in legal_drops(state.status).items():
        command = {"move": MoveTask(column), "approve": APPROVE, "request_changes": SEND_BACK}[row.drop]
        decided = decide(state, envelope(command, command_id="asked"))
        assert not isinstance(decided, Refusal), (column, decided)
