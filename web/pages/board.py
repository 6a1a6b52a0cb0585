"""The board."""

from dataclasses import dataclass

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from controlplane.queries.why import why_waiting
from web.frame import make_frame
from web.live.board import BoardSource
from web.pages.access import Signed, Stationed
from web.pages.filters import FilteredBoard, FilterLinks, filter_query
from web.pages.replies import is_htmx
from web.pages.tasks import find_task_id

router = APIRouter()


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """What the empty board tells somebody who begins."""

    web_url: str
    gateway_url: str
    has_agents: bool


@router.get("/", response_class=HTMLResponse)
async def show_board(request: Request, station: Stationed, person: Signed, wanted: FilteredBoard) -> HTMLResponse:
    """The board through a filter."""
    source = BoardSource(person.workspace_id, wanted, station)
    channel = await station.hub.channel(source)  # before the page is read: nothing falls between page and stream
    query = filter_query(wanted)
    frame = await make_frame(request, station, person, "board", "/live/board", query, search=wanted.text)
    board = channel.current() or await source.load()
    steps = FirstSteps(station.settings.web_url, station.settings.proxy_url, board.has_agents)
    links = FilterLinks(wanted)
    return HTMLResponse(station.renderer.page("board/page.html", frame=frame, board=board, steps=steps, links=links))


@router.get("/tasks/{ref}/why", response_class=HTMLResponse)
async def show_why(request: Request, station: Stationed, person: Signed, ref: str) -> Response:
    """Why a card does not move: a small list beside it; without scripts the task's page says the same."""
    if not is_htmx(request):
        return RedirectResponse(f"/tasks/{ref}#why", 303)
    task_id = await find_task_id(station, person, ref)
    async with station.control.reading() as session:
        reasons = await why_waiting(session, person.workspace_id, task_id, station.clock.now_ms())
    if reasons is None:
        raise HTTPException(404, f"There is no task {ref!r}.")
    return HTMLResponse(station.renderer.part("board/why.html", "why", ref, reasons))


@router.get("/help/keys", response_class=HTMLResponse)
async def show_keys(request: Request, station: Stationed, person: Signed) -> HTMLResponse:
    """The keyboard's map, for those whose browser runs no scripts and for those who ask."""
    frame = await make_frame(request, station, person, "help")
    return HTMLResponse(station.renderer.page("frame/keys.html", frame=frame))
