"""The table is the rule: `decide` allows what a row allows, and nothing else."""

import pytest
from pointsman.contract import ErrorCode

from controlplane.domain.commands import (
    AddBlockers,
    AnswerQuestion,
    AssignTask,
    CancelTask,
    Command,
    EditTask,
    FailRun,
    LoseRun,
    MoveTask,
    ReleaseRun,
    RemoveBlocker,
    ResolveBlocker,
    ReviewDeliverable,
)
from controlplane.domain.decide import Refusal, decide
from controlplane.domain.evolve import apply
from controlplane.domain.state import CLOSED, ActorKind, TaskStatus
from controlplane.domain.transitions import TRANSITIONS, legal_drops, rows_for
from tests.unit.controlplane.domain.lives import ACTORS, ASK, CLAIM, SUBMIT, envelope, states

# Each command in all the forms that matter to the table; one of them must go wherever a row says that it may.
FORMS: dict[type, tuple[Command, ...]] = {
    type(forms[0]): forms
    for forms in (
        tuple(MoveTask(status) for status in TaskStatus),
        (AssignTask("a_other"),),
        (CLAIM,),
        (ReleaseRun("r_1", 1),),
        (FailRun("r_1", 1, "exception"),),
        (LoseRun("r_1", 1),),
        (SUBMIT,),
        (ReviewDeliverable(1, "approve"), ReviewDeliverable(1, "request_changes", "Shorter")),
        (ASK,),
        (AnswerQuestion("q_1", "Calm."),),
        (EditTask(title="Better"),),
        (AddBlockers(("t_2",)),),
        (RemoveBlocker("t_2"),),
        (ResolveBlocker("t_2", "done"),),
        (CancelTask(),),
    )
}


def outcomes(command: type, status: TaskStatus, kind: ActorKind):
    """What becomes of each form of the command in each state of that status."""
    for state in states().values():
        if state.status is status:
            for form in FORMS[command]:
                asked = envelope(form, ACTORS[kind], "asked")
                decided = decide(state, asked)
                yield decided if isinstance(decided, Refusal) else apply(state, asked, decided).status


def test_every_command_of_the_table_is_tried():
    assert set(FORMS) == {row.command for row in TRANSITIONS}


@pytest.mark.parametrize("kind", list(ActorKind))
@pytest.mark.parametrize("status", sorted(set(TaskStatus) - {TaskStatus.FAILED}))
@pytest.mark.parametrize("command", list(FORMS), ids=lambda command: command.__name__)
def test_a_command_is_accepted_exactly_where_a_row_allows_it(command, status, kind):
    rows = [row for row in rows_for(command) if status in row.origins and kind in row.actors]
    found = list(outcomes(command, status, kind))
    reached = {outcome for outcome in found if isinstance(outcome, TaskStatus)}
    assert reached == {row.to or status for row in rows}
    if kind not in {actor for row in rows_for(command) for actor in row.actors}:
        assert {refusal.code for refusal in found} == {ErrorCode.FORBIDDEN}


@pytest.mark.parametrize("command", list(FORMS), ids=lambda command: command.__name__)
def test_no_row_leads_out_of_a_closed_task(command):
    assert not any(CLOSED & set(row.origins) for row in rows_for(command))


@pytest.mark.parametrize("name", ["backlog", "ready", "working", "in review", "changes requested", "done", "cancelled"])
def test_a_drop_that_is_offered_is_accepted(name):
    state = states()[name]
    for column, row in legal_drops(state.status).items():
        forms = {"move": MoveTask(column), "approve": FORMS[ReviewDeliverable][0]}
        command = forms.get(row.drop, FORMS[ReviewDeliverable][1])
        if name == "changes requested" and row.drop != "move":
            continue
        decided = decide(state, envelope(command, command_id="asked"))
        assert not isinstance(decided, Refusal), (column, decided)
