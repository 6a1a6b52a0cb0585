"""Where to push so that most begins to move: the first stalled task of each chain, with who and what waits behind it.

A **leaf** is a task in somebody's way that waits for no other. It is stalled when nobody is getting on with it;
everything that waits for it, directly or through others, stands behind it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import CLOSED
from controlplane.queries.card import CardView
from controlplane.queries.cards import CardScope, load_cards
from controlplane.queries.rows import EDGES, USAGE, rows
from controlplane.queries.signals import Signal, severity

MOVING = (Signal.WORKING, Signal.DONE)


@dataclass(frozen=True, slots=True)
class StalledLeaf:
    """One task that others wait for and that does not move. Money in nano-USD."""

    card: CardView
    tasks_behind: tuple[str, ...]  # T-… of all that wait, nearest first
    agents_behind: tuple[str, ...]  # names, of whom those are assigned to or held by
    spent_behind_nano_usd: int  # what the waiting tasks have cost so far
    waiting_nano_usd: int  # of it, calls that were made while waiting


async def stalled_leaves(session: AsyncSession, workspace_id: str, now_ms: int) -> list[StalledLeaf]:
    """The worst first: by how many tasks wait, then by how loud the leaf itself is."""
    cards = {card.task_id: card for card in await load_cards(session, CardScope(workspace_id, now_ms, has_ended=True))}
    edges = select(EDGES.c.task_id, EDGES.c.blocker_id).where(EDGES.c.workspace_id == workspace_id)
    found = leaves_among(cards, [(edge.task_id, edge.blocker_id) for edge in await rows(session, edges)])
    waiting = await _waiting(session, {task_id for _, tasks in found for task_id in tasks})
    stalled = [leaf_of(card, [cards[task_id] for task_id in tasks], waiting) for card, tasks in found]
    return worst_first(stalled)


def leaves_among(cards: Mapping[str, CardView], edges: Iterable[tuple[str, str]]) -> list[tuple[CardView, list[str]]]:
    """Each stalled leaf with everything behind it. An edge is a task and the one it waits for."""
    waits_for: dict[str, set[str]] = defaultdict(set)
    followers: dict[str, set[str]] = defaultdict(set)
    for task_id, blocker_id in edges:
        if _is_open(cards.get(task_id)) and _is_in_the_way(cards.get(blocker_id)):
            waits_for[task_id].add(blocker_id)
            followers[blocker_id].add(task_id)
    leaves = [blocker_id for blocker_id in followers if not waits_for.get(blocker_id)]
    return [(cards[one], behind(followers, one)) for one in leaves if cards[one].signal not in MOVING]


def worst_first(leaves: Iterable[StalledLeaf]) -> list[StalledLeaf]:
    """By how many tasks wait, then by how loud the leaf itself is."""
    return sorted(leaves, key=lambda one: (-len(one.tasks_behind), severity(one.card.signal), one.card.number))


def behind(followers: Mapping[str, Iterable[str]], task_id: str) -> list[str]:
    """Everything that waits for a task, directly or not, each once, nearest first."""
    found: dict[str, None] = {}
    level = [task_id]
    while level:
        # Each once: where ways meet again and again, their number doubles with every level.
        level = list(
            dict.fromkeys(each for one in level for each in sorted(followers.get(one, ())) if each not in found)
        )
        found |= dict.fromkeys(level)
    found.pop(task_id, None)
    return list(found)


def _is_open(card: CardView | None) -> bool:
    return card is not None and card.status not in CLOSED


def _is_in_the_way(card: CardView | None) -> bool:
    """Open, or closed in a way that lets nobody go on."""
    return card is not None and card.signal is not Signal.DONE


def leaf_of(card: CardView, waiting_cards: list[CardView], waiting: Mapping[str, int]) -> StalledLeaf:
    """With who and what stands behind it; `waiting` is what calls made while waiting have cost, by task."""
    agents = sorted({one.plate.name for one in waiting_cards if one.plate})
    return StalledLeaf(
        card=card,
        tasks_behind=tuple(one.ref for one in waiting_cards),
        agents_behind=tuple(agents),
        spent_behind_nano_usd=sum(one.cost_nano_usd for one in waiting_cards),
        waiting_nano_usd=sum(waiting.get(one.task_id, 0) for one in waiting_cards),
    )


async def _waiting(session: AsyncSession, task_ids: set[str]) -> dict[str, int]:
    query = (
        select(USAGE.c.task_id, func.sum(USAGE.c.wait_cost_nano_usd).label("cost"))
        .where(USAGE.c.task_id.in_(task_ids))
        .group_by(USAGE.c.task_id)
    )
    return {row.task_id: int(row.cost or 0) for row in await rows(session, query)}
