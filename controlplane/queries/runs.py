"""The attempts at a task."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import LIVE, RunState
from controlplane.queries.card import Plate
from controlplane.queries.rows import AGENTS, RUNS, USAGE, rows


@dataclass(frozen=True, slots=True)
class RunView:
    """One attempt, with what it has used."""

    run_id: str
    number: int
    epoch: int
    plate: Plate | None
    state: RunState
    reason: str
    started_at_ms: int
    ended_at_ms: int | None
    seen_at_ms: int | None
    progress: str
    calls: int
    cost_nano_usd: int

    @property
    def is_live(self) -> bool:
        return self.state in LIVE


async def runs_of(session: AsyncSession, task_id: str) -> tuple[RunView, ...]:
    """All runs, the last one first."""
    joined = RUNS.outerjoin(AGENTS, AGENTS.c.agent_id == RUNS.c.agent_id).outerjoin(
        USAGE, USAGE.c.run_id == RUNS.c.run_id
    )
    found = await rows(
        session,
        select(
            RUNS,
            AGENTS.c.name.label("agent_name"),
            AGENTS.c.call_sign,
            func.coalesce(USAGE.c.calls + USAGE.c.live_calls, 0).label("calls"),
            func.coalesce(USAGE.c.cost_nano_usd + USAGE.c.live_cost_nano_usd, 0).label("cost_nano_usd"),
        )
        .select_from(joined)
        .where(RUNS.c.task_id == task_id)
        .order_by(RUNS.c.number.desc()),
    )
    return tuple(
        RunView(
            run_id=row.run_id,
            number=row.number,
            epoch=row.epoch,
            plate=Plate(row.agent_name, row.call_sign) if row.agent_name else None,
            state=RunState(row.state),
            reason=row.reason,
            started_at_ms=row.started_at_ms,
            ended_at_ms=row.ended_at_ms,
            seen_at_ms=row.seen_at_ms,
            progress=row.progress,
            calls=row.calls,
            cost_nano_usd=row.cost_nano_usd,
        )
        for row in found
    )
