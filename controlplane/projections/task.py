"""Writes what an applied command made of a task: the row, its runs, versions, edges, notices, and its events.

    applied is …                         the row and what hangs on it     its events   the outbox
    newer than the row                   written                          inserted     task, run, notice
    from the execution that is current   written, even with an older revision (a reset)
    older, or the same                   untouched                        inserted     task, if any was new

Rows are made from the *state* (earlier verdicts apart), so that a projection that skipped revisions ends the same. What
hangs on a task was written together with its row: of a part that is the same in the row's state, nothing is written.

All of it is synchronous, for `Database.write`; statements are made once, since making one takes longer than running it.
"""

from collections.abc import Iterable
from functools import cache

import msgspec
from sqlalchemy import Connection, Select, bindparam, case, or_, select
from sqlalchemy.sql.dml import ReturningInsert

from controlplane.domain.events import Event
from controlplane.domain.state import TaskState
from controlplane.ports import Applied
from controlplane.projections.deliverables import write_deliverables, write_verdicts
from controlplane.projections.directives import write_directives
from controlplane.projections.edges import write_edges
from controlplane.projections.gate import gate_problem, write_gate
from controlplane.projections.notes import notes_due, write_notes
from controlplane.projections.notices import Cause, causes, write_notices
from controlplane.projections.runs import write_runs
from controlplane.store.outbox import announce_in
from controlplane.store.tables import Task, TaskEvent
from controlplane.store.upsert import insert_for, table_of


def project(
    connection: Connection,
    applied: Applied,
    master_key: bytes,
    now_ms: int,
    *,
    is_current_execution: bool | None = None,
) -> bool:
    """Writes it, within the caller's transaction; True if the row changed. Idempotent, in any order.

    `is_current_execution` is what the engine said of `applied.execution_id`, None when nobody asked: a current one
    wins whatever its revision (a reset goes back in time), one that is not current is a zombie and writes no row.
    """
    state = applied.state
    # Who asked the engine repairs what may be wrong: then nothing is taken for written.
    stored = None if is_current_execution else _stored(connection, state.task_id)
    has_new_events = _insert_events(connection, applied)
    is_written = is_current_execution is not False and _write_row(
        connection, applied, is_current=is_current_execution is True
    )
    if is_written:
        _write_what_hangs_on_it(connection, stored, state, master_key, now_ms)
    if has_new_events:
        write_verdicts(connection, state, applied.events)
        write_directives(connection, applied)
    if is_written or has_new_events:
        announce_in(connection, state.workspace_id, "task", state.task_id, now_ms)
    return is_written


def _write_what_hangs_on_it(
    connection: Connection, stored: TaskState | None, state: TaskState, master_key: bytes, now_ms: int
) -> None:
    if stored is None or stored.runs != state.runs:
        write_runs(connection, state, master_key, now_ms)
    if stored is None or _judged(stored) != _judged(state):
        write_deliverables(connection, state)
    if stored is None or stored.blockers.keys() != state.blockers.keys():
        write_edges(connection, state)
    if stored is None or list(notes_due(stored)) != list(notes_due(state)):
        write_notes(connection, state, now_ms)
    problem = gate_problem(connection, state)
    write_gate(connection, state.task_id, problem)
    # Whether a gate can be passed is not told by states alone: people leave.
    if stored is None or _asks(stored) != _asks(state) or stored.review.reviewers or problem:
        write_notices(connection, state, problem, now_ms)


def _judged(state: TaskState) -> tuple[object, ...]:
    return state.deliverables, state.last_review, state.verdicts


def _asks(state: TaskState) -> list[Cause]:
    return list(causes(state))


def _stored(connection: Connection, task_id: str) -> TaskState | None:
    text = connection.execute(_state_of(), {"id": task_id}).scalar_one_or_none()
    return None if text is None else msgspec.json.decode(text, type=TaskState)


@cache
def _state_of() -> Select[str]:
    columns = table_of(Task).c
    # Locked where rows can be: two who write the same task must not both compare with the state before both.
    return select(columns.state_json).where(columns.task_id == bindparam("id")).with_for_update()


