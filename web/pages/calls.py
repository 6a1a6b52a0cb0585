"""One call: what was asked, what was answered, what it cost."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from controlplane.queries.calls import call_view
from controlplane.queries.rows import TASKS, first_row
from web.bodies import read_body
from web.frame import make_frame
from web.pages.access import Signed, Stationed

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
        request=read_body(call.request),
        response=read_body(call.response),
    )
    return HTMLResponse(page)
