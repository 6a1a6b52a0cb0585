"""Writes what the watch found: the signal, the notice to the admins, and the outbox row that moves the board."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.stuck import Finding
from controlplane.projections.notices import Cause
from controlplane.store.database import Database
from controlplane.store.outbox import announce
from controlplane.store.tables import Notice, Signal
from controlplane.store.upsert import insert_into, table_of
from workers.calling import call_admins, let_be
from workers.sightings import Sighting

STUCK = "stuck"


@dataclass(frozen=True, slots=True)
class Found:
    """A finding about a run, and so about its task."""

    sighting: Sighting
    finding: Finding


async def write_signals(control: Database, found: Mapping[str, Found], now_ms: int) -> int:
    """Makes the signals exactly these (by task id); how many rows changed. Reads only, when none has to."""
    signal = table_of(Signal).c
    async with control.reading() as session:
        rows = await session.execute(select(signal.task_id, signal.reason).where(signal.signal == STUCK))
        known = {row.task_id: row.reason for row in rows}
    changed = [one for task_id, one in found.items() if known.get(task_id) != one.finding.reason]
    gone = known.keys() - found.keys()
    if changed or gone:
        async with control.transaction() as session:
            for one in changed:
                await _set(session, one, now_ms)
            await _clear(session, gone, now_ms)
    return len(changed) + len(gone)


async def _set(session: AsyncSession, found: Found, now_ms: int) -> None:
    sighting, finding = found.sighting, found.finding
    row = {
        "signal": STUCK,
        "reason": finding.reason,
        "since_ms": finding.since_ms,
        "evidence": {**finding.evidence, "run_id": sighting.run_id},
    }
    insert = insert_into(session, Signal).values(task_id=sighting.task_id, workspace_id=sighting.workspace_id, **row)
    await session.execute(insert.on_conflict_do_update(index_elements=["task_id"], set_=row))
    announce(session, sighting.workspace_id, "signal", sighting.task_id, now_ms)
    cause = Cause(STUCK, sighting.run_id, finding.reason)
    await call_admins(session, sighting.workspace_id, sighting.task_id, cause, now_ms)


async def _clear(session: AsyncSession, task_ids: Iterable[str], now_ms: int) -> None:
    ids = sorted(task_ids)
    signal, notice = table_of(Signal).c, table_of(Notice).c
    cleared = await session.execute(
        delete(table_of(Signal)).where(signal.task_id.in_(ids)).returning(signal.task_id, signal.workspace_id)
    )
    for task_id, workspace_id in cleared.all():
        announce(session, workspace_id, "signal", task_id, now_ms)
    await let_be(session, notice.task_id.in_(ids) & (notice.kind == STUCK), now_ms)
