"""One person's inbox as a live source: the list, and the item that is open."""

from dataclasses import dataclass, field

from controlplane.feed.changes import Change
from controlplane.queries.bell import BellGroup, BellView, bell_view
from controlplane.queries.task import TaskView, task_view
from web.deliverables import DeliverableText, Selection, read_deliverable
from web.live.blocks import changed_blocks
from web.live.channel import LAZY_SECONDS, SETTLE_SECONDS
from web.station import Station

_TOPICS = {**dict.fromkeys(("task", "signal", "comment", "freeze"), SETTLE_SECONDS), "usage": LAZY_SECONDS}


@dataclass(frozen=True, slots=True)
class InboxView:
    """The list, and the chosen line of it with its task."""

    bell: BellView
    kind: str
    chosen: BellGroup | None
    task: TaskView | None
    text: DeliverableText | None


@dataclass(frozen=True, slots=True)
class InboxSource:
    """The inbox of one person, narrowed to a kind, with one item open (the first, if none is named)."""

    workspace_id: str
    user_id: str
    kind: str
    item: str
    station: Station = field(compare=False, repr=False)

    def urgency(self, change: Change) -> float | None:
        if change.workspace_id != self.workspace_id:
            return None
        if change.topic == "notice":
            return SETTLE_SECONDS if change.subject_id == self.user_id else None
        return _TOPICS.get(change.topic)

    async def view(self) -> InboxView:
        """What the page shows."""
        async with self.station.control.reading() as control, self.station.calls.reading() as calls:
            bell = await bell_view(control, self.user_id)
            listed = bell.of_kind(self.kind)
            chosen = bell.find(self.item) or (listed[0] if listed else None)
            now_ms, task = self.station.clock.now_ms(), None
            if chosen:
                task_id = chosen.first.task_id
                task = await task_view(control, calls, self.workspace_id, task_id, now_ms, self.user_id)
        text = await read_deliverable(self.station.blobs, task.versions, Selection()) if task else None
        return InboxView(bell, self.kind, chosen, task, text)

    async def load(self) -> dict[str, str]:
        view, part = await self.view(), self.station.renderer.part
        return {
            "inbox-list": part("inbox/items.html", "list", view),
            "inbox-kinds": part("inbox/items.html", "kinds", view),
            "item": part("inbox/items.html", "item", view),
        }

    def difference(self, old: dict[str, str], new: dict[str, str], seq: int) -> str | None:
        return changed_blocks(old, new)
