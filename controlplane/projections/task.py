"""Writes what an applied command made of a task: the row, its runs, versions, edges, notices, and its events.

    applied is …                         the row and what hangs on it     its events   the outbox
    newer than the row                   written                          inserted     task, run, notice
    from the execution that is current   written, even with an older revision (a reset)
    older, or the same                   untouched                        inserted     task, if any was new

Rows are made from the *state* (earlier verdicts apart), so that a projection that skipped revisions ends the same.
"""

import msgspec
from sqlalchemy import case, or_
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.events import Event
from controlplane.domain.state import TaskState
from controlplane.ports import Applied
from controlplane.projections.deliverables import write_deliverables, write_verdicts
from controlplane.projections.directives import write_directives
from controlplane.projections.edges import write_edges
from controlplane.projections.gate import write_gate
from controlplane.projections.notes import write_notes
from controlplane.projections.notices import write_notices
from controlplane.projections.runs import write_runs
from controlplane.store.outbox import announce
from controlplane.store.tables import Task, TaskEvent
from controlplane.store.upsert import insert_into, table_of


async def project(
    session: AsyncSession,
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
    has_new_events = await _insert_events(session, applied)
    is_written = is_current_execution is not False and await _write_row(
        session, applied, is_current=is_current_execution is True
    )
    if is_written:
        await _write_what_hangs_on_it(session, state, master_key, now_ms)
    if has_new_events:
        await write_verdicts(session, state, applied.events)
        await write_directives(session, applied)
    if is_written or has_new_events:
        announce(session, state.workspace_id, "task", state.task_id, now_ms)
    await session.flush()
    return is_written


async def _write_what_hangs_on_it(session: AsyncSession, state: TaskState, master_key: bytes, now_ms: int) -> None:
    await write_runs(session, state, master_key, now_ms)
    await write_deliverables(session, state)
    await write_edges(session, state, now_ms)
    await write_gate(session, state)
    await write_notices(session, state, now_ms)
    await write_notes(session, state, now_ms)


async def _insert_events(session: AsyncSession, applied: Applied) -> bool:
    has_new = False
    for position, event in enumerate(applied.events):  # one or two: a statement of many rows is compiled each time
        insert = insert_into(session, TaskEvent).values(**_event_row(applied, position, event))
        added = await session.execute(insert.on_conflict_do_nothing().returning(table_of(TaskEvent).c.position))
        has_new |= added.first() is not None
    return has_new


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


async def _write_row(session: AsyncSession, applied: Applied, *, is_current: bool) -> bool:
    row = task_row(applied.state, applied.execution_id)
    insert = insert_into(session, Task).values(**row)
    new, old = insert.excluded, table_of(Task).c
    is_other_execution = old.execution_id != new.execution_id
    is_newer = old.revision < new.revision
    changes = {
        **{name: new[name] for name in row if name not in {"task_id", "workspace_id"}},
        "status_since_ms": case((old.status == new.status, old.status_since_ms), else_=new.status_since_ms),
        "execution_generation": case(
            (is_other_execution, old.execution_generation + 1), else_=old.execution_generation
        ),
    }
    result = await session.execute(
        insert.on_conflict_do_update(
            index_elements=["task_id"],
            set_=changes,
            where=or_(is_newer, is_other_execution) if is_current else is_newer,
        ).returning(old.task_id)
    )
    return result.first() is not None


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
