"""AgentCenter's words for ours.

| there | here |
|---|---|
| inbox | ready or sent back by a review, assigned to nobody |
| assigned | the same, assigned to an agent |
| in_progress | in progress |
| blocked | blocked, held, or in progress and waiting for a person |
| review | in review |
| done, failed, cancelled | the same |
| urgent, high, medium, low | priority 1, 2, 3, 4 (and 5) |
"""

from typing import Any, Final

from controlplane.api.views.tasks import TaskView, VersionView
from controlplane.domain.state import BlockerState, TaskStatus

PRIORITIES: Final = {1: "urgent", 2: "high", 3: "medium", 4: "low", 5: "low"}
STATUSES: Final = ("inbox", "assigned", "in_progress", "blocked", "review", "done", "failed", "cancelled")
SAME: Final = {
    "todo": "inbox",
    "ready": "inbox",
    "backlog": "inbox",
    "working": "in_progress",
    "in-progress": "in_progress",
    "started": "in_progress",
    "in_review": "review",
    "submitted": "review",
    "completed": "done",
    "canceled": "cancelled",
}


def status_word(text: str) -> str:
    """One of `STATUSES`, or the text itself when it is none."""
    word = text.strip().lower().replace(" ", "_")
    return SAME.get(word, word)


def status_of(view: TaskView) -> str:
    """AgentCenter's status of one of our tasks."""
    match view.status:
        case TaskStatus.IN_REVIEW:
            return "review"
        case TaskStatus.IN_PROGRESS if view.run is not None:
            return "blocked" if view.question or view.holds else "in_progress"
        case TaskStatus.READY | TaskStatus.BACKLOG | TaskStatus.IN_PROGRESS:
            if view.is_blocked or view.holds:
                return "blocked"
            return "assigned" if view.agent else "inbox"
        case closed:
            return closed.value


def task_of(view: TaskView) -> dict[str, Any]:
    """A task as AgentCenter's agents read it; `ref` and `cost_usd` are ours besides."""
    return {
        "id": view.task_id,
        "ref": view.ref,
        "title": view.title,
        "description": view.brief,
        "status": status_of(view),
        "priority": PRIORITIES[view.priority],
        "assignee": view.agent,
        "project_id": view.project_id,
        "blocked_by": [one.task_id for one in view.blockers if one.state != BlockerState.DONE],
        "deliverables": [_deliverable(one) for one in view.versions],
        "feedback": next((one.note for one in reversed(view.versions) if one.note), None),
        "cost_usd": view.usage.cost_nano_usd / 1e9,
        "url": view.board_url,
        "created_at": view.created_at,
        "updated_at": view.updated_at,
    }


def _deliverable(version: VersionView) -> dict[str, Any]:
    return {
        "id": f"v{version.version}",
        "version": version.version,
        "title": version.title,
        "kind": version.kind,
        "submitted_at": version.submitted_at,
        "verdict": version.verdict,
    }
