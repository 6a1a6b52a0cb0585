"""Which word a task shows, why, and where it stands in its column."""

import pytest

from controlplane.domain.state import TaskStatus
from controlplane.queries.card import CardView, Reason
from controlplane.queries.signals import Signal, Standing, signal_of
from controlplane.queries.waits import Edge, explain_waits

S = TaskStatus


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (Standing(S.READY), (Signal.IDLE, "Ready")),
        (Standing(S.READY, is_assigned=True), (Signal.QUEUED, "Queued")),
        (Standing(S.READY, is_blocked=True, is_assigned=True), (Signal.BLOCKED, "Blocked")),
        (Standing(S.BACKLOG), (Signal.IDLE, "In backlog")),
        (Standing(S.IN_PROGRESS, run_state="running", is_blocked=True), (Signal.WORKING, "Working")),
        (Standing(S.IN_PROGRESS, run_state="waiting_input"), (Signal.HUMAN, "Answer")),
        (Standing(S.IN_PROGRESS, run_state="waiting_input", watch_signal="stuck"), (Signal.STUCK, "Stuck")),
        (Standing(S.IN_PROGRESS, run_state="running", watch_signal="watch"), (Signal.WATCH, "Watch")),
        (Standing(S.READY, needs_human="3 runs failed", is_blocked=True), (Signal.FAILED, "Decide")),
        (Standing(S.IN_PROGRESS, run_state="waiting_approval"), (Signal.HUMAN, "Approve")),
        (Standing(S.IN_PROGRESS, run_state="paused", holds=("operator",)), (Signal.PAUSED, "Paused")),
        (Standing(S.IN_PROGRESS, run_state="paused", holds=("freeze", "operator")), (Signal.PAUSED, "Frozen")),
        (Standing(S.READY, holds=("external",), is_blocked=True), (Signal.PAUSED, "Held")),
        (
            Standing(S.IN_PROGRESS, run_state="paused", holds=("operator",), watch_signal="stuck"),
            (Signal.PAUSED, "Paused"),
        ),
        (Standing(S.READY, holds=("freeze",), needs_human="Decide"), (Signal.FAILED, "Decide")),
        (Standing(S.IN_REVIEW, review_problem="Nobody can."), (Signal.HUMAN, "Change reviewers")),
        (Standing(S.IN_REVIEW, is_with_agents=True), (Signal.QUEUED, "AI review")),
        (Standing(S.IN_REVIEW, is_with_agents=True, review_problem="Gone."), (Signal.HUMAN, "Change reviewers")),
        (Standing(S.IN_REVIEW, has_changed_upstream=True), (Signal.HUMAN, "Review")),
        (Standing(S.IN_PROGRESS, run_state="running", has_changed_upstream=True), (Signal.WATCH, "Upstream changed")),
        (Standing(S.IN_REVIEW, watch_signal="watch"), (Signal.WATCH, "Watch")),
        (Standing(S.IN_REVIEW), (Signal.HUMAN, "Review")),
        (Standing(S.DONE, watch_signal="stuck"), (Signal.DONE, "Done")),
        (Standing(S.CANCELLED, needs_human="x"), (Signal.OFFLINE, "Cancelled")),
        (Standing(S.FAILED), (Signal.FAILED, "Failed")),
    ],
)
def test_the_most_severe_thing_that_is_true_gives_the_word(standing: Standing, expected: tuple[Signal, str]) -> None:
    assert signal_of(standing) == expected


def card(
    number: int, signal: Signal = Signal.IDLE, *, priority: int = 3, since_ms: int = 0, **more: object
) -> CardView:
    status = more.pop("status", S.READY)
    return CardView(f"t_{number}", number, "A task", status, signal, "", since_ms, priority, **more)  # type: ignore[arg-type]


def test_in_a_column_attention_comes_first_then_priority_then_who_waits_longest() -> None:
    expected = [
        card(1, Signal.STUCK, since_ms=900),
        card(2, Signal.WATCH),
        card(3, Signal.HUMAN, priority=5),
        card(4, Signal.WORKING),
        card(5, Signal.QUEUED, priority=1, since_ms=800),
        card(6, Signal.IDLE, priority=3, since_ms=100),
        card(7, Signal.QUEUED, priority=3, since_ms=200),
        card(8, Signal.IDLE, priority=3, since_ms=200),
        card(9, Signal.BLOCKED, priority=1),
    ]
    shuffled = expected[::2] + expected[1::2]
    assert sorted(shuffled, key=lambda each: each.rank) == expected


def test_done_work_stands_newest_first() -> None:
    old, new = (card(n, Signal.DONE, since_ms=at, status=S.DONE) for n, at in ((1, 1_000), (2, 2_000)))
    assert sorted([old, new], key=lambda each: each.rank) == [new, old]


def test_a_blocked_task_names_its_blocker_and_the_task_that_really_holds_it_up() -> None:
    cards = {
        each.task_id: each
        for each in (
            card(12, Signal.STUCK, since_ms=7, status=S.IN_PROGRESS),
            card(15, Signal.BLOCKED),
            card(16, Signal.BLOCKED),
        )
    }
    edges = {"t_15": [Edge("t_15", "t_12", 12, "in_progress")], "t_16": [Edge("t_16", "t_15", 15, "ready")]}
    waits = explain_waits(cards, edges)
    assert (waits["t_15"].blocker, waits["t_15"].leaf, waits["t_15"].phrase, waits["t_15"].since_ms) == (
        "T-12",
        "",
        "stuck",
        7,
    )
    assert (waits["t_16"].blocker, waits["t_16"].leaf, waits["t_16"].phrase) == ("T-15", "T-12", "stuck")


def test_of_several_blockers_the_most_urgent_is_named_and_the_others_are_counted() -> None:
    cards = {each.task_id: each for each in (card(1), card(2, Signal.HUMAN, status=S.IN_REVIEW), card(3))}
    edges = {"t_3": [Edge("t_3", "t_1", 1, "ready"), Edge("t_3", "t_2", 2, "in_review")]}
    wait = explain_waits(cards, edges)["t_3"]
    assert (wait.blocker, wait.others) == ("T-2", 1)


def test_a_cancelled_blocker_is_named_first_because_it_will_never_be_done() -> None:
    edges = {"t_3": [Edge("t_3", "t_1", 1, "ready"), Edge("t_3", "t_9", 9, "cancelled")]}
    wait = explain_waits({"t_1": card(1), "t_3": card(3)}, edges)["t_3"]
    assert (wait.blocker, wait.phrase) == ("T-9", "cancelled")


def test_a_circle_in_the_data_does_not_hang_the_board() -> None:
    edges = {"t_1": [Edge("t_1", "t_2", 2, "ready")], "t_2": [Edge("t_2", "t_1", 1, "ready")]}
    assert set(explain_waits({"t_1": card(1), "t_2": card(2)}, edges)) == {"t_1", "t_2"}


def test_a_card_offers_the_drops_of_the_table_and_no_other() -> None:
    reviewed = card(1, Signal.HUMAN, status=S.IN_REVIEW)
    assert {drop.column: drop.verb for drop in reviewed.drops} == {S.DONE: "approve", S.IN_PROGRESS: "request_changes"}
    assert card(2, Signal.DONE, status=S.DONE).drops == ()


def test_an_empty_reason_is_false() -> None:
    assert not Reason()
