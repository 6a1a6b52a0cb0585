"""The board as a live source: which cards, column heads and figures differ between two views."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from controlplane.feed.changes import Change
from controlplane.queries.board import BoardFilter, BoardView, board_view
from controlplane.queries.card import CardView
from web.live.channel import LAZY_SECONDS, SETTLE_SECONDS
from web.rendering import partial, track
from web.station import Station

_TOPICS = {"task": SETTLE_SECONDS, "signal": SETTLE_SECONDS, "comment": SETTLE_SECONDS, "agent": LAZY_SECONDS}


@dataclass(frozen=True, slots=True)
class BoardSource:
    """The board of one workspace through one filter. Equal sources share a channel."""

    workspace_id: str
    filter: BoardFilter
    station: Station = field(compare=False, repr=False)

    def urgency(self, change: Change) -> float | None:
        if change.workspace_id != self.workspace_id:
            return None
        return LAZY_SECONDS if change.topic == "usage" else _TOPICS.get(change.topic)

    async def load(self) -> BoardView:
        async with self.station.control.reading() as session:
            return await board_view(session, self.workspace_id, self.filter, self.station.clock.now_ms())

    def difference(self, old: BoardView, new: BoardView, seq: int) -> str | None:
        if old.is_new != new.is_new or old.plates != new.plates:
            return None
        return "\n".join((*self._cards(old, new, seq), *self._heads(old, new), *self._figures(old, new, seq)))

    def _cards(self, old: BoardView, new: BoardView, seq: int) -> Iterator[str]:
        before, after = old.cards(), new.cards()
        for task_id, card in before.items():
            if task_id not in after:
                yield partial(f"#slot-{card.ref}", "delete")
        for column in new.columns:
            for card in column.cards:
                if before.get(card.task_id) != card:
                    yield from self._card(before.get(card.task_id), card, f"#cards-{column.status}", seq)

    def _card(self, old: CardView | None, card: CardView, target: str, seq: int) -> Iterator[str]:
        if old is None or _still(old) != _still(card):
            yield partial(target, "place", self._part("board/card.html", "slot", card, seq))
            return
        if old.cost_nano_usd != card.cost_nano_usd:
            yield partial(f"#cost-{card.ref}", "outerHTML", self._part("board/card.html", "cost", card))
        if old.substate != card.substate:
            yield partial(f"#sub-{card.ref}", "outerHTML", self._part("board/card.html", "substate", card))

    def _heads(self, old: BoardView, new: BoardView) -> Iterator[str]:
        for was, now in zip(old.columns, new.columns, strict=True):
            if len(was.cards) != len(now.cards) or track(was) != track(now):
                head = self._part("board/column.html", "head", now)
                yield partial(f"#head-{now.status}", "outerHTML", head)
            elif was.cost_nano_usd != now.cost_nano_usd:
                yield partial(f"#sum-{now.status}", "outerHTML", self._part("board/column.html", "sum", now))

    def _figures(self, old: BoardView, new: BoardView, seq: int) -> Iterator[str]:
        if old.standstill != new.standstill:
            yield partial("#standstill", "outerHTML", self._part("board/summary.html", "standstill", new.standstill))
        if old.counts != new.counts:
            yield partial("#indicator", "outerHTML", self._part("board/summary.html", "indicator", new, seq))
        if (old.total, old.shown) != (new.total, new.shown):
            yield partial("#total", "outerHTML", self._part("board/summary.html", "total", new))
        if [len(column.cards) for column in old.columns] != [len(column.cards) for column in new.columns]:
            yield partial("#pager", "outerHTML", self._part("board/summary.html", "pager", new))

    def _part(self, template: str, macro: str, *arguments: object) -> str:
        return self.station.renderer.part(template, macro, *arguments)


def _still(card: CardView) -> CardView:
    """The card without what ticks: two that are equal so differ only in small nodes of their own."""
    return replace(card, cost_nano_usd=0, substate="", calls=bool(card.calls))
