"""What recurs, as live sources: the list, and the ledger of one."""

from dataclasses import dataclass, field

from controlplane.feed.changes import Change
from controlplane.queries.recurring import OccurrenceView, RecurringView, ledger_of, one_recurring, recurring_of
from web.live.blocks import changed_blocks
from web.live.channel import SETTLE_SECONDS
from web.station import Station


@dataclass(frozen=True, slots=True)
class Ledger:
    """One recurring task, and what became of its times."""

    recurring: RecurringView
    occurrences: tuple[OccurrenceView, ...]


@dataclass(frozen=True, slots=True)
class RecurringSource:
    """The list, or with an id the page of one."""

    workspace_id: str
    recurring_id: str
    station: Station = field(compare=False, repr=False)

    def urgency(self, change: Change) -> float | None:
        # An occurrence is announced as a change of its recurring task; the tasks it made stand in the ledger.
        return SETTLE_SECONDS if change.workspace_id == self.workspace_id and change.topic == "task" else None

    async def view(self) -> tuple[RecurringView, ...]:
        """The list."""
        async with self.station.control.reading() as session:
            return await recurring_of(session, self.workspace_id, self.station.clock.now_ms())

    async def ledger(self) -> Ledger | None:
        """The page of one; None when it is not there."""
        async with self.station.control.reading() as session:
            now_ms = self.station.clock.now_ms()
            recurring = await one_recurring(session, self.workspace_id, self.recurring_id, now_ms)
            return Ledger(recurring, await ledger_of(session, self.recurring_id)) if recurring else None

    async def load(self) -> dict[str, str]:
        part = self.station.renderer.part
        if not self.recurring_id:
            return {"recurring": part("recurring/parts.html", "table", await self.view())}
        page = await self.ledger()
        if page is None:
            return {}
        return {
            "recurring-head": part("recurring/parts.html", "head", page.recurring),
            "ledger": part("recurring/parts.html", "ledger", page.occurrences),
        }

    def difference(self, old: dict[str, str], new: dict[str, str], seq: int) -> str | None:
        return changed_blocks(old, new)
