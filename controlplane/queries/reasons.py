"""What a card says beside its word: since when, why, and what is being done. From one row, without other cards."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from controlplane.domain.review_rules import missing_approvals, waits_for_first_pass
from controlplane.domain.state import CLOSED, ActorKind, Hold, RunState, TaskState, TaskStatus
from controlplane.queries.signals import Signal

_ASKING = (RunState.WAITING_INPUT, RunState.WAITING_APPROVAL)
HELD_CALL = "held"  # the recorder's word for a call that waits at the gateway until its run goes on

_HELD_BY_ITSELF = {
    "budget": "Its budget is used up",
    "schedule": "Not before its time",
    "external": "Its agent waits for something outside",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a sentence is made from. `state` is there for rows whose columns do not tell it all."""

    row: Row[Any]
    status: TaskStatus
    signal: Signal
    state: TaskState | None

    @property
    def hold(self) -> Hold | None:
        """The one that names the card: a freeze before a pause before the others."""
        holds = self.state.holds if self.state else {}
        order = ("freeze", "operator", *holds)
        return next((holds[kind] for kind in order if kind in holds), None)


def is_with_agents(state: TaskState) -> bool:
    """In review, and no person's verdict is wanted now: an agent looks first, or only agents are asked."""
    if state.status is not TaskStatus.IN_REVIEW:
        return False
    reviewers = state.review.reviewers
    return waits_for_first_pass(state) or bool(reviewers and all(one.kind is ActorKind.AGENT for one in reviewers))


def since_of(facts: Facts) -> int:
    """When what the card shows began."""
    row, state = facts.row, facts.state
    if facts.signal in {Signal.STUCK, Signal.WATCH} and row.watch_since_ms is not None:
        return int(row.watch_since_ms)
    if facts.signal is Signal.HUMAN and state and state.question and row.run_state in _ASKING:
        return state.question.asked_at_ms
    if facts.signal is Signal.PAUSED and facts.hold:
        return facts.hold.at_ms
    if facts.signal is Signal.WORKING and row.run_started_ms is not None:
        return int(row.run_started_ms)
    if facts.status in CLOSED and row.closed_at_ms is not None:
        return int(row.closed_at_ms)
    return int(row.status_since_ms)


def sentence_of(facts: Facts) -> str:
    """Why it stands as it does; empty where the word says it all."""
    row, signal = facts.row, facts.signal
    if signal in {Signal.STUCK, Signal.WATCH}:
        return str(row.watch_reason or "A task it builds on was reopened after it had begun.")
    if row.needs_human:
        return str(row.needs_human)
    if row.question and row.run_state in _ASKING:
        asks = "Asks you to approve" if row.run_state == RunState.WAITING_APPROVAL else "Asks"
        return f"{asks}: “{row.question}”"
    if signal is Signal.PAUSED and facts.hold:
        return _held(facts.hold)
    if facts.status is TaskStatus.IN_REVIEW:
        return _reviewed(facts)
    if row.changes_requested:
        return f"Changes requested: {row.review_note}" if row.review_note else "Changes requested."
    return _waits(facts)


def _held(hold: Hold) -> str:
    own = _HELD_BY_ITSELF.get(hold.kind)
    if own:
        return f"{own}: {hold.reason}" if hold.reason else f"{own}."
    who = hold.actor.name or "Pointsman"
    return f"{who}: {hold.reason}" if hold.reason else f"By {who}."


def _reviewed(facts: Facts) -> str:
    row, state = facts.row, facts.state
    if row.review_problem:
        return str(row.review_problem)
    if state is None:
        return f"v{row.version} is ready for your review."
    changed = " What it builds on has changed." if row.has_changed_upstream else ""
    if waits_for_first_pass(state) and state.review.first_pass:
        return f"v{row.version}: {_agent(state.review.first_pass.name)} looks at it first.{changed}"
    needed = state.review.needed
    if needed > 1:
        return f"v{row.version}: {needed - missing_approvals(state)} of {needed} approved.{changed}"
    if is_with_agents(state):
        return f"v{row.version} is with {_and([_agent(one.name) for one in state.review.reviewers])}.{changed}"
    return f"v{row.version} is ready for your review.{changed}"


def _waits(facts: Facts) -> str:
    if facts.status is not TaskStatus.READY:
        return ""
    if facts.signal is Signal.QUEUED:
        return f"Waits for {_agent(facts.row.agent_name)}." if facts.row.agent_name else ""
    if facts.signal is Signal.IDLE:
        needs = facts.row.needs
        return f"Waits for an agent that can {_and(needs)}" if needs else "Waits for an agent."
    return ""


def substate_of(facts: Facts, of_call: str) -> str:
    """What its agent is at, by its call in flight, else by its own word."""
    row = facts.row
    if facts.status is TaskStatus.IN_REVIEW:
        return "submitted"
    if row.run_id is None:
        return ""
    if of_call == HELD_CALL:
        return "calls held at the gateway"
    if row.run_state in _ASKING:
        return "waiting for an approval" if row.run_state == RunState.WAITING_APPROVAL else "waiting for an answer"
    if row.run_state == RunState.PAUSED:  # its word says so
        return ""
    return of_call or row.progress or ""


def _agent(name: str) -> str:
    return name.upper() if len(name) <= 3 else name[:1].upper() + name[1:]


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
