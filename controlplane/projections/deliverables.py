"""A task's versions and the verdicts on them."""

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.events import ApprovalGiven, ChangesRequested, DeliverableApproved, Event
from controlplane.domain.state import Deliverable, Review, TaskState
from controlplane.store.tables import DeliverableRow, Verdict
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
    for review in (state.last_review, *state.verdicts):
        if review is not None:
            await _write_verdict(session, state, review)


async def write_verdicts(session: AsyncSession, state: TaskState, events: tuple[Event, ...]) -> None:
    """The verdicts that happened: a state that skipped revisions remembers only those on the latest version."""
    for event in events:
        if isinstance(event, ApprovalGiven | DeliverableApproved | ChangesRequested):
            verdict = "request_changes" if isinstance(event, ChangesRequested) else "approve"
            await _write_verdict(session, state, Review(event.version, verdict, event.note, event.actor, event.at_ms))


async def _write_verdict(session: AsyncSession, state: TaskState, review: Review) -> None:
    """One reviewer's word, and with it what became of the version: a yes of several does not decide yet."""
    said = {"verdict": review.verdict, "note": review.note, "at_ms": review.at_ms}
    row = {
        "task_id": state.task_id,
        "version": review.version,
        "reviewer_id": review.reviewer.id,
        "workspace_id": state.workspace_id,
        "reviewer_kind": review.reviewer.kind.value,
        "reviewer_name": review.reviewer.name or review.reviewer.id,
        **said,
    }
    insert = insert_into(session, Verdict).values(**row)
    await session.execute(insert.on_conflict_do_update(index_elements=["task_id", "version", "reviewer_id"], set_=said))
    if not _decides(state, review):
        return
    columns = table_of(DeliverableRow).c
    await session.execute(
        update(table_of(DeliverableRow))
        .where(columns.task_id == state.task_id, columns.version == review.version)
        .values(
            verdict=review.verdict,
            note=review.note,
            reviewed_by=review.reviewer.name or review.reviewer.id,
            reviewed_at_ms=review.at_ms,
        )
    )


def _decides(state: TaskState, review: Review) -> bool:
    if review.verdict == "request_changes":
        return True
    return state.last_review is not None and (review.version, review.at_ms) == (
        state.last_review.version,
        state.last_review.at_ms,
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
        "name": deliverable.name,
        "media_type": deliverable.media_type,
        "language": deliverable.language,
        "submitted_at_ms": deliverable.submitted_at_ms,
        "note": "",
        "reviewed_by": "",
    }
