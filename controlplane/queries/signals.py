"""The one word that a task shows: the most severe thing that is true of it.

| signal | when | word |
|---|---|---|
| failed | nobody but a person can go on | Failed |
| stuck, watch | the watch says so | Stuck, Watch |
| human | a question is open, or a deliverable waits for review | Answer, Review |
| working | an agent has it | Working |
| blocked | it waits for another task | Blocked |
| queued, idle | assigned and free to be taken; free for whoever is able | Queued, Ready |
| done, offline | approved; cancelled | Done, Cancelled |
"""

from dataclasses import dataclass
from enum import StrEnum

from controlplane.domain.state import RunState, TaskStatus


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
    DONE = "done"
    OFFLINE = "offline"


ATTENTION = (Signal.STUCK, Signal.FAILED, Signal.WATCH, Signal.HUMAN)
_SEVERITY = {signal: place for place, signal in enumerate(Signal)}


def severity(signal: Signal) -> int:
    """Smaller is more severe."""
    return _SEVERITY[signal]


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides a task's signal."""

    status: TaskStatus
    is_blocked: bool = False
    is_assigned: bool = False
    run_state: str | None = None
    needs_human: str = ""
    watch_signal: str | None = None


def signal_of(standing: Standing) -> tuple[Signal, str]:
    """The signal and its word; the word of a loud signal is the verb a person must do."""
    return _closed(standing.status) or _loud(standing) or _quiet(standing)


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
    if standing.watch_signal == Signal.STUCK:
        return Signal.STUCK, "Stuck"
    if standing.needs_human:
        return Signal.FAILED, "Failed"
    if standing.watch_signal == Signal.WATCH:
        return Signal.WATCH, "Watch"
    if standing.run_state == RunState.WAITING_INPUT:
        return Signal.HUMAN, "Answer"
    if standing.status is TaskStatus.IN_REVIEW:
        return Signal.HUMAN, "Review"
    return None


def _quiet(standing: Standing) -> tuple[Signal, str]:
    if standing.run_state is not None:
        return Signal.WORKING, "Working"
    if standing.is_blocked:
        return Signal.BLOCKED, "Blocked"
    if standing.status is TaskStatus.BACKLOG:
        return Signal.IDLE, "In backlog"
    return (Signal.QUEUED, "Queued") if standing.is_assigned else (Signal.IDLE, "Ready")
