"""The board: columns of cards, in eight statements whatever its size."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import TaskStatus
from controlplane.queries.agents import plates_of
from controlplane.queries.card import CardView, Plate
from controlplane.queries.cards import CardScope, CardSet, load_card_set
from controlplane.queries.signals import ATTENTION, FROZEN, Signal
from controlplane.queries.stalled import leaf_of, leaves_among, worst_first

COLUMNS = (TaskStatus.BACKLOG, TaskStatus.READY, TaskStatus.IN_PROGRESS, TaskStatus.IN_REVIEW, TaskStatus.DONE)
ENDED = (TaskStatus.FAILED, TaskStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class BoardFilter:
    """What a person narrowed the board to. Equal filters share one live channel."""

    signal: str = ""  # a signal, or "attention"
    agent: str = ""
    text: str = ""
    shows_ended: bool = False
    shows_all_done: bool = False

    @property
    def is_empty(self) -> bool:
        return self == BoardFilter()

    def admits(self, card: CardView) -> bool:
        return self._admits_signal(card) and self._admits_agent(card) and self._admits_text(card)

    def _admits_signal(self, card: CardView) -> bool:
        if self.signal == "attention":
            return card.signal in ATTENTION
        return self.signal in {"", card.signal}

    def _admits_agent(self, card: CardView) -> bool:
        return not self.agent or (card.plate is not None and card.plate.name == self.agent)

    def _admits_text(self, card: CardView) -> bool:
        return self.text.casefold() in f"{card.ref} {card.title}".casefold()


@dataclass(frozen=True, slots=True)
class ColumnView:
    """One column; its cards stand in the order of their ranks."""

    status: TaskStatus
    cards: tuple[CardView, ...] = ()

    @property
    def cost_nano_usd(self) -> int:
        return sum(card.cost_nano_usd for card in self.cards)


@dataclass(frozen=True, slots=True)
class Standstill:
    """The first task that stands still with most behind it, and how many more such tasks there are."""

    card: CardView
    tasks: int
    agents: int
    cost_nano_usd: int
    more: int


@dataclass(frozen=True, slots=True)
class BoardView:
    """Everything the board page shows of tasks. `counts`, `total` and `standstill` ignore the filter."""

    columns: tuple[ColumnView, ...]
    counts: dict[Signal, int]
    total: int
    has_agents: bool
    plates: tuple[Plate, ...]
    filter: BoardFilter = field(default_factory=BoardFilter)
    standstill: Standstill | None = None

    @property
    def is_new(self) -> bool:
        """Nothing has happened here yet: the page explains itself instead."""
        return self.total == 0 and self.filter.is_empty

    @property
    def shown(self) -> int:
        return sum(len(column.cards) for column in self.columns)

    def count(self, signals: Iterable[str]) -> int:
        """How many tasks show one of these signals, whatever the filter."""
        return sum(self.counts.get(Signal(signal), 0) for signal in signals)

    def cards(self) -> dict[str, CardView]:
        return {card.task_id: card for column in self.columns for card in column.cards}


async def board_view(session: AsyncSession, workspace_id: str, wanted: BoardFilter, now_ms: int) -> BoardView:
    """The board as it stands; `now_ms` decides only which closed tasks are recent."""
    scope = CardScope(workspace_id, now_ms, has_ended=wanted.shows_ended, has_all_done=wanted.shows_all_done)
    found = await load_card_set(session, scope)
    cards = found.cards.values()
    plates = await plates_of(session, workspace_id)
    return BoardView(
        columns=_columns([card for card in cards if wanted.admits(card)], wanted.shows_ended),
        counts=dict(Counter(card.signal for card in cards)),
        total=len(cards),
        has_agents=bool(plates),
        plates=plates,
        filter=wanted,
        standstill=_standstill(found),
    )


def _standstill(found: CardSet) -> Standstill | None:
    """Only what will not move by itself, and what nobody froze: a task that is taken in a moment is no news."""
    edges = ((edge.task_id, edge.blocker_id) for edges in found.edges.values() for edge in edges)
    stalled = [
        leaf_of(card, [found.cards[task_id] for task_id in tasks], {})
        for card, tasks in leaves_among(found.cards, edges)
        if card.signal in ATTENTION
        or (card.signal is Signal.PAUSED and card.word != FROZEN)
        or card.status is TaskStatus.BACKLOG
    ]
    if not stalled:
        return None
    worst = worst_first(stalled)[0]
    behind = len(worst.tasks_behind)
    still = replace(worst.card, cost_nano_usd=0, substate="", calls=0, comments=0)  # what ticks is not shown here
    return Standstill(still, behind, len(worst.agents_behind), worst.spent_behind_nano_usd, len(stalled) - 1)


def _columns(cards: Iterable[CardView], shows_ended: bool) -> tuple[ColumnView, ...]:
    ranked = sorted(cards, key=lambda card: card.rank)
    shown = (*COLUMNS, TaskStatus.CANCELLED) if shows_ended else COLUMNS
    return tuple(ColumnView(status, tuple(card for card in ranked if _column_of(card) is status)) for status in shown)


def _column_of(card: CardView) -> TaskStatus:
    """Failed and cancelled share the one column that a filter opens."""
    return TaskStatus.CANCELLED if card.status in ENDED else card.status