def _insert_events(connection: Connection, applied: Applied) -> bool:
    has_new = False
    for position, event in enumerate(applied.events):  # one or two: a statement of many rows is compiled each time
        added = connection.execute(_insert_event(connection.dialect.name), _event_row(applied, position, event))
        has_new |= added.first() is not None
    return has_new


@cache
def _insert_event(dialect: str) -> ReturningInsert[int]:
    return insert_for(dialect, TaskEvent).on_conflict_do_nothing().returning(table_of(TaskEvent).c.position)


def _event_row(applied: Applied, position: int, event: Event) -> dict[str, object]:
    body = msgspec.to_builtins(event)
    return {
        "task_id": applied.state.task_id,
        "revision": applied.state.revision,
        "position": position,
        "workspace_id": applied.state.workspace_id,
        "kind": body.pop("kind"),
        "at_ms": body.pop("at_ms"),
        "actor_kind": event.actor.kind.value,
        "actor_id": event.actor.id,
        "actor_name": event.actor.name,
        "body": {name: value for name, value in body.items() if name != "actor"},
        "command_id": applied.command_id,
    }


def _write_row(connection: Connection, applied: Applied, *, is_current: bool) -> bool:
    row = task_row(applied.state, applied.execution_id)
    upsert = _upsert_task(connection.dialect.name, tuple(row), is_current=is_current)
    return connection.execute(upsert, row).first() is not None


@cache
def _upsert_task(dialect: str, names: Iterable[str], *, is_current: bool) -> ReturningInsert[str]:
    """Of these columns, guarded by execution and revision."""
    insert = insert_for(dialect, Task)
    new, old = insert.excluded, table_of(Task).c
    is_other_execution = old.execution_id != new.execution_id
    is_newer = old.revision < new.revision
    changes = {
        **{name: new[name] for name in names if name not in {"task_id", "workspace_id"}},
        "status_since_ms": case((old.status == new.status, old.status_since_ms), else_=new.status_since_ms),
        "execution_generation": case(
            (is_other_execution, old.execution_generation + 1), else_=old.execution_generation
        ),
    }
    return insert.on_conflict_do_update(
        index_elements=["task_id"],
        set_=changes,
        where=or_(is_newer, is_other_execution) if is_current else is_newer,
    ).returning(old.task_id)


def task_row(state: TaskState, execution_id: str) -> dict[str, object]:
    """The read model's columns of a state."""
    run = state.live_run
    question = state.question
    return {
        "task_id": state.task_id,
        "workspace_id": state.workspace_id,
        "project_id": state.project_id,
        "number": state.number,
        "title": state.title,
        "status": state.status.value,
        "status_since_ms": state.updated_at_ms,
        "parent_id": state.parent_id,
        "agent_id": _shown_agent(state),
        "needs": list(state.needs),
        "priority": state.priority,
        "is_claimable": state.is_claimable,
        "is_blocked": state.is_blocked,
        "changes_requested": state.changes_requested,
        "needs_human": state.needs_human,
        "needs_human_kind": state.human_cause or "",
        "holds": sorted(state.holds),
        "has_changed_upstream": bool(state.upstream_changed),
        "review_problem": "",
        "question": question.text if question and question.is_open else None,
        "run_id": run.run_id if run else None,
        "run_state": run.state.value if run else None,
        "version": state.deliverables[-1].version if state.deliverables else 0,
        "created_by": state.created_by.name or state.created_by.id,
        "created_at_ms": state.created_at_ms,
        "updated_at_ms": state.updated_at_ms,
        "closed_at_ms": state.closed_at_ms,
        "execution_id": execution_id,
        "execution_generation": 0,
        "revision": state.revision,
        "state_json": msgspec.json.encode(state).decode(),
    }


def _shown_agent(state: TaskState) -> str | None:
    """Whom it is assigned to or who holds it; in review and after, whose work it is. Claiming reads it as assigned."""
    if state.live_run:
        return state.live_run.agent_id
    if state.agent_id or state.is_claimable or not state.deliverables or not state.runs:
        return state.agent_id
    author = next((run for run in state.runs if run.run_id == state.deliverables[-1].run_id), None)
    return author.agent_id if author else None
