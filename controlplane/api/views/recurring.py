"""Tasks that come again, and what became of each time."""

from typing import Any, Literal

from controlplane.api.views.answers import Moment, View, iso
from controlplane.api.views.tasks import TaskLink
from controlplane.store.tables import Occurrence, RecurringTask


class RecurringView(View, frozen=True):
    recurring_id: str
    title: str
    cron: str
    time_zone: str
    template: dict[str, Any]
    overlap: Literal["skip", "allow"]
    is_paused: bool
    created_by: str
    created_at: Moment
    deleted_at: Moment | None


class RecurringPage(View, frozen=True):
    recurring: list[RecurringView]
    next_cursor: str | None


class OccurrenceView(View, frozen=True):
    """One time it was due: its task, or why there is none."""

    due_at: Moment
    outcome: Literal["ran", "skipped", "missed"]
    reason: str
    task: TaskLink | None


class OccurrencePage(View, frozen=True):
    occurrences: list[OccurrenceView]
    next_cursor: str | None


def recurring_view(row: RecurringTask) -> RecurringView:
    return RecurringView(
        recurring_id=row.recurring_id,
        title=row.title,
        cron=row.cron,
        time_zone=row.time_zone,
        template=row.template,
        overlap=row.overlap,  # type: ignore[arg-type]  # the table keeps it as a plain text
        is_paused=row.is_paused,
        created_by=row.created_by,
        created_at=iso(row.created_at_ms),
        deleted_at=iso(row.deleted_at_ms),
    )


def occurrence_view(row: Occurrence, refs: dict[str, str]) -> OccurrenceView:
    return OccurrenceView(
        due_at=iso(row.due_at_ms),
        outcome=row.outcome,  # type: ignore[arg-type]  # the table keeps it as a plain text
        reason=row.reason,
        task=TaskLink(task_id=row.task_id, ref=refs[row.task_id]) if row.task_id else None,
    )
