"""What concerns everybody at once: the freeze of everything, and incidents that are one alarm instead of many."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.queries.freezes import FREEZES
from controlplane.queries.rows import first_row, rows
from controlplane.store.tables import Incident
from controlplane.store.upsert import table_of

INCIDENTS = table_of(Incident)


@dataclass(frozen=True, slots=True)
class FrozenAll:
    """Somebody froze the whole workspace."""

    by: str
    reason: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class IncidentView:
    """Something that hit many at once and is not over."""

    incident_id: str
    kind: str
    text: str
    started_at_ms: int
    runs: int


async def frozen_all(session: AsyncSession, workspace_id: str) -> FrozenAll | None:
    """The freeze of the workspace, if there is one."""
    wanted = select(FREEZES.c.actor_name, FREEZES.c.reason, FREEZES.c.at_ms).where(
        FREEZES.c.scope == "workspace", FREEZES.c.subject_id == workspace_id
    )
    row = await first_row(session, wanted)
    return FrozenAll(row.actor_name, row.reason, row.at_ms) if row else None


async def open_incidents(session: AsyncSession, workspace_id: str) -> tuple[IncidentView, ...]:
    """Those that are not over, the oldest first."""
    wanted = INCIDENTS.select().where(INCIDENTS.c.workspace_id == workspace_id, INCIDENTS.c.ended_at_ms.is_(None))
    found = await rows(session, wanted.order_by(INCIDENTS.c.started_at_ms))
    return tuple(
        IncidentView(row.incident_id, row.kind, row.text, row.started_at_ms, len(row.subject_ids or ()))
        for row in found
    )
