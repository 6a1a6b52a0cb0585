"""The fleet and one agent's page as live sources.

That an agent falls silent is told by no event, only by the clock: the pages ask again by themselves (see the template).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from controlplane.feed.changes import Change
from controlplane.queries.agent import AgentPage, agent_page
from controlplane.queries.agent_view import FleetView
from controlplane.queries.fleet import fleet_view
from web import words
from web.live.blocks import changed_blocks
from web.live.channel import LAZY_SECONDS, SETTLE_SECONDS
from web.station import Station

_TOPICS = {
    **dict.fromkeys(("agent", "freeze", "signal"), SETTLE_SECONDS),
    **dict.fromkeys(("task", "run", "usage", "note", "key"), LAZY_SECONDS),
}
AGENT_BLOCKS: Mapping[str, str] = {
    "agent-head": "head",
    "agent-now": "now",
    "agent-queue": "queue",
    "agent-notes": "notes",
    "agent-runs": "runs",
    "agent-facts": "facts",
    "agent-keys": "keys",
}


@dataclass(frozen=True, slots=True)
class FleetSource:
    """All agents of one workspace, narrowed to a kind."""

    workspace_id: str
    kind: str
    station: Station = field(compare=False, repr=False)

    def urgency(self, change: Change) -> float | None:
        return _TOPICS.get(change.topic) if change.workspace_id == self.workspace_id else None

    async def view(self) -> FleetView:
        """What the page shows."""
        now_ms, midnight_ms = _times(self.station)
        async with self.station.control.reading() as session:
            return await fleet_view(session, self.workspace_id, now_ms, midnight_ms, self.kind)

    async def load(self) -> dict[str, str]:
        view, part = await self.view(), self.station.renderer.part
        return {
            "fleet-kinds": part("fleet/table.html", "kinds", view),
            "fleet": part("fleet/table.html", "table", view),
        }

    def difference(self, old: dict[str, str], new: dict[str, str], seq: int) -> str | None:
        return changed_blocks(old, new)


@dataclass(frozen=True, slots=True)
class AgentSource:
    """The page of one agent."""

    workspace_id: str
    agent_id: str
    station: Station = field(compare=False, repr=False)

    def urgency(self, change: Change) -> float | None:
        return _TOPICS.get(change.topic) if change.workspace_id == self.workspace_id else None

    async def view(self) -> AgentPage | None:
        """What the page shows; None when nobody of that id works here."""
        now_ms, midnight_ms = _times(self.station)
        async with self.station.control.reading() as session:
            return await agent_page(session, self.workspace_id, self.agent_id, now_ms, midnight_ms)

    async def load(self) -> dict[str, str]:
        page, part = await self.view(), self.station.renderer.part
        return {name: part("fleet/agent.html", macro, page) for name, macro in AGENT_BLOCKS.items()} if page else {}

    def difference(self, old: dict[str, str], new: dict[str, str], seq: int) -> str | None:
        return changed_blocks(old, new)


def _times(station: Station) -> tuple[int, int]:
    now_ms = station.clock.now_ms()
    return now_ms, words.midnight_ms(now_ms, station.renderer.zone)
