"""Tasks that come again: the list, the form with its next times, and the ledger of what became of them."""

from dataclasses import dataclass, replace
from typing import Literal

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pointsman.contract import IdPrefix, new_id

from controlplane.access.people import Person
from controlplane.commands.desk import CommandRefused
from controlplane.queries.agents import plates_of
from controlplane.queries.card import Plate
from controlplane.queries.recurring import next_times
from web.frame import make_frame
from web.live.blocks import changed_blocks
from web.live.recurring import RecurringSource
from web.pages.access import Signed, Stationed
from web.pages.posted import Posted, PostedForm
from web.pages.replies import Toast, came_from, is_htmx, toast
from web.station import Station

router = APIRouter(prefix="/recurring")

LONGEST = 200  # characters of an expression that is looked at


@dataclass(frozen=True, slots=True)
class RecurringForm:
    """The form as it is shown: empty, or as it was typed with its next times, or with what is wrong with it."""

    command_id: str
    agents: tuple[Plate, ...]
    title: str = ""
    brief: str = ""
    cron: str = "0 9 * * 1-5"
    time_zone: str = "UTC"
    agent: str = ""
    needs: str = ""
    priority: int = 3
    overlap: str = "skip"
    times: tuple[int, ...] = ()
    problem: str = ""
    error: str = ""


@router.get("", response_class=HTMLResponse)
async def show_recurring(request: Request, station: Stationed, person: Signed) -> HTMLResponse:
    """All of them, the next one first."""
    source = RecurringSource(person.workspace_id, "", station)
    await station.hub.channel(source)
    frame = await make_frame(request, station, person, "recurring", "/live/recurring")
    return HTMLResponse(station.renderer.page("recurring/page.html", frame=frame, view=await source.view()))


@router.get("/new", response_class=HTMLResponse)
async def show_form(request: Request, station: Stationed, person: Signed) -> HTMLResponse:
    """The form; without scripts its button "Show the next times" asks for it again, as it was typed."""
    form = _timed(station, _typed(Posted("", dict(request.query_params), new_id(IdPrefix.COMMAND)), ()))
    return await _form(request, station, person, form)


@router.get("/preview", response_class=HTMLResponse)
async def preview(station: Stationed, _person: Signed, cron: str = "", time_zone: str = "UTC") -> HTMLResponse:
    """The next times of an expression, while it is typed."""
    form = _timed(station, RecurringForm("", (), cron=cron[:LONGEST], time_zone=time_zone[:LONGEST]))
    return HTMLResponse(station.renderer.part("recurring/parts.html", "preview", form))


@router.post("")
async def create(request: Request, station: Stationed, person: Signed, posted: PostedForm) -> Response:
    """A form that is refused comes back as it was, with the reason."""
    form = _typed(posted, ())
    template = {"brief": form.brief, "needs": list(posted.words("needs")), "priority": form.priority}
    overlap: Literal["skip", "allow"] = "allow" if form.overlap == "allow" else "skip"
    try:
        made = await station.commands.make_recurring(
            person.actor,
            posted.command_id,
            person.workspace_id,
            form.title,
            form.cron,
            form.time_zone,
            {**template, "agent": form.agent} if form.agent else template,
            overlap,
        )
    except CommandRefused as refusal:
        again = replace(_timed(station, form), error=refusal.refusal.message)
        return await _form(request, station, person, again, 409)
    return RedirectResponse(f"/recurring/{made.recurring_id}", 303)


@router.get("/{recurring_id}", response_class=HTMLResponse)
async def show_ledger(request: Request, station: Stationed, person: Signed, recurring_id: str) -> HTMLResponse:
    """One, with its ledger."""
    source = RecurringSource(person.workspace_id, recurring_id, station)
    page = await source.ledger()
    if page is None:
        raise HTTPException(404, "There is no such recurring task.")
    await station.hub.channel(source)
    frame = await make_frame(request, station, person, "recurring", f"/live/recurring/{recurring_id}")
    times = next_times(page.recurring.cron, page.recurring.time_zone, station.clock.now_ms())
    shown = await source.ledger() or page
    return HTMLResponse(station.renderer.page("recurring/one.html", frame=frame, page=shown, times=times))


@router.post("/{recurring_id}/{verb}")
async def operate(
    request: Request,
    station: Stationed,
    person: Signed,
    recurring_id: str,
    verb: Literal["pause", "resume", "run", "delete"],
    posted: PostedForm,
) -> Response:
    """Pause it, let it go on, make its task now, or delete it."""
    commands, workspace_id = station.commands, person.workspace_id
    said = {"pause": "It makes nothing until you resume it.", "resume": "It goes on."}.get(verb, "")
    if verb == "run":
        occurrence = await commands.run_recurring(posted.command_id, workspace_id, recurring_id)
        said = "Its task is made." if occurrence.outcome == "ran" else f"Skipped: {occurrence.reason}."
    elif verb == "delete":
        await commands.set_recurring(workspace_id, recurring_id, is_deleted=True)
        return _to_the_list(request)
    else:
        await commands.set_recurring(workspace_id, recurring_id, is_paused=verb == "pause")
    if not is_htmx(request):
        return RedirectResponse(came_from(request, f"/recurring/{recurring_id}"), 303)
    is_list = request.headers.get("hx-current-url", "").rstrip("/").endswith("/recurring")
    source = RecurringSource(workspace_id, "" if is_list else recurring_id, station)
    return HTMLResponse(changed_blocks({}, await source.load()) + toast(station, Toast(said)))


def _to_the_list(request: Request) -> Response:
    if is_htmx(request):
        return Response(status_code=200, headers={"HX-Redirect": "/recurring"})
    return RedirectResponse("/recurring", 303)


def _typed(posted: Posted, agents: tuple[Plate, ...]) -> RecurringForm:
    return RecurringForm(
        command_id=posted.command_id,
        agents=agents,
        title=posted.text("title"),
        brief=posted.text("brief"),
        cron=posted.text("cron")[:LONGEST] or "0 9 * * 1-5",
        time_zone=posted.text("time_zone")[:LONGEST] or "UTC",
        agent=posted.text("agent"),
        needs=posted.text("needs"),
        priority=posted.number("priority", 3),
        overlap=posted.text("overlap") or "skip",
    )


def _timed(station: Station, form: RecurringForm) -> RecurringForm:
    try:
        return replace(form, times=next_times(form.cron, form.time_zone, station.clock.now_ms()))
    except ValueError as error:
        return replace(form, problem=str(error))


async def _form(
    request: Request, station: Station, person: Person, form: RecurringForm, status: int = 200
) -> HTMLResponse:
    async with station.control.reading() as session:
        form = replace(form, agents=await plates_of(session, person.workspace_id))
    frame = await make_frame(request, station, person, "recurring")
    return HTMLResponse(station.renderer.page("recurring/new.html", frame=frame, form=form), status)
