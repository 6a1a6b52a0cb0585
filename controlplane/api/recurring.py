"""`/recurring`: tasks that come again, when they do, and what became of each time."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pointsman.contract import ErrorCode
from sqlalchemy import select

from controlplane.access.callers import Caller
from controlplane.api.bodies import recurring as bodies
from controlplane.api.callers import PEOPLE, PEOPLE_AND_AGENTS, LiveCaller
from controlplane.api.commanding import CommandId
from controlplane.api.deps import ApiDeps, Deps
from controlplane.api.described import operation
from controlplane.api.once import once
from controlplane.api.paging import Page, read_page
from controlplane.api.views import answer
from controlplane.api.views.recurring import (
    OccurrencePage,
    OccurrenceView,
    RecurringPage,
    RecurringView,
    occurrence_view,
    recurring_view,
)
from controlplane.commands.references import refs_of
from controlplane.domain.commands import without_content
from controlplane.store.tables import Occurrence, RecurringTask
from controlplane.store.upsert import table_of

router = APIRouter(prefix="/recurring", tags=["recurring"])

RECURRING, OCCURRENCES = table_of(RecurringTask).c, table_of(Occurrence).c
RecurringId = Annotated[str, Path(min_length=1, max_length=60, examples=["rec_01JD3Z6Y7Q"])]
UNKNOWN = (ErrorCode.NOT_FOUND,)


@router.get("", **operation("recurring_list", PEOPLE_AND_AGENTS, RecurringPage))
async def list_recurring(caller: LiveCaller, deps: Deps, page: Page) -> Response:
    """Tasks that come again, the oldest first."""
    query = select(*RECURRING).where(RECURRING.workspace_id == caller.workspace_id, RECURRING.deleted_at_ms.is_(None))
    async with deps.control.reading() as session:
        rows, next_cursor = await read_page(session, query, [RECURRING.created_at_ms, RECURRING.recurring_id], page)
    views = [recurring_view(RecurringTask(**row)) for row in rows]
    return answer(RecurringPage(recurring=views, next_cursor=next_cursor))


@router.post("", **operation("recurring_create", PEOPLE, RecurringView, status=201))
async def create(body: bodies.NewRecurring, caller: LiveCaller, command_id: CommandId, deps: Deps) -> Response:
    """Makes the same task again and again, at the times that `cron` says in that time zone."""

    async def act() -> Response:
        made = await deps.commands.make_recurring(
            caller.actor,
            without_content(command_id),
            caller.workspace_id,
            body.title,
            body.cron,
            body.time_zone,
            body.template.model_dump(exclude_none=True),
            body.overlap,
        )
        return answer(recurring_view(made), 201)

    return await once(deps, caller, command_id, act)


@router.post("/{recurring_id}/pause", **operation("recurring_pause", PEOPLE, RecurringView, refuses=UNKNOWN))
async def pause(recurring_id: RecurringId, caller: LiveCaller, command_id: CommandId, deps: Deps) -> Response:
    """It makes nothing for now."""
    return await _set(deps, caller, command_id, recurring_id, is_paused=True)


@router.post("/{recurring_id}/resume", **operation("recurring_resume", PEOPLE, RecurringView, refuses=UNKNOWN))
async def resume(recurring_id: RecurringId, caller: LiveCaller, command_id: CommandId, deps: Deps) -> Response:
    """It goes on with its next time; those it slept through are missed."""
    return await _set(deps, caller, command_id, recurring_id, is_paused=False)


@router.post("/{recurring_id}/delete", **operation("recurring_delete", PEOPLE, RecurringView, refuses=UNKNOWN))
async def delete(recurring_id: RecurringId, caller: LiveCaller, command_id: CommandId, deps: Deps) -> Response:
    """It makes nothing any more; what it made stays."""
    return await _set(deps, caller, command_id, recurring_id, is_deleted=True)


async def _set(
    deps: ApiDeps,
    caller: Caller,
    command_id: str,
    recurring_id: str,
    *,
    is_paused: bool | None = None,
    is_deleted: bool = False,
) -> Response:
    async def act() -> Response:
        changed = await deps.commands.set_recurring(
            caller.workspace_id, recurring_id, is_paused=is_paused, is_deleted=is_deleted
        )
        return answer(recurring_view(changed))

    return await once(deps, caller, command_id, act)


@router.post("/{recurring_id}/run", **operation("recurring_run", PEOPLE, OccurrenceView, refuses=UNKNOWN))
async def run(recurring_id: RecurringId, caller: LiveCaller, command_id: CommandId, deps: Deps) -> Response:
    """Makes its task now, as if it were due."""

    async def act() -> Response:
        name = without_content(command_id)
        occurrence = await deps.commands.run_recurring(name, caller.workspace_id, recurring_id)
        async with deps.control.reading() as session:
            refs = await refs_of(session, [occurrence.task_id] if occurrence.task_id else [])
        return answer(occurrence_view(occurrence, refs))

    return await once(deps, caller, command_id, act)


@router.get("/{recurring_id}/occurrences", **operation("occurrence_list", PEOPLE_AND_AGENTS, OccurrencePage))
async def occurrences(recurring_id: RecurringId, caller: LiveCaller, deps: Deps, page: Page) -> Response:
    """What became of its times, newest first."""
    query = select(*OCCURRENCES).where(
        OCCURRENCES.workspace_id == caller.workspace_id, OCCURRENCES.recurring_id == recurring_id
    )
    async with deps.control.reading() as session:
        rows, next_cursor = await read_page(session, query, [OCCURRENCES.due_at_ms], page, is_descending=True)
        refs = await refs_of(session, [row["task_id"] for row in rows if row["task_id"]])
    views = [occurrence_view(Occurrence(**row), refs) for row in rows]
    return answer(OccurrencePage(occurrences=views, next_cursor=next_cursor))
