"""Roles that agents are made from: the built-in ones, and those a workspace has made."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.store.tables import AgentTemplate
from controlplane.store.upsert import table_of


@dataclass(frozen=True, slots=True)
class Template:
    """What an agent made from it can do, and how much at once (0: as many as it asks for)."""

    name: str
    description: str
    capabilities: tuple[str, ...]
    max_concurrency: int = 1
    is_built_in: bool = True


BUILT_IN = (
    Template("coder", "Writes and changes code, and tests what it wrote.", ("coding", "testing")),
    Template("critic", "Looks at deliverables before people are called.", ("review",), 2),
    Template("editor", "Makes texts shorter, clearer and right.", ("editing", "review")),
    Template("researcher", "Finds out, and says where it stands.", ("research",), 2),
    Template("writer", "Writes texts for people.", ("writing", "draft")),
)


async def templates_of(session: AsyncSession, workspace_id: str) -> list[Template]:
    """All of them by name; a workspace's own one stands before a built-in one of the same name."""
    columns = table_of(AgentTemplate).c
    rows = await session.execute(select(AgentTemplate).where(columns.workspace_id == workspace_id))
    own = [_template(row) for row in rows.scalars()]
    by_name = {one.name: one for one in (*BUILT_IN, *own)}
    return [by_name[name] for name in sorted(by_name)]


async def find_template(session: AsyncSession, workspace_id: str, name: str) -> Template | None:
    """By its name, in any case."""
    wanted = name.strip().lower()
    return next((one for one in await templates_of(session, workspace_id) if one.name == wanted), None)


def _template(row: AgentTemplate) -> Template:
    return Template(row.name, row.description, tuple(row.capabilities), row.max_concurrency, is_built_in=False)
