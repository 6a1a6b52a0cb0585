"""The inbox: a list of what waits for this person, and one decision."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from controlplane.queries.bell import KINDS, bell_view
from controlplane.queries.task import task_view
from web.deliverables import Selection, read_deliverable
from web.frame import make_frame
from web.pages.access import Signed, Stationed

router = APIRouter(prefix="/inbox")


@router.get("", response_class=HTMLResponse)
async def show_inbox(
    request: Request, station: Stationed, person: Signed, item: str = "", kind: str = ""
) -> HTMLResponse:
    """The list, with the chosen item beside it; the first one if none was chosen."""
    wanted = kind if kind in KINDS else ""
    frame = await make_frame(request, station, person, "inbox")
    async with station.control.reading() as control, station.calls.reading() as calls:
        bell = await bell_view(control, person.user_id)
        listed = bell.of_kind(wanted) if wanted else bell.open
        chosen = bell.find(item) or (listed[0] if listed else None)
        now_ms = station.clock.now_ms()
        task = await task_view(control, calls, person.workspace_id, chosen.task_id, now_ms) if chosen else None
    text = await read_deliverable(station.blobs, task.versions, Selection()) if task else None
    page = station.renderer.page(
        "inbox/page.html", frame=frame, bell=bell, kind=wanted, chosen=chosen, task=task, text=text, is_asked=bool(item)
    )
    return HTMLResponse(page)


@router.post("/{notice_id}/seen")
async def mark_seen(station: Stationed, person: Signed, notice_id: str) -> Response:
    """Read; a mention is settled by that, everything else by what it is about."""
    await station.commands.mark_seen(person.user_id, notice_id)
    return RedirectResponse("/inbox", 303)
