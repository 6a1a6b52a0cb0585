"""A task's versions and the verdicts on them."""

from collections.abc import Iterable
from functools import cache

from sqlalchemy import Connection, Update, bindparam, update

from controlplane.domain.events import ApprovalGiven, ChangesRequested, DeliverableApproved, Event
from controlplane.domain.state import Deliverable, Review, TaskState
from controlplane.store.tables import DeliverableRow, Verdict
from controlplane.store.upsert import Insert, insert_for, table_of


def write_deliverables(connection: Connection, state: TaskState) -> None:
    """Versions do not change, but that a reset may give a number to another content, which nobody has judged yet."""
    if not state.deliverables:
        return
    rows = [_row(state, deliverable) for deliverable in state.deliverables]
    connection.execute(_upsert_version(connection.dialect.name, tuple(rows[0])), rows)
    for review in (state.last_review, *state.verdicts):
        if review is not None:
            _write_verdict(connection, state, review)


def write_verdicts(connection: Connection, state: TaskState, events: tuple[Event, ...]) -> None:
    """The verdicts that happened: a state that skipped revisions remembers only those on the latest version."""
    for event in events:
        if isinstance(event, ApprovalGiven | DeliverableApproved | ChangesRequested):
            verdict = "request_changes" if isinstance(event, ChangesRequested) else "approve"
            _write_verdict(connection, state, Review(event.version, verdict, event.note, event.actor, event.at_ms))


def _write_verdict(connection: Connection, state: TaskState, review: Review) -> None:
    """One reviewer's word, and with it what became of the version: a yes of several does not decide yet."""
    name = review.reviewer.name or review.reviewer.id
    row = {
        "task_id": state.task_id,
        "version": review.version,
        "reviewer_id": review.reviewer.id,
        "workspace_id": state.workspace_id,
        "reviewer_kind": review.reviewer.kind.value,
        "reviewer_name": name,
        "verdict": review.verdict,
        "note": review.note,
        "at_ms": review.at_ms,
    }
    connection.execute(_upsert_verdict(connection.dialect.name), row)
    if not _decides(state, review):
        return
    decided = {"verdict": review.verdict, "note": review.note, "reviewed_by": name, "reviewed_at_ms": review.at_ms}
    connection.execute(_judge(), {"of_task": state.task_id, "of_version": review.version, **decided})


@cache
def _upsert_verdict(dialect: str) -> Insert:
    insert = insert_for(dialect, Verdict)
    said = {name: insert.excluded[name] for name in ("verdict", "note", "at_ms")}
    return insert.on_conflict_do_update(index_elements=["task_id", "version", "reviewer_id"], set_=said)


@cache
def _judge() -> Update:
    columns = table_of(DeliverableRow).c
    return update(table_of(DeliverableRow)).where(
        columns.task_id == bindparam("of_task"), columns.version == bindparam("of_version")
    )


@cache
def _upsert_version(dialect: str, names: Iterable[str]) -> Insert:
    insert = insert_for(dialect, DeliverableRow)
    return insert.on_conflict_do_update(
        index_elements=["task_id", "version"],
        set_={**{name: insert.excluded[name] for name in names}, "verdict": None, "reviewed_at_ms": None},
        where=table_of(DeliverableRow).c.sha256 != insert.excluded.sha256,
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
