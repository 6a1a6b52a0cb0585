"""Who and what can be named: the list behind an `@` or a `T-`, and who a text would call.

Asked by `static/js/naming.js` while somebody types; without scripts names are simply typed.
"""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from controlplane.queries.naming import tasks_named
from web.pages.access import Signed, Stationed
from web.pages.posted import PostedForm

router = APIRouter(prefix="/naming")

SHOWN = 8
LONGEST_PREFIX = 60


@router.get("/people", response_class=HTMLResponse)
async def people(station: Stationed, person: Signed, q: str = "") -> HTMLResponse:
    """People, teams and agents whose handle or name begins so, as options of a list."""
    found = await station.commands.mention_candidates(person.workspace_id, q[:LONGEST_PREFIX], SHOWN)
    return HTMLResponse(station.renderer.part("task/naming.html", "people", found))


@router.get("/agents", response_class=HTMLResponse)
async def agents(station: Stationed, person: Signed, q: str = "") -> HTMLResponse:
    """Agents alone."""
    found = await station.commands.mention_candidates(person.workspace_id, q[:LONGEST_PREFIX], SHOWN * 8)
    named = [one for one in found if one.kind == "agent"][:SHOWN]
    return HTMLResponse(station.renderer.part("task/naming.html", "people", named))


@router.get("/tasks", response_class=HTMLResponse)
async def tasks(station: Stationed, person: Signed, q: str = "") -> HTMLResponse:
    """Open tasks by number or by a word of their title."""
    async with station.control.reading() as session:
        found = await tasks_named(session, person.workspace_id, q[:LONGEST_PREFIX], SHOWN)
    return HTMLResponse(station.renderer.part("task/naming.html", "tasks", found))


@router.post("/preview", response_class=HTMLResponse)
async def preview(station: Stationed, person: Signed, posted: PostedForm) -> HTMLResponse:
    """Who would hear of a text, before it is sent."""
    called = await station.commands.mention_preview(person.workspace_id, posted.text("text"))
    return HTMLResponse(station.renderer.part("task/naming.html", "preview", called, person.user_id))
