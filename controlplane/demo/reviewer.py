"""Keeps the board moving: approves most deliverables after a while, and leaves some to the visitor.

It acts through an admin key called "Demo reviewer", and that name stands beside everything it decides. Where a review
names an agent, that agent's own key gives its verdict.
"""

import asyncio
import logging

from pointsman import RequestRefused
from pointsman.api import Request
from pydantic import BaseModel, ConfigDict

from controlplane.demo.stage import REVIEWER, Stage
from controlplane.demo.story import CHAPTERS, Chapter
from controlplane.feed.changes import Resync
from controlplane.feed.feed import Feed

log = logging.getLogger(__name__)

APPROVED = "Good. Thank you."


class InReview(BaseModel):
    """What the reviewer reads of a task."""

    model_config = ConfigDict(extra="ignore")
    task_id: str
    versions: list[dict[str, object]] = []


class ReviewQueue(BaseModel):
    """The answer to `GET /tasks?status=in_review`."""

    model_config = ConfigDict(extra="ignore")
    tasks: list[InReview] = []


class Reviewer:
    """Looks at the queue when a task changed, and decides each version once."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._seen: set[tuple[str, int]] = set()

    async def review(self) -> None:
        """Until cancelled."""
        feed = Feed(self._stage.control)
        async with feed.running(), feed.subscribe() as changes, asyncio.TaskGroup() as group:
            await self._look(group)
            async for batch in changes:
                if isinstance(batch, Resync) or any(change.topic == "task" for change in batch):
                    await self._look(group)

    async def _look(self, group: asyncio.TaskGroup) -> None:
        queue = await self._stage.ask(Request("GET", "/tasks?status=in_review&limit=200"), ReviewQueue)
        for task in queue.tasks:
            slug, version = self._stage.memory.chapter_of(task.task_id), len(task.versions)
            chapter = next((one for one in CHAPTERS if one.slug == slug), None)
            if chapter is None or (task.task_id, version) in self._seen:
                continue
            if chapter.ending == "visitor" and not chapter.reviewers:
                continue
            self._seen.add((task.task_id, version))
            group.create_task(self._decide(chapter, task.task_id, version), name=f"review {chapter.slug}")

    async def _decide(self, chapter: Chapter, task_id: str, version: int) -> None:
        await asyncio.sleep(chapter.review_after_seconds)
        wants_changes = version <= len(chapter.changes)
        verdict, note = ("request_changes", chapter.changes[version - 1]) if wants_changes else ("approve", APPROVED)
        seat = next((name for name in chapter.reviewers if name in self._stage.memory.keys), REVIEWER)
        try:
            await self._stage.command(
                f"/tasks/{task_id}/review",
                {"verdict": verdict, "note": note, "version": version},
                f"demo/review/{task_id}/{version}",
                seat,
            )
        except RequestRefused as refused:  # a visitor was quicker
            log.info("not reviewed", extra={"task": task_id, "reason": str(refused)})
