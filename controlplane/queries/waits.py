"""Why a blocked task is blocked: the blocker, and the task at the end of the chain that really holds it up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controlplane.domain.state import TaskStatus
from controlplane.queries.card import CardView, Wait
from controlplane.queries.signals import Signal

_HUMAN = {
    "Review": "waits for your review",
    "Answer": "waits for your answer",
    "Approve": "waits for your approval",
    "Change reviewers": "waits for a review that nobody can give",
}
WAITING = (TaskStatus.BACKLOG, TaskStatus.READY, TaskStatus.IN_PROGRESS, TaskStatus.IN_REVIEW)


@dataclass(frozen=True, slots=True)
class Edge:
    """One task waits for another that is not done."""

    task_id: str
    blocker_id: str
    blocker_number: int
    blocker_status: str


def explain_waits(cards: Mapping[str, CardView], edges: Mapping[str, Sequence[Edge]]) -> dict[str, Wait]:
    """The wait of each task that has an open blocker."""
    return {task_id: _explain(cards, edges, found) for task_id, found in edges.items()}


def _explain(cards: Mapping[str, CardView], edges: Mapping[str, Sequence[Edge]], found: Sequence[Edge]) -> Wait:
    first = min(found, key=lambda edge: _urgency(cards.get(edge.blocker_id)))
    leaf = _leaf(cards, edges, first)
    phrase, since_ms = phrase_of(cards.get(leaf.blocker_id), leaf.blocker_status)
    return Wait(
        blocker=f"T-{first.blocker_number}",
        others=len(found) - 1,
        leaf=f"T-{leaf.blocker_number}" if leaf.blocker_id != first.blocker_id else "",
        phrase=phrase,
        since_ms=since_ms,
    )


def _urgency(card: CardView | None) -> str:
    return card.rank if card else ""  # a blocker that is not on the board was cancelled or failed: name it first


def _leaf(cards: Mapping[str, CardView], edges: Mapping[str, Sequence[Edge]], start: Edge) -> Edge:
    """Follows first blockers to the first task that is not itself waiting. Ends even if data held a cycle."""
    edge, seen = start, {start.task_id}
    while (following := edges.get(edge.blocker_id)) and edge.blocker_id not in seen:
        seen.add(edge.blocker_id)
        edge = min(following, key=lambda each: _urgency(cards.get(each.blocker_id)))
    return edge


def phrase_of(card: CardView | None, status: str) -> tuple[str, int | None]:
    """How a task stands that another one waits for, and since when, where its age is the point."""
    if card is None or card.status in {TaskStatus.CANCELLED, TaskStatus.FAILED}:
        return ("cancelled" if status == TaskStatus.CANCELLED else "failed"), None
    match card.signal:
        case Signal.STUCK | Signal.WATCH:
            return card.signal.value, card.since_ms
        case Signal.FAILED:
            return "needs a person", None
        case Signal.HUMAN:
            return _HUMAN.get(card.word, "waits for you"), None
        case Signal.PAUSED:
            return card.word.lower(), None
        case Signal.WORKING:
            return "in progress", None
        case _ if card.status is TaskStatus.IN_REVIEW:
            return "waits for an agent’s review", None
        case _:
            return ("in the backlog" if card.status is TaskStatus.BACKLOG else "not started"), None
