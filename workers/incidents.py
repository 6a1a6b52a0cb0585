"""The loss of many agents at once is one incident with one alarm, and not an alarm for each of them.

Pure rule: within two minutes three agents fell silent, or two that are 30 % of all that were at work. While it is open,
more losses are added to it quietly; it ends by itself two minutes after the last one.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import LIVE, RunState
from controlplane.projections.notices import Cause
from controlplane.store.database import Database
from controlplane.store.outbox import announce
from controlplane.store.tables import Incident, Notice, Run
from controlplane.store.upsert import table_of
from workers.calling import admins_of, call, let_be

WINDOW_MS = 120_000
MANY_AGENTS = 3
SOME_AGENTS, SHARE = 2, 0.3  # one agent of three is not a crowd
AGENTS_LOST = "agents_lost"


@dataclass(frozen=True, slots=True)
class Loss:
    """A run that was lost."""

    run_id: str
    task_id: str
    agent_id: str
    at_ms: int


def is_mass_loss(losses: Sequence[Loss], agents_at_work: int) -> bool:
    """`agents_at_work` counts those that had a run in the window, the lost ones among them."""
    agents = {loss.agent_id for loss in losses}
    return len(agents) >= MANY_AGENTS or (len(agents) >= SOME_AGENTS and len(agents) >= SHARE * agents_at_work)


async def watch_losses(control: Database, now_ms: int) -> int:
    """Opens, extends and ends incidents; how many changed. Reads only, when none has to."""
    losses = await _recent(control, now_ms)
    changed = 0
    for workspace_id, lost in losses.items():
        if is_mass_loss(lost, await _agents_at_work(control, workspace_id, now_ms)):
            async with control.transaction() as session:
                changed += await _raise(session, workspace_id, lost, now_ms)
    return changed + await _end_old(control, now_ms)


async def _recent(control: Database, now_ms: int) -> dict[str, list[Loss]]:
    run = table_of(Run).c
    query = (
        select(run.workspace_id, run.run_id, run.task_id, run.agent_id, run.ended_at_ms)
        .where(run.state == RunState.LOST, run.ended_at_ms >= now_ms - WINDOW_MS)
        .order_by(run.ended_at_ms, run.run_id)
    )
    found: dict[str, list[Loss]] = defaultdict(list)
    async with control.reading() as session:
        for workspace_id, *loss in await session.execute(query):
            found[workspace_id].append(Loss(*loss))
    return found


async def _agents_at_work(control: Database, workspace_id: str, now_ms: int) -> int:
    run = table_of(Run).c
    query = select(run.agent_id).where(
        run.workspace_id == workspace_id, run.state.in_(list(LIVE)) | (run.ended_at_ms >= now_ms - WINDOW_MS)
    )
    async with control.reading() as session:
        return len(set((await session.execute(query)).scalars()))


async def _raise(session: AsyncSession, workspace_id: str, losses: Sequence[Loss], now_ms: int) -> int:
    incident = table_of(Incident).c
    is_open = (incident.workspace_id == workspace_id) & incident.ended_at_ms.is_(None)
    known = (await session.execute(select(Incident).where(is_open, incident.kind == AGENTS_LOST))).scalars().first()
    run_ids = list(dict.fromkeys([*(known.subject_ids if known else ()), *(loss.run_id for loss in losses)]))
    if known is not None and run_ids == known.subject_ids:
        return 0
    first = losses[0]
    row = known or Incident(
        incident_id=f"inc_{first.run_id.removeprefix('r_')}",
        workspace_id=workspace_id,
        kind=AGENTS_LOST,
        text="",
        started_at_ms=first.at_ms,
        updated_at_ms=now_ms,
    )
    row.subject_ids, row.updated_at_ms = run_ids, now_ms
    agents = len({loss.agent_id for loss in losses})
    row.text = f"{agents} agents fell silent within two minutes. Their tasks are in the queue again, nothing is lost."
    session.add(row)
    announce(session, workspace_id, "incident", row.incident_id, now_ms)
    await session.flush()
    await _call_admins(session, row, first.task_id, now_ms)
    return 1


async def _call_admins(session: AsyncSession, incident: Incident, task_id: str, now_ms: int) -> None:
    """One notice for each admin and incident, however many agents it grows to."""
    notice = table_of(Notice).c
    cause = Cause("incident", incident.incident_id, incident.text)
    for user_id in await admins_of(session, incident.workspace_id):
        already = select(notice.notice_id).where(
            notice.user_id == user_id, notice.kind == "incident", notice.resolved_at_ms.is_(None)
        )
        if (await session.execute(already)).first() is None:
            await call(session, incident.workspace_id, task_id, user_id, cause, now_ms)


async def _end_old(control: Database, now_ms: int) -> int:
    incident, notice = table_of(Incident).c, table_of(Notice).c
    is_over = incident.ended_at_ms.is_(None) & (incident.updated_at_ms < now_ms - WINDOW_MS)
    async with control.reading() as session:
        if (await session.execute(select(incident.incident_id).where(is_over))).first() is None:
            return 0
    async with control.transaction() as session:
        ended = await session.execute(
            update(table_of(Incident))
            .where(is_over)
            .values(ended_at_ms=now_ms)
            .returning(incident.workspace_id, incident.incident_id)
        )
        over = ended.all()
        for workspace_id, incident_id in over:
            announce(session, workspace_id, "incident", incident_id, now_ms)
            await let_be(session, (notice.workspace_id == workspace_id) & (notice.kind == "incident"), now_ms)
    return len(over)
