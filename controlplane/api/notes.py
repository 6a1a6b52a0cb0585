"""`/agents/me/notes`: what waits for the agent that asks: somebody called it, a review, a clarification."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pointsman.contract import ErrorCode
from sqlalchemy import RowMapping, select

from controlplane.api.callers import AGENTS, LiveCaller
from controlplane.api.commanding import CommandId
from controlplane.api.deps import Deps
from controlplane.api.described import operation
from controlplane.api.once import once
from controlplane.api.paging import Page, read_page
from controlplane.api.views import answer, iso
from controlplane.api.views.agents import NotePage, NoteView
from controlplane.api.views.runs import DoneView
from controlplane.commands.desk import refused
from controlplane.commands.references import refs_of
from controlplane.store.tables import AgentNote
from controlplane.store.upsert import table_of

router = APIRouter(prefix="/agents/me/notes", tags=["agents"])

NOTES = table_of(AgentNote).c
NoteId = Annotated[str, Path(min_length=1, max_length=80, examples=["n_01JD3Z6Y7Q"])]


@router.get("", **operation("note_list", AGENTS, NotePage))
async def notes(caller: LiveCaller, deps: Deps, page: Page) -> Response:
    """What waits for you, oldest first. It goes when what it is about is settled."""
    query = select(*NOTES).where(NOTES.agent_id == caller.agent_id, NOTES.resolved_at_ms.is_(None))
    async with deps.control.reading() as session:
        rows, next_cursor = await read_page(session, query, [NOTES.created_at_ms, NOTES.note_id], page)
        refs = await refs_of(session, [row["task_id"] for row in rows])
    return answer(NotePage(notes=[_view(row, refs) for row in rows], next_cursor=next_cursor))


def _view(row: RowMapping, refs: dict[str, str]) -> NoteView:
    return NoteView(
        note_id=row["note_id"],
        kind=row["kind"],
        task_id=row["task_id"],
        ref=refs[row["task_id"]],
        version=row["version"],
        text=row["text"],
        created_at=iso(row["created_at_ms"]),
    )


@router.post("/{note_id}/resolve", **operation("note_resolve", AGENTS, DoneView, refuses=(ErrorCode.NOT_FOUND,)))
async def resolve(note_id: NoteId, caller: LiveCaller, command_id: CommandId, deps: Deps) -> Response:
    """You have dealt with it."""

    async def act() -> Response:
        if not await deps.commands.resolve_note(caller.agent_id or "", note_id):
            raise refused(ErrorCode.NOT_FOUND, f"You have no note {note_id!r}.")
        return answer(DoneView())

    return await once(deps, caller, command_id, act)
