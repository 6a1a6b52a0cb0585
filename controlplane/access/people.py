"""People, and the first of them: nothing is ever open without somebody who may come in."""

from dataclasses import dataclass

from pointsman.contract import IdPrefix, new_id
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import Actor, ActorKind
from controlplane.store.tables import Project, User, Workspace
from controlplane.store.upsert import table_of


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has signed in, or who could."""

    user_id: str
    workspace_id: str
    email: str
    name: str
    handle: str
    role: str

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.PERSON, self.user_id, self.name)


async def create_admin_if_none(session: AsyncSession, now_ms: int, email: str = "admin@localhost") -> Person:
    """The first admin, with a workspace and a project to work in; the one there is, if there is one."""
    columns = table_of(User).c
    first = await session.execute(
        select(columns.user_id).where(columns.role == "admin").order_by(columns.created_at_ms, columns.user_id).limit(1)
    )
    known = await find_person(session, first.scalar() or "")
    if known is not None:
        return known
    workspace_id, user_id = new_id(IdPrefix.WORKSPACE, now_ms), new_id(IdPrefix.USER, now_ms)
    session.add(Workspace(workspace_id=workspace_id, name="Workspace", created_at_ms=now_ms))
    session.add(
        Project(
            project_id=new_id(IdPrefix.PROJECT, now_ms), workspace_id=workspace_id, name="Project", created_at_ms=now_ms
        )
    )
    session.add(
        User(
            user_id=user_id, workspace_id=workspace_id, email=email, name="Admin", handle="admin", created_at_ms=now_ms
        )
    )
    await session.flush()
    return Person(user_id, workspace_id, email, "Admin", "admin", "admin")


async def find_person(session: AsyncSession, user_id: str) -> Person | None:
    """Somebody by id."""
    columns = table_of(User).c
    found = await session.execute(
        select(columns.user_id, columns.workspace_id, columns.email, columns.name, columns.handle, columns.role).where(
            columns.user_id == user_id
        )
    )
    row = found.first()
    return Person(*row) if row else None
