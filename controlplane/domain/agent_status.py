"""How an agent is, as a pure function of what was seen of it, on the server's clock.

The values are tried in order, and the first that holds is the answer: what a person must know first stands first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from controlplane.domain.state import RunState


class AgentStatus(StrEnum):
    PAUSED = "paused"
    OFFLINE = "offline"
    STUCK = "stuck"
    WAITING_HUMAN = "waiting_human"
    BLOCKED = "blocked"
    WORKING = "working"
    IDLE = "idle"
    STARTING = "starting"


class Activity(StrEnum):
    """What a working agent is at, by its call in flight; between calls nobody knows."""

    THINKING = "thinking"
    TOOL = "tool"
    WRITING = "writing"
    UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One live run of the agent."""

    task: str  # T-12
    state: RunState
    stuck: str = ""  # why the watch says so
    activity: Activity = Activity.UNKNOWN


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """What was seen of an agent. Times are the server's, in milliseconds."""

    registered_at_ms: int
    seen_at_ms: int | None  # last beat, poll or proxied byte
    is_internal: bool = False  # lives in our workers and is there when they are
    is_paused: bool = False
    pause_reason: str = ""
    is_frozen: bool = False  # the agent, or the whole workspace
    is_retired: bool = False
    runs: tuple[RunFacts, ...] = ()
    in_review: tuple[str, ...] = ()  # tasks whose latest version is its work and waits for a verdict
    waiting: tuple[str, ...] = ()  # open tasks assigned to it that it could not take now: blocked, held, needs a person
    claimable: int = 0  # open tasks that it could take now


@dataclass(frozen=True, slots=True)
class AgentThresholds:
    """Silence after which an agent is offline (TTL and grace), and how long a new one may take to be heard."""

    offline_after_ms: int
    starting_ms: int = 60_000


@dataclass(frozen=True, slots=True)
class StatusSeen:
    """The answer: the value, what it is at while it works, and why, in a sentence."""

    value: AgentStatus
    activity: Activity
    sentence: str


def status_of(facts: AgentFacts, thresholds: AgentThresholds, now_ms: int) -> StatusSeen:
    """The first status of the table that holds."""
    for row in STATUSES:
        sentence = row.why(facts, thresholds, now_ms)
        if sentence:
            activity = _activity(facts) if row.value is AgentStatus.WORKING else Activity.UNKNOWN
            return StatusSeen(row.value, activity, sentence)
    raise AssertionError("an agent that is none of the others is idle")


def _paused(facts: AgentFacts, _thresholds: AgentThresholds, _now_ms: int) -> str:
    if facts.is_frozen:
        return "It is frozen: its keys are refused and its calls wait."
    if facts.is_retired:
        return "It is leaving: it takes no new work."
    reason = f": {facts.pause_reason}" if facts.pause_reason else ""
    return f"It is paused{reason}." if facts.is_paused else ""


def _offline(facts: AgentFacts, thresholds: AgentThresholds, now_ms: int) -> str:
    if facts.is_internal:  # it is there with its worker
        return ""
    if facts.seen_at_ms is not None:
        silent_ms = now_ms - facts.seen_at_ms
        return f"It was not heard for {silent_ms // 1000} s." if silent_ms > thresholds.offline_after_ms else ""
    is_late = now_ms - facts.registered_at_ms > thresholds.starting_ms
    return "It was registered and never heard." if is_late else ""


def _stuck(facts: AgentFacts, _thresholds: AgentThresholds, _now_ms: int) -> str:
    return next((f"{run.task}: {run.stuck}" for run in facts.runs if run.stuck), "")


def _waiting_human(facts: AgentFacts, _thresholds: AgentThresholds, _now_ms: int) -> str:
    for run in facts.runs:
        if run.state is RunState.WAITING_APPROVAL:
            return f"{run.task} waits for an approval."
        if run.state is RunState.WAITING_INPUT:
            return f"{run.task} waits for an answer."
    if facts.in_review and not facts.runs and not facts.claimable:
        return f"{_named(facts.in_review)} for a review."
    return ""


def _blocked(facts: AgentFacts, _thresholds: AgentThresholds, _now_ms: int) -> str:
    held = tuple(run.task for run in facts.runs if run.state is RunState.PAUSED)
    if held and len(held) == len(facts.runs):
        return f"{_named(held)} for a hold to be lifted."
    if facts.waiting and not facts.runs and not facts.claimable:
        return f"{_named(facts.waiting)} for something else first."
    return ""


def _working(facts: AgentFacts, _thresholds: AgentThresholds, _now_ms: int) -> str:
    tasks = [run.task for run in facts.runs if run.state is RunState.RUNNING]
    return f"It works on {', '.join(tasks)}." if tasks else ""


def _idle(facts: AgentFacts, _thresholds: AgentThresholds, _now_ms: int) -> str:
    if facts.seen_at_ms is None and not facts.is_internal:
        return ""
    return "It is there, and may take work." if facts.claimable else "It is there, and nothing is ready for it."


def _starting(_facts: AgentFacts, _thresholds: AgentThresholds, _now_ms: int) -> str:
    return "It was registered just now, and not heard yet."


def _named(tasks: tuple[str, ...]) -> str:
    return f"{', '.join(tasks)} {'waits' if len(tasks) == 1 else 'wait'}"


def _activity(facts: AgentFacts) -> Activity:
    """The most telling of several runs'."""
    at_it = {run.activity for run in facts.runs if run.state is RunState.RUNNING}
    return next(
        (each for each in (Activity.WRITING, Activity.TOOL, Activity.THINKING) if each in at_it), Activity.UNKNOWN
    )


@dataclass(frozen=True, slots=True)
class StatusRow:
    """One row of the table: `why` answers with its sentence where the status holds, else with nothing."""

    value: AgentStatus
    why: Callable[[AgentFacts, AgentThresholds, int], str]
    meaning: str


STATUSES: tuple[StatusRow, ...] = (
    StatusRow(AgentStatus.PAUSED, _paused, "A person holds it, froze it, or retired it"),
    StatusRow(AgentStatus.OFFLINE, _offline, "Nothing was heard for TTL and grace"),
    StatusRow(AgentStatus.STUCK, _stuck, "The watch found one of its runs stuck"),
    StatusRow(
        AgentStatus.WAITING_HUMAN,
        _waiting_human,
        "Its run waits for an answer or an approval, or all its work for a review",
    ),
    StatusRow(AgentStatus.BLOCKED, _blocked, "All it has waits: for other tasks, for a hold, for a person"),
    StatusRow(AgentStatus.WORKING, _working, "A run is at work: thinking, using a tool, or writing"),
    StatusRow(AgentStatus.IDLE, _idle, "It is there, with nothing to do"),
    StatusRow(AgentStatus.STARTING, _starting, "Registered within the last minute, and not heard yet"),
)
