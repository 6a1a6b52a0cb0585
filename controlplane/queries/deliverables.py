"""The versions of a task's deliverable, each with its run, what that cost, and what reviewers said of it."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, Table, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.queries.rows import AGENTS, DELIVERABLES, RUNS, USAGE, first_row, rows
from controlplane.store.tables import LateDeliverable, Verdict
from controlplane.store.upsert import table_of

VERDICTS = table_of(Verdict)
LATE = table_of(LateDeliverable)


@dataclass(frozen=True, slots=True)
class VerdictView:
    """What one reviewer said of one version."""

    reviewer_id: str
    reviewer_kind: str  # person | agent
    reviewer_name: str
    verdict: str  # approve | request_changes
    note: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class RunOf:
    """The run that made something, and what it used. `number` is 0 for a run that is not known (any more)."""

    run_id: str
    number: int
    state: str
    agent_id: str
    agent: str
    calls: int
    tool_calls: int
    cost_nano_usd: int
    is_simulated: bool


@dataclass(frozen=True, slots=True)
class DeliverableView:
    """One version. `verdict` is what came of it; `verdicts` is what each reviewer said."""

    version: int
    kind: str
    title: str
    name: str
    media_type: str
    language: str
    sha256: str
    size_bytes: int
    submitted_at_ms: int
    run: RunOf
    verdict: str | None
    verdicts: tuple[VerdictView, ...]


@dataclass(frozen=True, slots=True)
class LateView:
    """What came after its run had lost the task, kept aside. Adopted, it has become a version."""

    sha256: str
    kind: str
    title: str
    name: str
    media_type: str
    language: str
    size_bytes: int
    submitted_at_ms: int
    run: RunOf
    adopted_version: int | None
    discarded_at_ms: int | None


@dataclass(frozen=True, slots=True)
class Effort:
    """What all runs used that began after one version's run, up to another's: the price of the change."""

    runs: int
    calls: int
    cost_nano_usd: int


_RUN = (
    func.coalesce(RUNS.c.number, 0).label("run_number"),
    func.coalesce(RUNS.c.state, "").label("run_state"),
    func.coalesce(RUNS.c.agent_id, "").label("agent_id"),
    func.coalesce(AGENTS.c.name, "").label("agent_name"),
    func.coalesce(USAGE.c.calls, 0).label("calls"),
    func.coalesce(USAGE.c.tool_calls, 0).label("tool_calls"),
    func.coalesce(USAGE.c.cost_nano_usd, 0).label("cost_nano_usd"),
    func.coalesce(USAGE.c.is_simulated, False).label("is_simulated"),
)


async def deliverables_of(session: AsyncSession, task_id: str) -> tuple[DeliverableView, ...]:
    """All versions, the first one first."""
    found = await rows(session, _with_run(DELIVERABLES, task_id).order_by(DELIVERABLES.c.version))
    said = await _verdicts(session, task_id)
    return tuple(
        DeliverableView(
            version=row.version,
            kind=row.format,
            title=row.title,
            name=row.name,
            media_type=row.media_type,
            language=row.language,
            sha256=row.sha256,
            size_bytes=row.size_bytes,
            submitted_at_ms=row.submitted_at_ms,
            run=_run(row),
            verdict=row.verdict,
            verdicts=tuple(said[row.version]),
        )
        for row in found
    )


async def late_of(session: AsyncSession, task_id: str) -> tuple[LateView, ...]:
    """What was kept aside, the first one first; also what became of it since."""
    found = await rows(session, _with_run(LATE, task_id).order_by(LATE.c.submitted_at_ms, LATE.c.sha256))
    return tuple(
        LateView(
            sha256=row.sha256,
            kind=row.format,
            title=row.title,
            name=row.name,
            media_type=row.media_type,
            language=row.language,
            size_bytes=row.size_bytes,
            submitted_at_ms=row.submitted_at_ms,
            run=_run(row),
            adopted_version=row.adopted_version,
            discarded_at_ms=row.discarded_at_ms,
        )
        for row in found
    )


async def effort_between(session: AsyncSession, task_id: str, after_run: int, up_to_run: int) -> Effort:
    """What the runs with numbers above the one, up to the other, have used."""
    query = (
        select(
            func.count().label("runs"),
            func.coalesce(func.sum(USAGE.c.calls), 0).label("calls"),
            func.coalesce(func.sum(USAGE.c.cost_nano_usd), 0).label("cost_nano_usd"),
        )
        .select_from(RUNS.outerjoin(USAGE, USAGE.c.run_id == RUNS.c.run_id))
        .where(RUNS.c.task_id == task_id, RUNS.c.number > after_run, RUNS.c.number <= up_to_run)
    )
    row = await first_row(session, query)
    return Effort(row.runs, row.calls, row.cost_nano_usd) if row else Effort(0, 0, 0)


def _with_run(table: Table, task_id: str) -> Select[Any]:
    joined = (
        table.outerjoin(RUNS, RUNS.c.run_id == table.c.run_id)
        .outerjoin(AGENTS, AGENTS.c.agent_id == RUNS.c.agent_id)
        .outerjoin(USAGE, USAGE.c.run_id == table.c.run_id)
    )
    return select(table, *_RUN).select_from(joined).where(table.c.task_id == task_id)


async def _verdicts(session: AsyncSession, task_id: str) -> dict[int, list[VerdictView]]:
    said: dict[int, list[VerdictView]] = defaultdict(list)
    for row in await rows(session, select(VERDICTS).where(VERDICTS.c.task_id == task_id).order_by(VERDICTS.c.at_ms)):
        said[row.version].append(
            VerdictView(row.reviewer_id, row.reviewer_kind, row.reviewer_name, row.verdict, row.note, row.at_ms)
        )
    return said


def _run(row: Row[Any]) -> RunOf:
    return RunOf(
        run_id=row.run_id,
        number=row.run_number,
        state=row.run_state,
        agent_id=row.agent_id,
        agent=row.agent_name,
        calls=row.calls,
        tool_calls=row.tool_calls,
        cost_nano_usd=row.cost_nano_usd,
        is_simulated=bool(row.is_simulated),
    )
