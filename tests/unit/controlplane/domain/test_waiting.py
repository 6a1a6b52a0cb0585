"""Why isn't this running?"""

from dataclasses import replace

import pytest

from controlplane.domain.state import CLOSED, RunState, TaskStatus
from controlplane.domain.waiting import AgentSeen, BlockerSeen, HoldSeen, WaitingCode, WaitingFacts, why_waiting

WRITER = AgentSeen("a_writer", "writer", frozenset({"write"}))
CODER = AgentSeen("a_coder", "coder", frozenset({"write", "python"}))
READY = WaitingFacts(TaskStatus.READY, (WRITER, CODER), queue_position=2, queue_length=5)


def told(**facts) -> list[tuple[str, str]]:
    return [(str(reason.code), reason.sentence) for reason in why_waiting(replace(READY, **facts))]


def test_a_task_in_the_queue_tells_its_place_and_who_could_take_it():
    assert told() == [
        ("queued", "It is number 2 of 5 in the queue."),
        ("could_take", "coder and writer could take it."),
    ]


def test_the_reasons_come_in_the_order_in_which_they_are_to_be_settled():
    everything = replace(
        READY,
        status=TaskStatus.BACKLOG,
        needs_human="3 runs failed in a row.",
        is_workspace_frozen=True,
        holds=(HoldSeen("budget", "spent", ""),),
        blockers=(BlockerSeen("T-3", TaskStatus.READY),),
        needs=("python",),
    )
    assert [str(reason.code) for reason in why_waiting(everything)] == [
        "backlog", "needs_human", "workspace_frozen", "held", "blocked", "queued", "could_take", "cannot_take",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("blocker", "sentence", "refs"),
    [
        (BlockerSeen("T-3", TaskStatus.READY), "It waits for T-3.", ("T-3",)),
        (
            BlockerSeen("T-3", TaskStatus.READY, leaf="T-3", leaf_why="is not started"),
            "It waits for T-3, which is not started.",
            ("T-3",),
        ),
        (
            BlockerSeen("T-3", TaskStatus.READY, leaf="T-9", leaf_why="waits for your review"),
            "It waits for T-3, held up by T-9, which waits for your review.",
            ("T-3", "T-9"),
        ),
        (BlockerSeen("T-3", TaskStatus.READY, leaf="T-9"), "It waits for T-3, held up by T-9.", ("T-3", "T-9")),
        (BlockerSeen("T-3", TaskStatus.CANCELLED), "T-3 was cancelled, so it would wait for ever.", ("T-3",)),
        (BlockerSeen("T-3", TaskStatus.FAILED), "T-3 has failed, so it would wait for ever.", ("T-3",)),
    ],
)
def test_a_blocked_task_names_its_blocker_and_what_holds_that_one_up(blocker, sentence, refs):
    first = why_waiting(replace(READY, blockers=(blocker,)))[0]
    assert (first.code, first.sentence, first.refs) == (WaitingCode.BLOCKED, sentence, refs)


@pytest.mark.parametrize(
    ("hold", "sentence"),
    [
        (HoldSeen("operator", "later", "Maya"), "Maya holds it (operator): later."),
        (HoldSeen("schedule", "", ""), "Pointsman holds it (schedule)."),
    ],
)
def test_a_held_task_says_by_whom_and_why(hold, sentence):
    assert told(holds=(hold,))[0] == ("held", sentence)


@pytest.mark.parametrize(
    ("agent", "facts", "obstacle"),
    [
        ({"is_retired": True}, {}, "has been retired"),
        ({}, {"assigned_agent_id": "a_coder"}, "is not the one it is assigned to"),
        ({}, {"needs": ("python", "sql", "write")}, "lacks python and sql"),
        ({}, {"avoids": ("a_writer",)}, "fell silent on it twice"),
        ({"is_frozen": True}, {}, "is frozen"),
        ({"is_paused": True}, {}, "is paused"),
        ({"is_paused": True, "pause_reason": "costs"}, {}, "is paused: costs"),
        ({"is_offline": True}, {}, "is offline"),
        ({"held": 2, "max_concurrency": 2}, {}, "has its hands full (2 of 2)"),
    ],
)
def test_an_agent_that_would_not_take_it_says_why(agent, facts, obstacle):
    reasons = why_waiting(replace(READY, agents=(replace(WRITER, **agent), CODER), **facts))
    told_of_writer = [reason for reason in reasons if reason.refs == ("writer",)]
    assert [(reason.code, reason.sentence) for reason in told_of_writer] == [
        (WaitingCode.CANNOT_TAKE, f"writer {obstacle}.")
    ]


def test_an_agent_without_a_limit_never_has_its_hands_full():
    assert ("could_take", "writer could take it.") in told(agents=(replace(WRITER, held=9),))


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"agents": ()}, "No agent is registered."),
        ({"needs": ("rust",)}, "No agent can do all of what it needs: rust."),
        ({"assigned_agent_id": "a_gone"}, "It is assigned to an agent that is gone."),
        (
            {"assigned_agent_id": "a_writer", "agents": (replace(WRITER, is_offline=True), CODER)},
            "Only writer may take it, and cannot now.",
        ),
        ({"agents": (replace(WRITER, is_retired=True),)}, "No agent is left."),
        ({"agents": (replace(WRITER, is_paused=True),)}, "Every agent that is able is busy or away."),
    ],
)
def test_when_nobody_could_take_it_that_is_said(facts, sentence):
    assert ("nobody", sentence) in told(**facts)


@pytest.mark.parametrize("status", sorted(CLOSED))
def test_a_closed_task_waits_for_nothing(status):
    assert told(status=status) == []


def test_a_task_at_work_waits_for_nothing_even_if_somebody_blocked_it_meanwhile():
    blockers = (BlockerSeen("T-3", TaskStatus.READY),)
    assert told(status=TaskStatus.IN_PROGRESS, run_state=RunState.RUNNING, blockers=blockers) == []


@pytest.mark.parametrize(
    ("run_state", "expected"),
    [
        (RunState.WAITING_INPUT, ("run_waits", "Its agent waits for an answer.")),
        (RunState.WAITING_APPROVAL, ("run_waits", "Its agent waits for an approval.")),
        (RunState.PAUSED, ("run_paused", "Its run is paused, and goes on when nothing holds it.")),
    ],
)
def test_a_run_that_does_not_go_on_says_what_it_waits_for_and_speaks_of_no_queue(run_state, expected):
    assert told(status=TaskStatus.IN_PROGRESS, run_state=run_state) == [expected]


def test_a_task_in_review_waits_for_its_review():
    assert told(status=TaskStatus.IN_REVIEW) == [("in_review", "Its deliverable waits for a review.")]


def test_the_first_in_the_queue_is_told_so():
    assert told(queue_position=1)[0] == ("queued", "It is the first in the queue.")
