"""The fleet: every agent with what it has and how it is, and the form that makes a new one."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pointsman.contract import IdPrefix, new_id

from controlplane.access.agents import agent_name, find_agent, register_agent
from controlplane.access.people import Person
from controlplane.access.templates import Template, find_template, templates_of
from controlplane.queries.agent_view import KINDS
from web.frame import make_frame
from web.live.fleet import FleetSource
from web.pages.access import Signed, Stationed
from web.pages.posted import Posted, PostedForm
from web.pages.replies import is_htmx
from web.rendering import partial
from web.station import Station

router = APIRouter()


@dataclass(frozen=True, slots=True)
class NewAgentForm:
    """The form for a new agent, empty or as it was sent."""

    templates: tuple[Template, ...]
    command_id: str
    name: str = ""
    template: str = ""
    capabilities: str = ""
    error: str = ""


@router.get("/agents", response_class=HTMLResponse)
async def show_fleet(request: Request, station: Stationed, person: Signed, kind: str = "") -> HTMLResponse:
    """Every agent, those that need attention first."""
    wanted = kind if kind in KINDS else ""
    source = FleetSource(person.workspace_id, wanted, station)
    await station.hub.channel(source)
    frame = await make_frame(request, station, person, "fleet", "/live/agents", {"kind": wanted} if wanted else None)
    page = station.renderer.page("fleet/page.html", frame=frame, view=await source.view())
    return HTMLResponse(page)


@router.get("/new-agent", response_class=HTMLResponse)
async def show_new_agent(request: Request, station: Stationed, person: Signed) -> HTMLResponse:
    """The form: a page, or with scripts a dialog's content."""
    return await _form(request, station, person, NewAgentForm(await _templates(station, person), _fresh()))


@router.post("/agents")
async def create(request: Request, station: Stationed, person: Signed, posted: PostedForm) -> Response:
    """A new agent, from a template where one is chosen; its page is the answer, where its first key is made."""
    try:
        name = await _register(station, person, posted)
    except ValueError as error:
        form = NewAgentForm(
            await _templates(station, person),
            posted.command_id,
            posted.text("name"),
            posted.text("template"),
            posted.text("capabilities"),
            str(error),
        )
        return await _form(request, station, person, form, 409)
    address = f"/agents/{name}"
    if is_htmx(request):
        return Response(status_code=200, headers={"HX-Redirect": address})
    return RedirectResponse(address, 303)


async def _register(station: Station, person: Person, posted: Posted) -> str:
    """The agent's name. Raises ValueError with a sentence for the person."""
    name = agent_name(posted.text("name"))
    chosen = posted.text("template")
    given = tuple(dict.fromkeys(word.lower() for word in posted.words("capabilities")))
    async with station.control.transaction() as session:
        template = await find_template(session, person.workspace_id, chosen) if chosen else None
        if await find_agent(session, person.workspace_id, name) is not None:
            raise ValueError(f"There is an agent called {name!r} already.")
        made = await register_agent(
            session,
            person.workspace_id,
            name,
            station.clock.now_ms(),
            capabilities=given or (template.capabilities if template else ()),
            template=template.name if template else None,
            max_concurrency=template.max_concurrency if template else None,
        )
        return made.name


async def _templates(station: Station, person: Person) -> tuple[Template, ...]:
    async with station.control.reading() as session:
        return tuple(await templates_of(session, person.workspace_id))


async def _form(
    request: Request, station: Station, person: Person, form: NewAgentForm, status: int = 200
) -> HTMLResponse:
    if is_htmx(request):
        shown = station.renderer.part("fleet/forms.html", "new_agent", form)
        is_again = request.method == "POST"
        return HTMLResponse(partial("#new-agent", "outerHTML", shown) if is_again else shown, status)
    frame = await make_frame(request, station, person, "fleet")
    return HTMLResponse(station.renderer.page("fleet/new.html", frame=frame, form=form), status)


def _fresh() -> str:
    return new_id(IdPrefix.COMMAND)
