"""What a task asks of a person, behind the bell: a review, an answer, help. It goes away when the task's state says so.

Addressed to the person who created the task, else to every admin. A notice's id is made from its cause and its
addressee, so that it is given once however often it is projected.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import ActorKind, TaskState, TaskStatus
from controlplane.store.outbox import announce
from controlplane.store.tables import Notice, User
from controlplane.store.upsert import insert_into, table_of

BOUND_TO_STATE = ("review", "question", "help")  # mentions and stuck signals are given and resolved elsewhere


@dataclass(frozen=True, slots=True)
class Cause:
    """Why somebody is called: `mark` tells two of a kind on one task apart."""

    kind: str
    mark: str
    text: str


def causes(state: TaskState) -> Iterator[Cause]:
    """What this state asks of a person now."""
    if state.status is TaskStatus.IN_REVIEW and state.deliverables:
        version = state.deliverables[-1].version
        yield Cause("review", str(version), f"v{version} is ready for your review")
    if state.question is not None and state.question.answer is None:
        yield Cause("question", state.question.question_id, f"asks: “{state.question.text}”")
    if state.needs_human:
        yield Cause("help", str(state.run_count), state.needs_human)


def notice_id(task_id: str, kind: str, mark: str, user_id: str) -> str:
    """The same for the same cause and addressee."""
    return "n_" + hashlib.sha256(f"{task_id}|{kind}|{mark}|{user_id}".encode()).hexdigest()[:26]


async def write_notices(session: AsyncSession, state: TaskState, now_ms: int) -> None:
    """Gives what is due now, resolves what is not any more, and tells whom it concerns."""
    due = list(causes(state))
    current: list[str] = []
    concerned: set[str] = set()
    for user_id in await addressees(session, state) if due else ():
        for cause in due:
            current.append(notice_id(state.task_id, cause.kind, cause.mark, user_id))
            if await give_notice(session, state.workspace_id, state.task_id, user_id, cause, now_ms):
                concerned.add(user_id)
    columns = table_of(Notice).c
    resolved = await session.execute(
        update(table_of(Notice))
        .where(
            columns.task_id == state.task_id,
            columns.kind.in_(BOUND_TO_STATE),
            columns.resolved_at_ms.is_(None),
            columns.notice_id.not_in(current),
        )
        .values(resolved_at_ms=now_ms)
        .returning(columns.user_id)
    )
    concerned.update(user_id for (user_id,) in resolved.all())
    for user_id in sorted(concerned):
        announce(session, state.workspace_id, "notice", user_id, now_ms)


async def give_notice(
    session: AsyncSession, workspace_id: str, task_id: str, user_id: str, cause: Cause, now_ms: int
) -> bool:
    """One person's notice, given once; opened again if it had been resolved. True when this changed anything."""
    columns = table_of(Notice).c
    insert = insert_into(session, Notice).values(
        notice_id=notice_id(task_id, cause.kind, cause.mark, user_id),
        workspace_id=workspace_id,
        user_id=user_id,
        task_id=task_id,
        kind=cause.kind,
        text=cause.text,
        created_at_ms=now_ms,
    )
    opened = await session.execute(
        insert.on_conflict_do_update(
            index_elements=["notice_id"],
            set_={"resolved_at_ms": None, "seen_at_ms": None, "created_at_ms": now_ms},
            where=columns.resolved_at_ms.is_not(None),
        ).returning(columns.notice_id)
    )
    return opened.first() is not None


async def addressees(session: AsyncSession, state: TaskState) -> list[str]:
    """The creator when that is one of our people, else every admin of the workspace."""
    columns = table_of(User).c
    people = select(columns.user_id).where(columns.workspace_id == state.workspace_id).order_by(columns.user_id)
    if state.created_by.kind is ActorKind.PERSON:
        creator = (await session.execute(people.where(columns.user_id == state.created_by.id))).scalars().all()
        if creator:
            return list(creator)
    return list((await session.execute(people.where(columns.role == "admin"))).scalars())
