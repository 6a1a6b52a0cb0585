"""The agents of a workspace, as their plates."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.queries.card import Plate
from controlplane.queries.rows import AGENTS, rows


async def plates_of(session: AsyncSession, workspace_id: str) -> tuple[Plate, ...]:
    """All agents, by name."""
    named = select(AGENTS.c.name, AGENTS.c.call_sign).where(AGENTS.c.workspace_id == workspace_id)
    return tuple(Plate(row.name, row.call_sign) for row in await rows(session, named.order_by(AGENTS.c.name)))
