"""What a task asks of a person, behind the bell: a review, an answer, help. It goes away when the task's state says so.

A review is addressed to the people whom its rule names; everything else, and a review that anybody may give, to the
person who created the task, else to every admin. A notice's id is made from its cause and its addressee, so that it is
given once however often it is projected.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Connection, Select, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from controlplane.domain.review_rules import waits_for_first_pass
from controlplane.domain.state import ActorKind, TaskState, TaskStatus
from controlplane.store.outbox import announce_in
from controlplane.store.tables import Notice, User
from controlplane.store.upsert import insert_for, table_of

# Mentions, stuck signals and what is overdue are given and resolved elsewhere.
BOUND_TO_STATE = ("review", "question", "approval", "help", "gate")


@dataclass(frozen=True, slots=True)
class Cause:
    """Why somebody is called: `mark` tells two of a kind on one task apart. `people` of None: whoever owns the task."""

    kind: str
    mark: str
    text: str
    people: tuple[str, ...] | None = None


def causes(state: TaskState) -> Iterator[Cause]:
    """What this state asks of a person now."""
    if state.status is TaskStatus.IN_REVIEW and state.deliverables and not waits_for_first_pass(state):
        version = state.deliverables[-1].version
        yield Cause("review", str(version), f"v{version} is ready for your review", _reviewers(state))
    question = state.question
    if question is not None and question.is_open:
        if question.kind == "approval":
            yield Cause("approval", question.question_id, f"asks you to approve: “{question.text}”")
        else:
            yield Cause("question", question.question_id, f"asks: “{question.text}”")
    if state.needs_human:
        yield Cause("help", f"{state.run_count}/{state.human_cause or ''}", state.needs_human)


def _reviewers(state: TaskState) -> tuple[str, ...] | None:
    """The people named who have not spoken yet."""
    if not state.review.reviewers:
        return None
    has_spoken = {one.reviewer.id for one in state.verdicts}
    named = (one for one in state.review.reviewers if one.kind is ActorKind.PERSON)
    return tuple(one.id for one in named if one.id not in has_spoken)


def notice_id(task_id: str, kind: str, mark: str, user_id: str) -> str:
    """The same for the same cause and addressee."""
    return "n_" + hashlib.sha256(f"{task_id}|{kind}|{mark}|{user_id}".encode()).hexdigest()[:26]


def write_notices(connection: Connection, state: TaskState, problem: str, now_ms: int) -> None:
    """Gives what is due now, resolves what is not any more, and tells whom it concerns. `problem` is the gate's."""
    due = list(causes(state))
    if problem:
        due.append(Cause("gate", str(state.deliverables[-1].version), problem))
    owners = addressees(connection, state) if any(cause.people is None for cause in due) else []
    current: list[str] = []
    concerned: set[str] = set()
    for cause in due:
        for user_id in owners if cause.people is None else cause.people:
            current.append(notice_id(state.task_id, cause.kind, cause.mark, user_id))
            if put_notice(connection, state.workspace_id, state.task_id, user_id, cause, now_ms):
                concerned.add(user_id)
    resolved = connection.execute(_resolve(), {"of_task": state.task_id, "current": current, "now_ms": now_ms})
    concerned.update(user_id for (user_id,) in resolved.all())
    for user_id in sorted(concerned):
        announce_in(connection, state.workspace_id, "notice", user_id, now_ms)


@cache
def _resolve() -> ReturningUpdate[str]:
    columns = table_of(Notice).c
    return (
        update(table_of(Notice))
        .where(
            columns.task_id == bindparam("of_task"),
            columns.kind.in_(BOUND_TO_STATE),
            columns.resolved_at_ms.is_(None),
            columns.notice_id.not_in(bindparam("current", expanding=True)),
        )
        .values(resolved_at_ms=bindparam("now_ms"))
        .returning(columns.user_id)
    )


async def give_notice(
    session: AsyncSession, workspace_id: str, task_id: str, user_id: str, cause: Cause, now_ms: int
) -> bool:
    """The same as `put_notice`, within a session."""
    connection = await session.connection()
    return await connection.run_sync(put_notice, workspace_id, task_id, user_id, cause, now_ms)


def put_notice(
    connection: Connection, workspace_id: str, task_id: str, user_id: str, cause: Cause, now_ms: int
) -> bool:
    """One person's notice, given once; opened again if it had been resolved. True when this changed anything."""
    row = {
        "notice_id": notice_id(task_id, cause.kind, cause.mark, user_id),
        "workspace_id": workspace_id,
        "user_id": user_id,
        "task_id": task_id,
        "kind": cause.kind,
        "text": cause.text,
        "created_at_ms": now_ms,
    }
    return connection.execute(_open_notice(connection.dialect.name), row).first() is not None


@cache
def _open_notice(dialect: str) -> ReturningInsert[str]:
    columns = table_of(Notice).c
    insert = insert_for(dialect, Notice)
    return insert.on_conflict_do_update(
        index_elements=["notice_id"],
        set_={"resolved_at_ms": None, "seen_at_ms": None, "created_at_ms": insert.excluded.created_at_ms},
        where=columns.resolved_at_ms.is_not(None),
    ).returning(columns.notice_id)


def addressees(connection: Connection, state: TaskState) -> list[str]:
    """The creator when that is one of our people, else every admin of the workspace."""
    of_workspace = {"workspace_id": state.workspace_id}
    if state.created_by.kind is ActorKind.PERSON:
        creator = connection.execute(_person(), {**of_workspace, "user_id": state.created_by.id}).scalars().all()
        if creator:
            return list(creator)
    return list(connection.execute(_admins(), of_workspace).scalars())


@cache
def _person() -> Select[str]:
    return _people().where(table_of(User).c.user_id == bindparam("user_id"))


@cache
def _admins() -> Select[str]:
    return _people().where(table_of(User).c.role == "admin")


def _people() -> Select[str]:
    columns = table_of(User).c
    wanted = select(columns.user_id).where(columns.workspace_id == bindparam("workspace_id"))
    return wanted.order_by(columns.user_id)
