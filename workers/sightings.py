"""What SQL knows of the runs that live now, as the detectors want to see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from controlplane.domain.state import LIVE, WAITING
from controlplane.domain.stuck import CallSeen, RunSeen
from controlplane.store.call_tables import Call
from controlplane.store.database import Database
from controlplane.store.tables import Run, RunUsage
from controlplane.store.upsert import table_of

# What the gateway answers while a provider is down, slow or overloaded; the agent is right to wait.
_TROUBLE = frozenset({408, 429, 500, 502, 503, 504, 529})


@dataclass(frozen=True, slots=True)
class Sighting:
    """One live run."""

    run_id: str
    task_id: str
    workspace_id: str
    run: RunSeen


async def live_runs(control: Database, calls: Database, calls_seen: int) -> list[Sighting]:
    """All live runs with their last ended calls."""
    run, usage = table_of(Run).c, table_of(RunUsage).c
    query = (
        select(
            *(run.run_id, run.task_id, run.workspace_id, run.state, run.started_at_ms, run.progress_at_ms),
            *(usage.last_call_at_ms, usage.live_calls),
        )
        .join_from(table_of(Run), table_of(RunUsage), usage.run_id == run.run_id, isouter=True)
        .where(run.state.in_([state.value for state in LIVE]))
    )
    async with control.reading() as session:
        rows = (await session.execute(query)).all()
    with_calls = [row.run_id for row in rows if row.last_call_at_ms is not None]
    ended = await ended_calls(calls, with_calls, calls_seen)
    return [_sighting(row, ended) for row in rows]


async def ended_calls(calls: Database, run_ids: list[str], count: int) -> dict[str, tuple[CallSeen, ...]]:
    """The last `count` ended calls of each run, oldest first."""
    call = table_of(Call).c
    found: dict[str, tuple[CallSeen, ...]] = {}
    async with calls.reading() as session:
        for run_id in run_ids:  # one index range each; a window over all runs would read all their calls
            rows = await session.execute(
                select(
                    *(call.call_id, call.kind, call.fingerprint, call.response_digest, call.label, call.model),
                    *(call.started_at_ns, call.cost_nano_usd, call.status, call.stop_reason),
                )
                .where(call.run_id == run_id, call.ended_at_ns.is_not(None), call.outcome != "replayed")
                .order_by(call.started_at_ns.desc())
                .limit(count)
            )
            found[run_id] = tuple(_call(row) for row in reversed(rows.all()))
    return found


def _call(row: Any) -> CallSeen:
    return CallSeen(
        call_id=row.call_id,
        kind=row.kind,
        fingerprint=row.fingerprint,
        response_digest=row.response_digest,
        label=row.label,
        model=row.model,
        at_ms=row.started_at_ns // 1_000_000,
        cost_nano_usd=row.cost_nano_usd,
        is_provider_trouble=row.status in _TROUBLE,
        stop_reason=row.stop_reason,
    )


def _sighting(row: Any, ended: Mapping[str, tuple[CallSeen, ...]]) -> Sighting:
    seen = RunSeen(
        is_waiting_for_person=row.state in WAITING,  # a paused run may well be silent
        started_at_ms=row.started_at_ms,
        last_progress_at_ms=row.progress_at_ms,
        last_call_at_ms=row.last_call_at_ms,
        calls_in_flight=row.live_calls or 0,
        calls=ended.get(row.run_id, ()),
    )
    return Sighting(row.run_id, row.task_id, row.workspace_id, seen)
