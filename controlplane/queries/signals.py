"""The one word that a task shows: the most severe thing that is true of it.

| signal | when | word |
|---|---|---|
| failed | nobody but a person can go on; given up | Decide, Failed |
| stuck, watch | the watch says so; what it builds on was reopened | Stuck, Watch, Upstream changed |
| human | a question or an approval is open; a review that nobody can finish; a review | Answer, Approve, Change reviewers, Review |
| working | an agent has it | Working |
| blocked | it waits for another task | Blocked |
| paused | somebody froze or paused it, or another hold keeps it | Frozen, Paused, Held |
| queued, idle | assigned and free to be taken, or with an agent that reviews; free for whoever is able | Queued, AI review, Ready |
| done, offline | approved; cancelled | Done, Cancelled |
"""  # noqa: E501 - a table

from dataclasses import dataclass
from enum import StrEnum

from controlplane.domain.state import HoldKind, RunState, TaskStatus


class Signal(StrEnum):
    """Words of the design's `data-signal`, most severe first."""

    STUCK = "stuck"
    FAILED = "failed"
    WATCH = "watch"
    HUMAN = "human"
    WORKING = "working"
    QUEUED = "queued"
    IDLE = "idle"
    BLOCKED = "blocked"
    PAUSED = "paused"
    DONE = "done"
    OFFLINE = "offline"


ATTENTION = (Signal.STUCK, Signal.FAILED, Signal.WATCH, Signal.HUMAN)
WAITING = (Signal.QUEUED, Signal.IDLE, Signal.BLOCKED, Signal.PAUSED)  # of these a person asks why they do not move
_SEVERITY = {signal: place for place, signal in enumerate(Signal)}
FROZEN = "Frozen"
_HOLD_WORDS = {HoldKind.FREEZE: FROZEN, HoldKind.OPERATOR: "Paused"}  # the first that is there names the card


def severity(signal: Signal) -> int:
    """Smaller is more severe."""
    return _SEVERITY[signal]


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides a task's signal. `is_with_agents`: in review, and the next verdict is an agent's."""

    status: TaskStatus
    is_blocked: bool = False
    is_assigned: bool = False
    run_state: str | None = None
    needs_human: str = ""
    watch_signal: str | None = None
    holds: tuple[str, ...] = ()
    review_problem: str = ""
    is_with_agents: bool = False
    has_changed_upstream: bool = False


def signal_of(standing: Standing) -> tuple[Signal, str]:
    """The signal and its word; the word of a loud signal is the verb a person must do."""
    return _closed(standing.status) or _loud(standing) or _held(standing) or _quiet(standing)


def _closed(status: TaskStatus) -> tuple[Signal, str] | None:
    match status:
        case TaskStatus.DONE:
            return Signal.DONE, "Done"
        case TaskStatus.CANCELLED:
            return Signal.OFFLINE, "Cancelled"
        case TaskStatus.FAILED:
            return Signal.FAILED, "Failed"
        case _:
            return None


def _loud(standing: Standing) -> tuple[Signal, str] | None:
    is_held = bool(standing.holds)  # what stands still by a person's will is not stuck
    if standing.watch_signal == Signal.STUCK and not is_held:
        return Signal.STUCK, "Stuck"
    if standing.needs_human:
        return Signal.FAILED, "Decide"
    if standing.watch_signal == Signal.WATCH and not is_held:
        return Signal.WATCH, "Watch"
    return _human(standing)


def _human(standing: Standing) -> tuple[Signal, str] | None:
    if standing.run_state == RunState.WAITING_APPROVAL:
        return Signal.HUMAN, "Approve"
    if standing.run_state == RunState.WAITING_INPUT:
        return Signal.HUMAN, "Answer"
    if standing.status is TaskStatus.IN_REVIEW and standing.review_problem:
        return Signal.HUMAN, "Change reviewers"
    if standing.status is TaskStatus.IN_REVIEW and not standing.is_with_agents:
        return Signal.HUMAN, "Review"
    if standing.has_changed_upstream:
        return Signal.WATCH, "Upstream changed"
    return None


def _held(standing: Standing) -> tuple[Signal, str] | None:
    if not standing.holds:
        return None
    return Signal.PAUSED, next((word for kind, word in _HOLD_WORDS.items() if kind in standing.holds), "Held")


def _quiet(standing: Standing) -> tuple[Signal, str]:
    if standing.status is TaskStatus.IN_REVIEW:
        return Signal.QUEUED, "AI review"
    if standing.run_state is not None:
        return Signal.WORKING, "Working"
    if standing.is_blocked:
        return Signal.BLOCKED, "Blocked"
    if standing.status is TaskStatus.BACKLOG:
        return Signal.IDLE, "In backlog"
    return (Signal.QUEUED, "Queued") if standing.is_assigned else (Signal.IDLE, "Ready")
