"""Calls the people who look after a workspace, and lets them be: how the watch gives notices and takes them back."""

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.projections.notices import Cause, give_notice
from controlplane.store.outbox import announce
from controlplane.store.tables import Notice, User
from controlplane.store.upsert import table_of


async def call_admins(session: AsyncSession, workspace_id: str, task_id: str, cause: Cause, now_ms: int) -> int:
    """One notice for each admin, given once for its cause; how many were given now."""
    given = 0
    for user_id in await admins_of(session, workspace_id):
        given += await call(session, workspace_id, task_id, user_id, cause, now_ms)
    return given


async def call(session: AsyncSession, workspace_id: str, task_id: str, user_id: str, cause: Cause, now_ms: int) -> bool:
    """One person's notice, and word of it to their open pages. False: it was given before."""
    is_new = await give_notice(session, workspace_id, task_id, user_id, cause, now_ms)
    if is_new:
        announce(session, workspace_id, "notice", user_id, now_ms)
    return is_new


async def admins_of(session: AsyncSession, workspace_id: str) -> list[str]:
    """Their ids."""
    user = table_of(User).c
    found = select(user.user_id).where(user.workspace_id == workspace_id, user.role == "admin")
    return list((await session.execute(found)).scalars())


async def let_be(session: AsyncSession, which: ColumnElement[bool], now_ms: int) -> int:
    """Resolves the open notices of this condition, and tells whom they were for; how many they were."""
    notice = table_of(Notice).c
    resolved = await session.execute(
        update(table_of(Notice))
        .where(which, notice.resolved_at_ms.is_(None))
        .values(resolved_at_ms=now_ms)
        .returning(notice.workspace_id, notice.user_id)
    )
    rows = resolved.all()
    for workspace_id, user_id in sorted({(row.workspace_id, row.user_id) for row in rows}):
        announce(session, workspace_id, "notice", user_id, now_ms)
    return len(rows)
