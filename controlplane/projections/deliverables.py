"""A task's versions and the verdicts on them."""

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.events import ChangesRequested, DeliverableApproved, Event
from controlplane.domain.state import Deliverable, Review, TaskState
from controlplane.store.tables import DeliverableRow
from controlplane.store.upsert import insert_into, table_of


async def write_deliverables(session: AsyncSession, state: TaskState) -> None:
    """Versions do not change, but that a reset may give a number to another content, which nobody has judged yet."""
    if not state.deliverables:
        return
    rows = [_row(state, deliverable) for deliverable in state.deliverables]
    insert = insert_into(session, DeliverableRow)
    await session.execute(
        insert.on_conflict_do_update(
            index_elements=["task_id", "version"],
            set_={**{name: insert.excluded[name] for name in rows[0]}, "verdict": None, "reviewed_at_ms": None},
            where=table_of(DeliverableRow).c.sha256 != insert.excluded.sha256,
        ),
        rows,
    )
    if state.last_review is not None:
        await _write_verdict(session, state.task_id, state.last_review)


async def write_verdicts(session: AsyncSession, task_id: str, events: tuple[Event, ...]) -> None:
    """The verdicts that happened: a state that skipped revisions remembers only the last one."""
    for event in events:
        if isinstance(event, DeliverableApproved | ChangesRequested):
            verdict = "approve" if isinstance(event, DeliverableApproved) else "request_changes"
            await _write_verdict(session, task_id, Review(event.version, verdict, event.note, event.actor, event.at_ms))


async def _write_verdict(session: AsyncSession, task_id: str, review: Review) -> None:
    columns = table_of(DeliverableRow).c
    await session.execute(
        update(table_of(DeliverableRow))
        .where(columns.task_id == task_id, columns.version == review.version)
        .values(
            verdict=review.verdict,
            note=review.note,
            reviewed_by=review.reviewer.name or review.reviewer.id,
            reviewed_at_ms=review.at_ms,
        )
    )


def _row(state: TaskState, deliverable: Deliverable) -> dict[str, object]:
    return {
        "task_id": state.task_id,
        "version": deliverable.version,
        "workspace_id": state.workspace_id,
        "run_id": deliverable.run_id,
        "sha256": deliverable.sha256,
        "size_bytes": deliverable.size_bytes,
        "format": deliverable.kind,
        "title": deliverable.title,
        "submitted_at_ms": deliverable.submitted_at_ms,
        "note": "",
        "reviewed_by": "",
    }
