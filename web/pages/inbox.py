"""The inbox: a list of what waits for this person, and one decision."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from controlplane.queries.bell import KINDS, bell_view
from web.frame import make_frame
from web.live.inbox import InboxSource
from web.pages.access import Signed, Stationed
from web.pages.replies import done, is_htmx

router = APIRouter(prefix="/inbox")


@router.get("", response_class=HTMLResponse)
async def show_inbox(
    request: Request, station: Stationed, person: Signed, item: str = "", kind: str = ""
) -> HTMLResponse:
    """The list, with the chosen item beside it; the first one if none was chosen."""
    wanted = kind if kind in KINDS else ""
    source = InboxSource(person.workspace_id, person.user_id, wanted, item, station)
    await station.hub.channel(source)
    frame = await make_frame(request, station, person, "inbox", "/live/inbox", {"kind": wanted, "item": item})
    view = await source.view()
    page = station.renderer.page("inbox/page.html", frame=frame, view=view, is_asked=bool(item))
    return HTMLResponse(page)


@router.post("/{notice_id}/seen")
async def mark_seen(request: Request, station: Stationed, person: Signed, notice_id: str) -> Response:
    """Read, with all that stands in the same line; a mention is settled by that, the rest by what it is about."""
    async with station.control.reading() as session:
        group = (await bell_view(session, person.user_id)).find(notice_id)
    for item in group.items if group else ():
        await station.commands.mark_seen(person.user_id, item.notice_id)
    if not is_htmx(request):
        return RedirectResponse("/inbox", 303)
    return await done(request, station, person, group.first.task_id if group else "", "")
