"""How an agent is, from what was seen of it."""

from dataclasses import replace

import pytest

from controlplane.domain.agent_status import (
    STATUSES,
    Activity,
    AgentFacts,
    AgentStatus,
    AgentThresholds,
    RunFacts,
    status_of,
)
from controlplane.domain.state import RunState

THRESHOLDS = AgentThresholds(offline_after_ms=90_000)
NOW = 1_000_000
THERE = AgentFacts(registered_at_ms=0, seen_at_ms=NOW - 1000)
WORKING = RunFacts("T-1", RunState.RUNNING, activity=Activity.THINKING)
STUCK = RunFacts("T-2", RunState.RUNNING, stuck="Repeated the same call 5 times")
ASKING = RunFacts("T-3", RunState.WAITING_INPUT)
APPROVAL = RunFacts("T-4", RunState.WAITING_APPROVAL)
HELD = RunFacts("T-5", RunState.PAUSED)


def seen(**facts) -> tuple[AgentStatus, str]:
    status = status_of(replace(THERE, **facts), THRESHOLDS, NOW)
    return status.value, status.sentence


@pytest.mark.parametrize(
    ("facts", "status", "sentence"),
    [
        ({"is_paused": True}, AgentStatus.PAUSED, "It is paused."),
        ({"is_paused": True, "pause_reason": "costs"}, AgentStatus.PAUSED, "It is paused: costs."),
        ({"is_frozen": True}, AgentStatus.PAUSED, "It is frozen: its keys are refused and its calls wait."),
        ({"is_retired": True}, AgentStatus.PAUSED, "It is leaving: it takes no new work."),
        ({"seen_at_ms": NOW - 90_001}, AgentStatus.OFFLINE, "It was not heard for 90 s."),
        ({"seen_at_ms": NOW - 90_000}, AgentStatus.IDLE, "It is there, and nothing is ready for it."),
        ({"seen_at_ms": None}, AgentStatus.OFFLINE, "It was registered and never heard."),
        (
            {"seen_at_ms": None, "registered_at_ms": NOW - 60_000},
            AgentStatus.STARTING,
            "It was registered just now, and not heard yet.",
        ),
        ({"seen_at_ms": None, "is_internal": True}, AgentStatus.IDLE, "It is there, and nothing is ready for it."),
        ({"runs": (STUCK,)}, AgentStatus.STUCK, "T-2: Repeated the same call 5 times"),
        ({"runs": (ASKING,)}, AgentStatus.WAITING_HUMAN, "T-3 waits for an answer."),
        ({"runs": (APPROVAL,)}, AgentStatus.WAITING_HUMAN, "T-4 waits for an approval."),
        ({"in_review": ("T-7", "T-8")}, AgentStatus.WAITING_HUMAN, "T-7, T-8 wait for a review."),
        ({"runs": (HELD,)}, AgentStatus.BLOCKED, "T-5 waits for a hold to be lifted."),
        ({"waiting": ("T-6",)}, AgentStatus.BLOCKED, "T-6 waits for something else first."),
        ({"runs": (WORKING,)}, AgentStatus.WORKING, "It works on T-1."),
        ({"claimable": 2}, AgentStatus.IDLE, "It is there, and may take work."),
    ],
)
def test_each_status_says_why(facts, status, sentence):
    assert seen(**facts) == (status, sentence)


ALL_AT_ONCE = {
    "is_paused": True,
    "seen_at_ms": 0,
    "runs": (STUCK, ASKING, WORKING),
    "in_review": ("T-7",),
    "waiting": ("T-6",),
}
WITHOUT = (
    (AgentStatus.PAUSED, {}),
    (AgentStatus.OFFLINE, {"is_paused": False}),
    (AgentStatus.STUCK, {"seen_at_ms": NOW}),
    (AgentStatus.WAITING_HUMAN, {"runs": (ASKING, WORKING)}),
    (AgentStatus.BLOCKED, {"runs": (), "in_review": ()}),
    (AgentStatus.WORKING, {"runs": (WORKING,)}),
    (AgentStatus.IDLE, {"runs": (), "in_review": (), "waiting": ()}),
    (AgentStatus.STARTING, {"seen_at_ms": None, "registered_at_ms": NOW}),
)


def test_the_first_that_holds_is_the_answer_in_the_order_of_the_table():
    """Of an agent with every trouble at once the causes are taken away one by one."""
    facts, found = dict(ALL_AT_ONCE), []
    for _, settled in WITHOUT:
        facts |= settled
        found.append(seen(**facts)[0])
    assert found == [status for status, _ in WITHOUT] == [row.value for row in STATUSES]


def test_every_status_is_in_the_table_once():
    assert sorted(row.value for row in STATUSES) == sorted(AgentStatus)


def test_who_works_beside_a_review_or_a_blocked_task_is_working():
    assert seen(runs=(WORKING,), in_review=("T-7",), waiting=("T-6",))[0] is AgentStatus.WORKING
    assert seen(runs=(WORKING, HELD))[0] is AgentStatus.WORKING


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        ((Activity.THINKING,), Activity.THINKING),
        ((Activity.THINKING, Activity.WRITING), Activity.WRITING),
        ((Activity.TOOL, Activity.THINKING), Activity.TOOL),
        ((Activity.UNKNOWN,), Activity.UNKNOWN),
    ],
)
def test_a_working_agent_shows_the_most_telling_of_its_calls(at, shown):
    runs = tuple(RunFacts(f"T-{number}", RunState.RUNNING, activity=each) for number, each in enumerate(at))
    assert status_of(replace(THERE, runs=runs), THRESHOLDS, NOW).activity is shown


def test_only_work_has_an_activity():
    assert status_of(replace(THERE, runs=(WORKING, ASKING)), THRESHOLDS, NOW).activity is Activity.UNKNOWN
