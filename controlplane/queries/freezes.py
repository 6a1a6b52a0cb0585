"""The freezes that one task stands under: of its tree, of its agent, of everything."""

from dataclasses import dataclass

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.queries.card import Plate
from controlplane.queries.rows import AGENTS, TASKS, rows
from controlplane.store.tables import Freeze
from controlplane.store.upsert import table_of

FREEZES = table_of(Freeze)
SCOPES = ("workspace", "agent", "task")


@dataclass(frozen=True, slots=True)
class FreezeView:
    """Where somebody pressed the button, and why. `root` names it for `thaw`, `title` for people."""

    scope: str  # task | agent | workspace
    root: str
    title: str
    reason: str
    by: str
    at_ms: int


async def freezes_on(
    session: AsyncSession, workspace_id: str, task_id: str, agent_id: str | None
) -> tuple[FreezeView, ...]:
    """Each once, the widest first. A tree's tasks have rows of their own that name their root."""
    columns = FREEZES.c
    concerns = [columns.scope == "workspace", and_(columns.scope == "task", columns.subject_id == task_id)]
    if agent_id is not None:
        concerns.append(and_(columns.scope == "agent", columns.subject_id == agent_id))
    joined = FREEZES.outerjoin(TASKS, TASKS.c.task_id == columns.root_id).outerjoin(
        AGENTS, AGENTS.c.agent_id == columns.root_id
    )
    found = await rows(
        session,
        select(FREEZES, TASKS.c.number, AGENTS.c.name.label("agent_name"), AGENTS.c.call_sign)
        .select_from(joined)
        .where(columns.workspace_id == workspace_id, or_(*concerns))
        .order_by(columns.at_ms),
    )
    views: dict[str, FreezeView] = {}
    for row in found:
        if row.root_id == workspace_id:
            named = ("workspace", "", "everything")
        elif row.agent_name:
            named = ("agent", row.agent_name, Plate(row.agent_name, row.call_sign).title)
        else:
            named = ("task", f"T-{row.number}", f"T-{row.number}")
        views[row.root_id] = FreezeView(*named, row.reason, row.actor_name, row.at_ms)
    return tuple(sorted(views.values(), key=lambda view: SCOPES.index(view.scope)))
