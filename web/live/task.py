"""One task's page as a live source: its blocks, rendered and compared."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from controlplane.feed.changes import Change
from controlplane.queries.task import TaskView, task_view
from web.deliverables import DeliverableText, Selection, read_deliverable
from web.live.blocks import changed_blocks
from web.live.channel import LAZY_SECONDS, SETTLE_SECONDS
from web.rendering import Renderer
from web.station import Station

# Every block of the page that can change, by the id of its element. The page calls the same macros.
BLOCKS: Mapping[str, tuple[str, str]] = {
    "task-head": ("task/head.html", "head"),
    "evidence": ("task/evidence.html", "evidence"),
    "question": ("task/forms.html", "question"),
    "brief": ("task/brief.html", "brief"),
    "activity": ("task/activity.html", "line"),
    "calls": ("task/calls.html", "section"),
    "chain": ("task/rail.html", "chain"),
    "blockers": ("task/rail.html", "waits_for"),
    "lease": ("task/rail.html", "lease"),
    "runs": ("task/rail.html", "runs"),
    "cost": ("task/rail.html", "cost"),
    "properties": ("task/rail.html", "properties"),
    "review": ("task/forms.html", "review"),
}


@dataclass(frozen=True, slots=True)
class TaskSource:
    """The page of one task, with one version of its deliverable chosen."""

    workspace_id: str
    task_id: str
    selection: Selection
    station: Station = field(compare=False, repr=False)

    def urgency(self, change: Change) -> float | None:
        if change.workspace_id != self.workspace_id:
            return None
        if change.topic in {"usage", "comment", "run"}:
            gap = LAZY_SECONDS if change.topic == "usage" else SETTLE_SECONDS
            return gap if change.subject_id == self.task_id else None
        return SETTLE_SECONDS if change.topic in {"task", "signal"} else None  # neighbours stand on this page, too

    async def load(self) -> dict[str, str]:
        async with self.station.control.reading() as control, self.station.calls.reading() as calls:
            now_ms = self.station.clock.now_ms()
            task = await task_view(control, calls, self.workspace_id, self.task_id, now_ms)
        if task is None:
            return {}
        text = await read_deliverable(self.station.blobs, task.versions, self.selection)
        return render_blocks(self.station.renderer, task, text)

    def difference(self, old: dict[str, str], new: dict[str, str], seq: int) -> str | None:
        return changed_blocks(old, new)


def render_blocks(renderer: Renderer, task: TaskView, text: DeliverableText | None) -> dict[str, str]:
    """All blocks of a task's page that can change, by id."""
    blocks = {name: renderer.part(template, macro, task) for name, (template, macro) in BLOCKS.items()}
    return {**blocks, "deliverable": renderer.part("task/deliverable.html", "section", task, text)}
