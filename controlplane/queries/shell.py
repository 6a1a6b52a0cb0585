"""The frame around every page: project, spending of the day, the bell's figure, and what concerns everybody."""

from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.queries.alerts import FrozenAll, IncidentView, frozen_all, open_incidents
from controlplane.queries.bell import open_notices
from controlplane.queries.rows import CALLS, PROCESSES, PROJECTS, first_row, rows

RESTART_SHOWN_MS = 120_000  # how long the board says that a process came back


@dataclass(frozen=True, slots=True)
class Restart:
    """A process that died while the others went on: `at_ms` says when it came back, or, still away, when it died."""

    name: str
    at_ms: int
    is_back: bool


@dataclass(frozen=True, slots=True)
class ShellView:
    """What the frame says. `spent_nano_usd` counts every call of the day, attributed or not."""

    project: str
    open_notices: int
    spent_nano_usd: int
    restarts: tuple[Restart, ...] = ()
    frozen: FrozenAll | None = None
    incidents: tuple[IncidentView, ...] = ()


async def shell_view(
    control: AsyncSession, calls: AsyncSession, workspace_id: str, user_id: str, now_ms: int, midnight_ms: int
) -> ShellView:
    """The frame for one person; `midnight_ms` is when the day began where the server stands."""
    named = select(PROJECTS.c.name).where(PROJECTS.c.workspace_id == workspace_id)
    project = await first_row(control, named.order_by(PROJECTS.c.created_at_ms.desc()))
    return ShellView(
        project=str(project[0]) if project else "",
        open_notices=await open_notices(control, user_id),
        spent_nano_usd=await _spent(calls, workspace_id, midnight_ms),
        restarts=await _restarts(control, now_ms),
        frozen=await frozen_all(control, workspace_id),
        incidents=await open_incidents(control, workspace_id),
    )


async def _spent(calls: AsyncSession, workspace_id: str, midnight_ms: int) -> int:
    cost = case((CALLS.c.outcome == "", CALLS.c.live_cost_nano_usd), else_=CALLS.c.cost_nano_usd)
    spent = select(func.coalesce(func.sum(cost), 0)).where(
        CALLS.c.workspace_id == workspace_id, CALLS.c.started_at_ns >= midnight_ms * 1_000_000
    )
    row = await first_row(calls, spent)
    return int(row[0]) if row else 0


async def _restarts(control: AsyncSession, now_ms: int) -> tuple[Restart, ...]:
    columns = PROCESSES.c
    died = select(columns.name, columns.started_at_ms, columns.died_at_ms).where(columns.died_at_ms.is_not(None))
    restarts = [
        Restart(row.name, max(row.started_at_ms, row.died_at_ms), is_back=row.started_at_ms > row.died_at_ms)
        for row in await rows(control, died.order_by(columns.died_at_ms))
    ]
    return tuple(one for one in restarts if not one.is_back or one.at_ms > now_ms - RESTART_SHOWN_MS)
