"""Why isn't this running? One answer, in order: what it waits for, its place in the queue, who could take it.

Of every agent that could not, the one reason that would have to go first. Pure; whoever asks SQL hands the facts in.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from controlplane.domain.state import CLOSED, RunState, TaskStatus


class WaitingCode(StrEnum):
    """What kind of reason it is: stable, for pages and the API to sort by."""

    BACKLOG = "backlog"
    IN_REVIEW = "in_review"
    RUN_WAITS = "run_waits"
    RUN_PAUSED = "run_paused"
    NEEDS_HUMAN = "needs_human"
    WORKSPACE_FROZEN = "workspace_frozen"
    HELD = "held"
    BLOCKED = "blocked"
    QUEUED = "queued"
    NOBODY = "nobody"
    COULD_TAKE = "could_take"
    CANNOT_TAKE = "cannot_take"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. `refs` name the tasks (`T-3`) or agents (by name) that the sentence is about."""

    code: WaitingCode
    sentence: str
    refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HoldSeen:
    kind: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class BlockerSeen:
    """An open blocker. `leaf` is the task at the end of its chain that really holds it up, with `leaf_why`."""

    ref: str
    status: TaskStatus
    leaf: str = ""
    leaf_why: str = ""


@dataclass(frozen=True, slots=True)
class AgentSeen:
    """An agent of the workspace. `held` counts its live runs without those that wait for a person."""

    agent_id: str
    name: str
    capabilities: frozenset[str]
    held: int = 0
    max_concurrency: int = 0  # 0: as many as it asks for
    is_paused: bool = False
    pause_reason: str = ""
    is_frozen: bool = False
    is_retired: bool = False
    is_offline: bool = False


@dataclass(frozen=True, slots=True)
class WaitingFacts:
    """One task, and everybody who might take it."""

    status: TaskStatus
    agents: tuple[AgentSeen, ...]
    run_state: RunState | None = None  # of its live run
    changes_requested: bool = False
    needs_human: str = ""
    is_workspace_frozen: bool = False
    holds: tuple[HoldSeen, ...] = ()
    blockers: tuple[BlockerSeen, ...] = ()
    needs: tuple[str, ...] = ()
    assigned_agent_id: str | None = None
    avoids: tuple[str, ...] = ()
    queue_position: int = 0  # from 1, among the claimable tasks by priority and age; 0: it is not in the queue
    queue_length: int = 0


def why_waiting(facts: WaitingFacts) -> tuple[Reason, ...]:
    """The reasons, the first to be settled first; none for a task at work or closed."""
    if facts.status in CLOSED or facts.run_state is RunState.RUNNING:
        return ()
    stops = tuple(_stops(facts))
    if facts.run_state is not None or facts.status is TaskStatus.IN_REVIEW:
        return stops
    return (*stops, *_queue(facts), *_takers(facts))


def _stops(facts: WaitingFacts) -> Iterator[Reason]:
    """What has to be settled whoever takes it."""
    if facts.status is TaskStatus.BACKLOG:
        yield Reason(WaitingCode.BACKLOG, "It is in the backlog: nobody takes it before it is put in the queue.")
    if facts.status is TaskStatus.IN_REVIEW:
        yield Reason(WaitingCode.IN_REVIEW, "Its deliverable waits for a review.")
    if facts.run_state in {RunState.WAITING_INPUT, RunState.WAITING_APPROVAL}:
        what = "an answer" if facts.run_state is RunState.WAITING_INPUT else "an approval"
        yield Reason(WaitingCode.RUN_WAITS, f"Its agent waits for {what}.")
    if facts.run_state is RunState.PAUSED:
        yield Reason(WaitingCode.RUN_PAUSED, "Its run is paused, and goes on when nothing holds it.")
    if facts.needs_human:
        yield Reason(WaitingCode.NEEDS_HUMAN, f"It needs a person: {facts.needs_human}")
    if facts.is_workspace_frozen:
        yield Reason(WaitingCode.WORKSPACE_FROZEN, "The whole workspace is frozen.")
    for hold in facts.holds:
        why = f": {hold.reason.rstrip('.')}" if hold.reason else ""
        yield Reason(WaitingCode.HELD, f"{hold.by or 'Pointsman'} holds it ({hold.kind}){why}.")
    for blocker in facts.blockers:
        yield _blocked(blocker)


