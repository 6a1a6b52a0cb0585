"""One task's page as a live source: its blocks, rendered and compared."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from controlplane.feed.changes import Change
from controlplane.queries.calls import CallRow, calls_of_run
from controlplane.queries.handoff import Handoff, handoff_of
from controlplane.queries.task import TaskView, task_view
from web.deliverables import DeliverableText, Selection, read_deliverable
from web.live.blocks import changed_blocks
from web.live.channel import LAZY_SECONDS, SETTLE_SECONDS
from web.rendering import Renderer
from web.station import Station

# Every block of the page that can change, by the id of its element. The page calls the same macros.
BLOCKS: Mapping[str, tuple[str, str]] = {
    "task-head": ("task/head.html", "head"),
    "banners": ("task/banners.html", "banners"),
    "decide": ("task/decide.html", "decide"),
    "why": ("task/why.html", "why"),
    "evidence": ("task/evidence.html", "evidence"),
    "question": ("task/question.html", "question"),
    "brief": ("task/brief.html", "brief"),
    "late": ("task/late.html", "late"),
    "parts": ("task/parts.html", "parts"),
    "thread": ("task/review.html", "thread"),
    "activity": ("task/activity.html", "line"),
    "chain": ("task/rail.html", "chain"),
    "blockers": ("task/rail.html", "waits_for"),
    "reviewers": ("task/review.html", "reviewers"),
    "lease": ("task/rail.html", "lease"),
    "runs": ("task/rail.html", "runs"),
    "cost": ("task/rail.html", "cost"),
    "properties": ("task/rail.html", "properties"),
    "review": ("task/review.html", "bar"),
}


@dataclass(frozen=True, slots=True)
class ListedCalls:
    """The newest calls, of all runs or of one; `calls` says how many there are in all."""

    rows: tuple[CallRow, ...]
    calls: int
    run_number: int = 0


@dataclass(frozen=True, slots=True)
class TaskPage:
    """What the page of one task is made from."""

    task: TaskView
    text: DeliverableText | None
    handoff: Handoff | None
    calls: ListedCalls


@dataclass(frozen=True, slots=True)
class TaskSource:
    """The page of one task as one person sees it, with one version of its deliverable chosen."""

    workspace_id: str
    user_id: str
    task_id: str
    selection: Selection
    station: Station = field(compare=False, repr=False)

    def urgency(self, change: Change) -> float | None:
        if change.workspace_id != self.workspace_id:
            return None
        if change.topic in {"usage", "comment", "run"}:
            gap = LAZY_SECONDS if change.topic == "usage" else SETTLE_SECONDS
            return gap if change.subject_id == self.task_id else None
        # Neighbours stand on this page, too, and agents that could take it.
        return {"task": SETTLE_SECONDS, "signal": SETTLE_SECONDS, "freeze": SETTLE_SECONDS, "agent": LAZY_SECONDS}.get(
            change.topic
        )

    async def view(self) -> TaskPage | None:
        """What the page shows; None when this workspace has no such task."""
        station = self.station
        async with station.control.reading() as control, station.calls.reading() as calls:
            now_ms = station.clock.now_ms()
            task = await task_view(control, calls, self.workspace_id, self.task_id, now_ms, self.user_id)
        if task is None:
            return None
        text = await read_deliverable(station.blobs, task.versions, self.selection, task.late)
        handoff = None
        if task.is_handed_over:
            handoff = await handoff_of(station.control, station.calls, station.blobs, self.task_id)
        return TaskPage(task, text, handoff, await self._calls(task))

    async def _calls(self, task: TaskView) -> ListedCalls:
        run = next((run for run in task.runs if run.number == self.selection.calls), None)
        if run is None:
            return ListedCalls(task.calls, task.usage.calls)
        async with self.station.calls.reading() as session:
            return ListedCalls(await calls_of_run(session, run.run_id), run.calls, run.number)

    async def load(self) -> dict[str, str]:
        page = await self.view()
        return render_blocks(self.station.renderer, page) if page else {}

    def difference(self, old: dict[str, str], new: dict[str, str], seq: int) -> str | None:
        return changed_blocks(old, new)


def render_blocks(renderer: Renderer, page: TaskPage) -> dict[str, str]:
    """All blocks of a task's page that can change, by id."""
    blocks = {name: renderer.part(template, macro, page.task) for name, (template, macro) in BLOCKS.items()}
    blocks["deliverable"] = renderer.part("task/deliverable.html", "section", page.task, page.text)
    blocks["handoff"] = renderer.part("task/handoff.html", "handoff", page.task, page.handoff)
    blocks["calls"] = renderer.part("task/calls.html", "section", page.task, page.calls)
    return blocks
