"""`/freeze`, `/thaw`, `/freezes`, `/stalled`, `/incidents`: the workspace as a whole, and where it stands still."""

from fastapi import APIRouter, Response
from sqlalchemy import RowMapping, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.api.bodies import workspace as bodies
from controlplane.api.callers import PEOPLE, PEOPLE_AND_AGENTS, LiveCaller
from controlplane.api.commanding import CommandId
from controlplane.api.deps import Deps
from controlplane.api.described import operation
from controlplane.api.freezing import act_on_freeze
from controlplane.api.paging import Page, page_of, read_page
from controlplane.api.views import answer, iso
from controlplane.api.views.workspace import (
    FreezePage,
    FreezeView,
    FrozenView,
    IncidentPage,
    IncidentView,
    StalledPage,
    StalledView,
)
from controlplane.commands.references import refs_of
from controlplane.queries.stalled import StalledLeaf, stalled_leaves
from controlplane.store.tables import Agent, Freeze, Incident
from controlplane.store.upsert import table_of

router = APIRouter(tags=["operations"])

FREEZES, INCIDENTS, AGENTS = table_of(Freeze).c, table_of(Incident).c, table_of(Agent).c


@router.post("/freeze", **operation("workspace_freeze", PEOPLE, FrozenView))
async def freeze(
    caller: LiveCaller, command_id: CommandId, deps: Deps, body: bodies.WorkspaceStop | None = None
) -> Response:
    """Stops everything at once: all keys of agents and runs, live streams, queued calls, and the tasks at work."""
    reason = body.reason if body else ""
    return await act_on_freeze(deps, caller, command_id, deps.commands.freeze, "workspace", "", reason)


@router.post("/thaw", **operation("workspace_thaw", PEOPLE, FrozenView))
async def thaw(
    caller: LiveCaller, command_id: CommandId, deps: Deps, body: bodies.WorkspaceStop | None = None
) -> Response:
    """Lets everything go on that was stopped as a whole; frozen tasks and agents stay frozen."""
    reason = body.reason if body else ""
    return await act_on_freeze(deps, caller, command_id, deps.commands.thaw, "workspace", "", reason)


@router.get("/freezes", **operation("freeze_list", PEOPLE_AND_AGENTS, FreezePage))
async def freezes(caller: LiveCaller, deps: Deps, page: Page) -> Response:
    """What is frozen, the oldest first: one entry for each time that somebody pressed the button."""
    is_task = FREEZES.scope == "task"
    pressed = (
        select(
            FREEZES.root_id,
            func.min(FREEZES.at_ms).label("at_ms"),
            func.min(FREEZES.reason).label("reason"),
            func.min(FREEZES.actor_name).label("by"),
            func.count().filter(is_task).label("tasks"),
        )
        .where(FREEZES.workspace_id == caller.workspace_id)
        .group_by(FREEZES.root_id)
        .subquery()
    )
    async with deps.control.reading() as session:
        order = [pressed.c.at_ms, pressed.c.root_id]
        rows, next_cursor = await read_page(session, select(pressed), order, page)
        names = await _names(session, [row["root_id"] for row in rows])
    views = [_freeze(row, caller.workspace_id, names) for row in rows]
    return answer(FreezePage(freezes=views, next_cursor=next_cursor))


async def _names(session: AsyncSession, root_ids: list[str]) -> dict[str, str]:
    """Agents' names by id, and `T-12` for tasks."""
    found = await session.execute(select(AGENTS.agent_id, AGENTS.name).where(AGENTS.agent_id.in_(root_ids)))
    agents = {agent_id: name for agent_id, name in found}  # noqa: C416 - dict(rows) loses the types
    return {**await refs_of(session, root_ids), **agents}


def _freeze(row: RowMapping, workspace_id: str, names: dict[str, str]) -> FreezeView:
    subject = names[row["root_id"]]
    is_everything = row["root_id"] == workspace_id
    return FreezeView(
        scope="workspace" if is_everything else "task" if subject.startswith("T-") else "agent",
        subject="" if is_everything else subject,
        subject_id=row["root_id"],
        reason=row["reason"],
        by=row["by"],
        at=iso(row["at_ms"]),
        tasks=row["tasks"],
    )


@router.get("/stalled", **operation("stalled", PEOPLE_AND_AGENTS, StalledPage))
async def stalled(caller: LiveCaller, deps: Deps, page: Page) -> Response:
    """Where to push so that most begins to move: the first stalled task of each chain, the worst first."""
    async with deps.control.reading() as session:
        leaves = await stalled_leaves(session, caller.workspace_id, deps.clock.now_ms())
    shown, next_cursor = page_of(enumerate(leaves), lambda ranked: (ranked[0],), page)
    return answer(StalledPage(stalled=[_stalled(leaf) for _, leaf in shown], next_cursor=next_cursor))


def _stalled(leaf: StalledLeaf) -> StalledView:
    return StalledView(
        task_id=leaf.card.task_id,
        ref=leaf.card.ref,
        title=leaf.card.title,
        status=leaf.card.status,
        signal=leaf.card.signal,
        tasks_behind=list(leaf.tasks_behind),
        agents_behind=list(leaf.agents_behind),
        spent_behind_nano_usd=leaf.spent_behind_nano_usd,
        waiting_nano_usd=leaf.waiting_nano_usd,
    )


@router.get("/incidents", **operation("incident_list", PEOPLE_AND_AGENTS, IncidentPage))
async def incidents(caller: LiveCaller, deps: Deps, page: Page, is_open: bool | None = None) -> Response:
    """The loss of many agents at once, as one incident; the latest first."""
    query = select(*INCIDENTS).where(INCIDENTS.workspace_id == caller.workspace_id)
    if is_open is not None:
        query = query.where(INCIDENTS.ended_at_ms.is_(None) if is_open else INCIDENTS.ended_at_ms.is_not(None))
    async with deps.control.reading() as session:
        order = [INCIDENTS.started_at_ms, INCIDENTS.incident_id]
        rows, next_cursor = await read_page(session, query, order, page, is_descending=True)
    return answer(IncidentPage(incidents=[_incident(row) for row in rows], next_cursor=next_cursor))


def _incident(row: RowMapping) -> IncidentView:
    return IncidentView(
        incident_id=row["incident_id"],
        kind=row["kind"],
        text=row["text"],
        run_ids=list(row["subject_ids"]),
        started_at=iso(row["started_at_ms"]),
        updated_at=iso(row["updated_at_ms"]),
        ended_at=iso(row["ended_at_ms"]),
    )