def _blocked(blocker: BlockerSeen) -> Reason:
    if blocker.status is TaskStatus.CANCELLED:
        return Reason(WaitingCode.BLOCKED, f"{blocker.ref} was cancelled, so it would wait for ever.", (blocker.ref,))
    if blocker.status is TaskStatus.FAILED:
        return Reason(WaitingCode.BLOCKED, f"{blocker.ref} has failed, so it would wait for ever.", (blocker.ref,))
    if blocker.leaf and blocker.leaf != blocker.ref:
        why = f", which {blocker.leaf_why}" if blocker.leaf_why else ""
        sentence = f"It waits for {blocker.ref}, held up by {blocker.leaf}{why}."
        return Reason(WaitingCode.BLOCKED, sentence, (blocker.ref, blocker.leaf))
    why = f", which {blocker.leaf_why}" if blocker.leaf_why else ""
    return Reason(WaitingCode.BLOCKED, f"It waits for {blocker.ref}{why}.", (blocker.ref,))


def _queue(facts: WaitingFacts) -> Iterator[Reason]:
    if facts.queue_position == 1:
        yield Reason(WaitingCode.QUEUED, "It is the first in the queue.")
    elif facts.queue_position:
        sentence = f"It is number {facts.queue_position} of {facts.queue_length} in the queue."
        yield Reason(WaitingCode.QUEUED, sentence)


def _takers(facts: WaitingFacts) -> Iterator[Reason]:
    obstacles = {agent.name: obstacle_of(agent, facts) for agent in sorted(facts.agents, key=lambda each: each.name)}
    free = tuple(name for name, obstacle in obstacles.items() if not obstacle)
    if free:
        yield Reason(WaitingCode.COULD_TAKE, f"{_listed(free)} could take it.", free)
    else:
        yield Reason(WaitingCode.NOBODY, _why_nobody(facts))
    for name, obstacle in obstacles.items():
        if obstacle:
            yield Reason(WaitingCode.CANNOT_TAKE, f"{name} {obstacle}.", (name,))


def obstacle_of(agent: AgentSeen, facts: WaitingFacts) -> str:
    """Why this agent would not take it, the most lasting reason first; empty when it could."""
    lacks = sorted(set(facts.needs) - agent.capabilities)
    if agent.is_retired:
        return "has been retired"
    if facts.assigned_agent_id not in {None, agent.agent_id}:
        return "is not the one it is assigned to"
    if lacks:
        return f"lacks {_listed(tuple(lacks))}"
    if agent.agent_id in facts.avoids:
        return "fell silent on it twice"
    if agent.is_frozen:
        return "is frozen"
    if agent.is_paused:
        return f"is paused: {agent.pause_reason}" if agent.pause_reason else "is paused"
    if agent.is_offline:
        return "is offline"
    if agent.max_concurrency and agent.held >= agent.max_concurrency:
        return f"has its hands full ({agent.held} of {agent.max_concurrency})"
    return ""


def _why_nobody(facts: WaitingFacts) -> str:
    if not facts.agents:
        return "No agent is registered."
    if facts.assigned_agent_id is not None:
        assigned = next((agent.name for agent in facts.agents if agent.agent_id == facts.assigned_agent_id), None)
        return (
            f"Only {assigned} may take it, and cannot now." if assigned else "It is assigned to an agent that is gone."
        )
    here = [agent for agent in facts.agents if not agent.is_retired]
    if not any(set(facts.needs) <= agent.capabilities for agent in here):
        return f"No agent can do all of what it needs: {_listed(facts.needs)}." if facts.needs else "No agent is left."
    return "Every agent that is able is busy or away."


def _listed(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
