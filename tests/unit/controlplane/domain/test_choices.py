"""What a person is offered when a task calls for one."""

import pytest
from msgspec.structs import replace

from controlplane.domain.choices import CHOICES, choices
from controlplane.domain.commands import (
    AddBlockers,
    AssignTask,
    CancelTask,
    Command,
    CompleteTask,
    EditTask,
    FailTask,
    GiveHelp,
    HoldTask,
    RemoveBlocker,
)
from controlplane.domain.decide import decide
from controlplane.domain.state import BLOCKER_CAUSES, HoldKind, HumanCause, TaskState
from tests.unit.controlplane.domain.lives import envelope, give, states

STATES = states()
COMMANDS: dict[str, Command] = {
    "give_help": GiveHelp(),
    "assign": AssignTask("a_third"),
    "edit": EditTask(brief="Clearer."),
    "fail_task": FailTask(),
    "complete": CompleteTask(),
    "hold": HoldTask(HoldKind.OPERATOR, "until tomorrow"),
    "remove_blocker": RemoveBlocker("t_2"),
    "add_blockers": AddBlockers(("t_3",)),
    "cancel": CancelTask(),
}
CALLING: dict[HumanCause, tuple[str, ...]] = {
    HumanCause.FAILURES: ("ready", "failed once"),
    HumanCause.LOST_TWICE: ("lost twice",),
    HumanCause.REJECTIONS: ("changes requested",),
    HumanCause.WAKES: ("ready", "working"),
    HumanCause.BLOCKER_FAILED: ("backlog, blocked", "ready, blocked", "working, blocked", "in review, blocked"),
    HumanCause.BLOCKER_CANCELLED: ("backlog, blocked", "ready, blocked", "working, blocked", "in review, blocked"),
}


def calling(cause: HumanCause, name: str) -> TaskState:
    state = replace(STATES[name], needs_human="Because.", human_cause=cause)
    if cause not in BLOCKER_CAUSES:
        return state
    outcome = "failed" if cause is HumanCause.BLOCKER_FAILED else "cancelled"
    return replace(state, blockers={"t_2": outcome, "t_9": "open"})


def test_every_cause_has_choices():
    assert set(CHOICES) == set(HumanCause)


def test_every_verb_that_is_offered_is_tried_here():
    assert {choice.verb for offered in CHOICES.values() for choice in offered} == set(COMMANDS)


@pytest.mark.parametrize(
    ("cause", "name"), [(cause, name) for cause, names in CALLING.items() for name in names], ids=str
)
def test_every_choice_is_accepted_and_changes_something(cause, name):
    state = calling(cause, name)
    for choice in choices(state):
        decided = decide(state, envelope(COMMANDS[choice.verb], command_id="chosen"))
        assert isinstance(decided, tuple), (choice.verb, decided)
        assert decided, choice.verb


@pytest.mark.parametrize("cause", [cause for cause in HumanCause if cause not in BLOCKER_CAUSES])
def test_every_way_on_but_a_hold_ends_the_call(cause):
    state = calling(cause, CALLING[cause][0])
    ways = [choice for choice in choices(state) if choice.verb != "hold"]
    assert [choice.verb for choice in ways if give(state, COMMANDS[choice.verb], command_id="x").needs_human] == []


def test_the_choices_about_a_blocker_name_the_one_that_will_not_be_done():
    offered = choices(calling(HumanCause.BLOCKER_CANCELLED, "ready, blocked"))
    assert {choice.verb: choice.task_ids for choice in offered} == {
        "remove_blocker": ("t_2",),
        "add_blockers": ("t_2",),
        "cancel": (),
    }


def test_a_task_that_calls_for_nobody_offers_nothing():
    assert choices(STATES["ready"]) == ()


def test_a_call_of_an_earlier_version_without_its_cause_is_taken_for_failures():
    state = replace(STATES["ready"], needs_human="3 runs failed in a row.", human_cause=None)
    assert [choice.verb for choice in choices(state)] == ["give_help", "assign", "edit", "fail_task"]
