"""One call: what was asked, what was answered, what it cost."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select

from controlplane.queries.calls import CallView, call_view
from controlplane.queries.rows import TASKS, first_row
from web.bodies import Side, read_body, read_image
from web.curl import curl_of
from web.frame import make_frame
from web.pages.access import Signed, Stationed
from web.station import Station

router = APIRouter(prefix="/calls")


@router.get("/{call_id}", response_class=HTMLResponse)
async def show_call(request: Request, station: Stationed, person: Signed, call_id: str) -> HTMLResponse:
    """A call's page."""
    async with station.calls.reading() as session:
        call = await call_view(session, person.workspace_id, call_id)
    if call is None:
        raise HTTPException(404, "There is no such call.")
    async with station.control.reading() as session:
        number = await first_row(session, select(TASKS.c.number).where(TASKS.c.task_id == (call.row.task_id or "")))
    frame = await make_frame(request, station, person, "call")
    page = station.renderer.page(
        "call/page.html",
        frame=frame,
        call=call,
        ref=f"T-{number[0]}" if number else "",
        request=read_body(call.request, call.dialect, "request"),
        response=read_body(call.response, call.dialect, "response"),
        curl=_curl(station, call),
    )
    return HTMLResponse(page)


@router.get("/{call_id}/images/{side}/{number:int}")
async def show_image(station: Stationed, person: Signed, call_id: str, side: Side, number: int) -> Response:
    """An image that stands in a call's body."""
    async with station.calls.reading() as session:
        call = await call_view(session, person.workspace_id, call_id)
    text = (call.request if side == "request" else call.response) if call else None
    found = read_image(text, call.dialect, side, number) if call and text else None
    if found is None:
        raise HTTPException(404, "There is no such image.")
    media_type, data = found
    return Response(data, media_type=media_type, headers={"Cache-Control": "private, max-age=3600"})


def _curl(station: Station, call: CallView) -> str:
    """Only what was kept whole and asked with a body of JSON can be asked again."""
    if call.row.kind != "model" or not call.request or call.is_cut:
        return ""
    return curl_of(station.settings.proxy_url, call.endpoint, call.dialect, call.request)
