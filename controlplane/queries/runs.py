"""The attempts at a task, and the versions of the deliverable that came out of them."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import LIVE, RunState
from controlplane.queries.card import Plate
from controlplane.queries.rows import AGENTS, DELIVERABLES, RUNS, USAGE, rows


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


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the deliverable; its text lies in the blob store under `sha256`."""

    version: int
    sha256: str
    size_bytes: int
    format: str
    title: str
    submitted_at_ms: int
    run_number: int
    verdict: str | None
    note: str
    reviewed_by: str


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


async def versions_of(session: AsyncSession, task_id: str) -> tuple[Version, ...]:
    """All versions, the first one first."""
    joined = DELIVERABLES.outerjoin(RUNS, RUNS.c.run_id == DELIVERABLES.c.run_id)
    found = await rows(
        session,
        select(DELIVERABLES, func.coalesce(RUNS.c.number, 0).label("run_number"))
        .select_from(joined)
        .where(DELIVERABLES.c.task_id == task_id)
        .order_by(DELIVERABLES.c.version),
    )
    return tuple(
        Version(
            version=row.version,
            sha256=row.sha256,
            size_bytes=row.size_bytes,
            format=row.format,
            title=row.title,
            submitted_at_ms=row.submitted_at_ms,
            run_number=row.run_number,
            verdict=row.verdict,
            note=row.note,
            reviewed_by=row.reviewed_by,
        )
        for row in found
    )
