"""What waits for agents: a review they are asked for, a question about what they made. Bound to the task's state."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Connection, Update, bindparam, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.review_rules import may_review
from controlplane.domain.state import Actor, ActorKind, TaskState, TaskStatus
from controlplane.store.outbox import announce_in
from controlplane.store.tables import AgentNote
from controlplane.store.upsert import insert_into, table_of

BOUND_TO_STATE = ("review", "clarification")  # mentions are resolved by the agent that reads them


@dataclass(frozen=True, slots=True)
class AgentNoteText:
    """What is laid down for an agent; `version` is the deliverable's it is about."""

    note_id: str
    agent_id: str
    kind: str
    text: str
    version: int = 0


def write_notes(connection: Connection, state: TaskState, now_ms: int) -> None:
    """Gives what is due now, and takes away what is not any more."""
    due = list(notes_due(state))
    for note in due:
        put_note(connection, state.workspace_id, state.task_id, note, now_ms)
    current = [note.note_id for note in due]
    connection.execute(_resolve(), {"of_task": state.task_id, "current": current, "now_ms": now_ms})


@cache
def _resolve() -> Update:
    columns = table_of(AgentNote).c
    return (
        update(table_of(AgentNote))
        .where(
            columns.task_id == bindparam("of_task"),
            columns.kind.in_(BOUND_TO_STATE),
            columns.resolved_at_ms.is_(None),
            columns.note_id.not_in(bindparam("current", expanding=True)),
        )
        .values(resolved_at_ms=bindparam("now_ms"))
    )


async def give_note(session: AsyncSession, workspace_id: str, task_id: str, note: AgentNoteText, now_ms: int) -> None:
    """The same as `put_note`, within a session."""
    connection = await session.connection()
    await connection.run_sync(put_note, workspace_id, task_id, note, now_ms)


def put_note(connection: Connection, workspace_id: str, task_id: str, note: AgentNoteText, now_ms: int) -> None:
    """Once for its id; whoever listens for the agent is told."""
    insert = insert_into(connection, AgentNote).values(
        note_id=note.note_id,
        workspace_id=workspace_id,
        agent_id=note.agent_id,
        task_id=task_id,
        kind=note.kind,
        text=note.text,
        version=note.version,
        created_at_ms=now_ms,
    )
    added = connection.execute(insert.on_conflict_do_nothing().returning(table_of(AgentNote).c.note_id))
    if added.first() is not None:
        announce_in(connection, workspace_id, "note", note.agent_id, now_ms)


def note_id_of(task_id: str, kind: str, mark: str, agent_id: str) -> str:
    """The same for the same cause and addressee."""
    return "an_" + hashlib.sha256(f"{task_id}|{kind}|{mark}|{agent_id}".encode()).hexdigest()[:26]


def notes_due(state: TaskState) -> Iterator[AgentNoteText]:
    """What this state asks of agents now."""
    if state.status is not TaskStatus.IN_REVIEW or not state.deliverables:
        return
    version = state.deliverables[-1].version
    has_spoken = {one.reviewer.id for one in state.verdicts}
    for agent in _reviewing_agents(state):
        if agent.id not in has_spoken and may_review(state, agent):
            yield _note(state, agent.id, "review", f"T-{state.number} v{version} waits for your review", version)
    if state.clarification is not None and state.author_id is not None:
        yield _note(state, state.author_id, "clarification", state.clarification.text, version)


def _note(state: TaskState, agent_id: str, kind: str, text: str, version: int) -> AgentNoteText:
    return AgentNoteText(note_id_of(state.task_id, kind, f"{version}|{text}", agent_id), agent_id, kind, text, version)


def _reviewing_agents(state: TaskState) -> dict[Actor, None]:
    first = state.review.first_pass
    asked = (*((first,) if first else ()), *state.review.reviewers)
    return dict.fromkeys(one for one in asked if one.kind is ActorKind.AGENT)
