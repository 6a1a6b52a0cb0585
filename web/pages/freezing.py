"""The emergency stop of everything, and its release: from the header of every page, by form, key or script."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from controlplane.access.people import Person
from web import words
from web.live.shell import ShellSource, frame_fragments
from web.pages.access import Signed, Stationed
from web.pages.posted import PostedForm
from web.pages.replies import Toast, came_from, is_htmx, toast
from web.station import Station

router = APIRouter()


@router.post("/freeze")
async def freeze(request: Request, station: Stationed, person: Signed, posted: PostedForm) -> Response:
    """Everything stands still within a second; a reason is asked for, because everybody will ask."""
    reason = posted.text("reason")
    if not reason:
        raise HTTPException(400, "Say why: everybody who finds their agents frozen reads it.")
    frozen = await station.commands.freeze(
        person.actor, posted.command_id, "workspace", "", reason, person.workspace_id
    )
    said = f"Everything is frozen; {words.plural(len(frozen), 'task at work stands', 'tasks at work stand')} still."
    return await _shown(request, station, person, said)


@router.post("/thaw")
async def thaw(request: Request, station: Stationed, person: Signed, posted: PostedForm) -> Response:
    """It goes on. What was frozen by itself stays so."""
    thawed = await station.commands.thaw(
        person.actor, posted.command_id, "workspace", "", posted.text("reason"), person.workspace_id
    )
    return await _shown(request, station, person, f"Thawed; {words.plural(len(thawed), 'task goes', 'tasks go')} on.")


async def _shown(request: Request, station: Station, person: Person, said: str) -> Response:
    if not is_htmx(request):
        return RedirectResponse(came_from(request, "/"), 303)
    shell = await ShellSource(person.workspace_id, person.user_id, station).load()
    return HTMLResponse("\n".join((*frame_fragments(station.renderer, shell), toast(station, Toast(said)))))
