"""What is said about a task, and whom it calls. SQL alone: a comment changes no state, so no workflow hears it."""

import hashlib

from pointsman.contract import ErrorCode
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.commands.desk import Desk, refused
from controlplane.commands.directory import read_directory
from controlplane.commands.references import TaskReference
from controlplane.domain.commands import without_content
from controlplane.domain.state import Actor, ActorKind
from controlplane.projections.notes import AgentNoteText, give_note, note_id_of
from controlplane.projections.notices import Cause, give_notice
from controlplane.store.outbox import announce
from controlplane.store.tables import Comment, Notice
from controlplane.store.upsert import insert_into, table_of

EXCERPT = 140  # characters of a comment that its notice shows


class CommentCommands(Desk):
    """Verbs about what is said."""

    async def comment(
        self, actor: Actor, command_id: str, task_ref: str, text: str, workspace_id: str | None = None
    ) -> str:
        """The comment's id; the same for the same command id. Each person mentioned as `@handle` gets a notice."""
        if not text.strip():
            raise refused(ErrorCode.INVALID_REQUEST, "A comment needs words.", field="text")
        task = await self.find_task(task_ref, workspace_id)
        comment_id = "cm_" + hashlib.sha256(f"{task.task_id}|{without_content(command_id)}".encode()).hexdigest()[:26]
        now_ms = self.clock.now_ms()
        async with self.database.transaction() as session:
            row = {
                "comment_id": comment_id,
                "workspace_id": task.workspace_id,
                "task_id": task.task_id,
                "author_kind": actor.kind.value,
                "author_id": actor.id,
                "author_name": actor.name,
                "text": text.strip(),
                "at_ms": now_ms,
            }
            columns = table_of(Comment).c
            added = await session.execute(
                insert_into(session, Comment).values(**row).on_conflict_do_nothing().returning(columns.comment_id)
            )
            if added.first() is not None:
                announce(session, task.workspace_id, "comment", task.task_id, now_ms)
                await _mention(session, task, comment_id, actor, text, now_ms)
            elif await _text_of(session, comment_id) != row["text"]:
                raise refused(ErrorCode.IDEMPOTENCY_MISMATCH, "This Idempotency-Key was used for another comment.")
        return comment_id

    async def mark_seen(self, user_id: str, notice_id: str) -> bool:
        """The person has seen it: a mention is done with, the others wait for their cause to go. False: not theirs."""
        now_ms = self.clock.now_ms()
        columns = table_of(Notice).c
        async with self.database.transaction() as session:
            seen = await session.execute(
                update(table_of(Notice))
                .where(columns.notice_id == notice_id, columns.user_id == user_id)
                .values(seen_at_ms=now_ms)
                .returning(columns.workspace_id)
            )
            workspace_id = seen.scalar()
            if workspace_id is None:
                return False
            await _resolve_mentions(session, user_id, now_ms, columns.notice_id == notice_id)
            announce(session, workspace_id, "notice", user_id, now_ms)
        return True


async def _text_of(session: AsyncSession, comment_id: str) -> str | None:
    columns = table_of(Comment).c
    found = await session.execute(select(columns.text).where(columns.comment_id == comment_id))
    return found.scalar()


async def _mention(
    session: AsyncSession, task: TaskReference, comment_id: str, actor: Actor, text: str, now_ms: int
) -> None:
    meant = (await read_directory(session, task.workspace_id)).preview(text)
    excerpt = f"{actor.name or actor.id}: {_excerpt(text)}"
    for person in sorted(meant.people, key=lambda one: one.id):
        if person.id != actor.id:
            await give_notice(
                session, task.workspace_id, task.task_id, person.id, Cause("mention", comment_id, excerpt), now_ms
            )
            announce(session, task.workspace_id, "notice", person.id, now_ms)
    for agent in meant.agents:
        if agent.id != actor.id:  # a note wakes nobody: it lies there until the agent asks what waits for it
            note_id = note_id_of(task.task_id, "mention", comment_id, agent.id)
            await give_note(
                session, task.workspace_id, task.task_id, AgentNoteText(note_id, agent.id, "mention", excerpt), now_ms
            )
    if actor.kind is ActorKind.PERSON:  # who answers where they were called has heard it
        await _resolve_mentions(session, actor.id, now_ms, table_of(Notice).c.task_id == task.task_id)


async def _resolve_mentions(session: AsyncSession, user_id: str, now_ms: int, which: ColumnElement[bool]) -> None:
    columns = table_of(Notice).c
    resolved = await session.execute(
        update(table_of(Notice))
        .where(columns.user_id == user_id, columns.kind == "mention", columns.resolved_at_ms.is_(None), which)
        .values(resolved_at_ms=now_ms)
        .returning(columns.workspace_id)
    )
    for workspace_id in set(resolved.scalars()):
        announce(session, workspace_id, "notice", user_id, now_ms)


def _excerpt(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= EXCERPT else words[: EXCERPT - 1].rstrip() + "…"
