"""One agent: its page, what can be done to it, and its keys."""

import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pointsman.contract import IdPrefix, KeyKind, new_id

from controlplane.access.keys import create_key, revoke_key
from controlplane.access.people import Person
from controlplane.queries.agent import AgentPage
from controlplane.queries.agent_view import KINDS, AgentView
from web.agent_verbs import AgentVerb, find_agent_verb
from web.frame import make_frame
from web.live.blocks import changed_blocks
from web.live.fleet import AgentSource, FleetSource
from web.pages.access import Signed, Stationed
from web.pages.posted import Posted, PostedForm
from web.pages.replies import Toast, came_from, is_htmx, toast
from web.station import Station

router = APIRouter(prefix="/agents/{name}")


@dataclass(frozen=True, slots=True)
class AgentForm:
    """The form of one verb, as it is shown."""

    verb: AgentVerb
    agent: AgentView
    command_id: str


@router.get("", response_class=HTMLResponse)
async def show_agent(request: Request, station: Stationed, person: Signed, name: str) -> HTMLResponse:
    """Everything about one agent."""
    found = await _load(station, person, name)
    source = AgentSource(person.workspace_id, found.agent.agent_id, station)
    await station.hub.channel(source)
    frame = await make_frame(request, station, person, "fleet", f"/live/agents/{found.agent.agent_id}")
    page = await source.view() or found
    return HTMLResponse(station.renderer.page("fleet/agent_page.html", frame=frame, page=page))


@router.get("/actions", response_class=HTMLResponse)
async def show_actions(request: Request, station: Stationed, person: Signed, name: str) -> HTMLResponse:
    """What can be done with it, from its line in the fleet."""
    agent = (await _load(station, person, name)).agent
    return await _shown(request, station, person, "actions", agent)


@router.get("/operate/{verb_name}", response_class=HTMLResponse)
async def show_form(request: Request, station: Stationed, person: Signed, name: str, verb_name: str) -> HTMLResponse:
    """The form of one verb: a page, or with scripts a dialog's content."""
    verb = find_agent_verb(verb_name)
    if verb is None:
        raise HTTPException(404)
    agent = (await _load(station, person, name)).agent
    if not verb.when(agent):
        raise HTTPException(409, f"{verb.label} is not possible now: {agent.plate.title} has changed since.")
    return await _shown(request, station, person, "verb", AgentForm(verb, agent, new_id(IdPrefix.COMMAND)))


async def _shown(request: Request, station: Station, person: Person, macro: str, form: object) -> HTMLResponse:
    shown = station.renderer.part("fleet/forms.html", macro, form)
    if is_htmx(request):
        return HTMLResponse(shown)
    frame = await make_frame(request, station, person, "fleet")
    return HTMLResponse(station.renderer.page("fleet/form_page.html", frame=frame, macro=macro, form=form))


@router.post("/pause")
async def pause(request: Request, station: Stationed, person: Signed, name: str, posted: PostedForm) -> Response:
    """It takes no new work."""
    await station.commands.pause_agent(person.actor, name, posted.text("reason"), person.workspace_id)
    return await _done(request, station, person, name, "Paused {}.")


@router.post("/resume")
async def resume(request: Request, station: Stationed, person: Signed, name: str) -> Response:
    """It may work again."""
    await station.commands.resume_agent(person.actor, name, person.workspace_id)
    return await _done(request, station, person, name, "{} may work again.")


@router.post("/freeze")
async def freeze(request: Request, station: Stationed, person: Signed, name: str, posted: PostedForm) -> Response:
    """At once, with everything it holds."""
    reason = posted.text("reason")
    await station.commands.freeze(person.actor, posted.command_id, "agent", name, reason, person.workspace_id)
    return await _done(request, station, person, name, "Froze {}.")


@router.post("/thaw")
async def thaw(request: Request, station: Stationed, person: Signed, name: str, posted: PostedForm) -> Response:
    """It goes on."""
    reason = posted.text("reason")
    await station.commands.thaw(person.actor, posted.command_id, "agent", name, reason, person.workspace_id)
    return await _done(request, station, person, name, "Thawed {}.")


@router.post("/edit")
async def edit(request: Request, station: Stationed, person: Signed, name: str, posted: PostedForm) -> Response:
    """What it can do, and how much at once."""
    await station.commands.edit_agent(
        person.workspace_id,
        name,
        capabilities=posted.words("capabilities"),
        max_concurrency=posted.number("max_concurrency", 0),
    )
    return await _done(request, station, person, name, "Saved for {}.")


@router.post("/retire")
async def retire(request: Request, station: Stationed, person: Signed, name: str) -> Response:
    """It takes no new work ever."""
    await station.commands.retire_agent(person.actor, name, person.workspace_id)
    return await _done(request, station, person, name, "Retired {}. What it holds it may finish.")


@router.post("/keys", response_class=HTMLResponse)
async def new_key(request: Request, station: Stationed, person: Signed, name: str, posted: PostedForm) -> Response:
    """Makes a key, which only this answer shows; sent again under the same id it is the same key."""
    agent = (await _load(station, person, name)).agent
    plain = await _make_key(station, person, agent, posted)
    shown = (agent, plain, station.settings)
    if is_htmx(request):
        return HTMLResponse(station.renderer.part("fleet/forms.html", "made_key", shown))
    frame = await make_frame(request, station, person, "fleet")
    return HTMLResponse(station.renderer.page("fleet/form_page.html", frame=frame, macro="made_key", form=shown))


async def _make_key(station: Station, person: Person, agent: AgentView, posted: Posted) -> str:
    # As the API derives it: who asks again can be answered, who reads the database cannot.
    seed = f"key|{KeyKind.AGENT}|{posted.command_id}".encode()
    secret = hmac.new(station.commands.master_key, seed, hashlib.sha256).digest()
    async with station.control.transaction() as session:
        return await create_key(
            session,
            KeyKind.AGENT,
            person.workspace_id,
            posted.text("name") or agent.plate.name,
            station.clock.now_ms(),
            agent.agent_id,
            secret,
        )


@router.post("/keys/{key_id}/revoke")
async def revoke(request: Request, station: Stationed, person: Signed, name: str, key_id: str) -> Response:
    """The key stops working: here at once, at the gateway within a second."""
    async with station.control.transaction() as session:
        await revoke_key(session, person.workspace_id, key_id, station.clock.now_ms())
    return await _done(request, station, person, name, "A key of {} is revoked.")


async def _load(station: Station, person: Person, name: str) -> AgentPage:
    page = await AgentSource(person.workspace_id, name, station).view()
    if page is None:
        raise HTTPException(404, f"There is no agent {name!r}.")
    return page


async def _done(request: Request, station: Station, person: Person, name: str, sentence: str) -> Response:
    """Back to where the click came from, or what changed there, and a line that says so."""
    agent = (await _load(station, person, name)).agent
    if not is_htmx(request):
        return RedirectResponse(came_from(request, f"/agents/{agent.plate.name}"), 303)
    current = urlsplit(request.headers.get("hx-current-url", ""))
    kind = parse_qs(current.query).get("kind", [""])[-1]
    source = (
        AgentSource(person.workspace_id, agent.agent_id, station)
        if current.path.startswith("/agents/")
        else FleetSource(person.workspace_id, kind if kind in KINDS else "", station)
    )
    blocks = changed_blocks({}, await source.load())
    return HTMLResponse(blocks + toast(station, Toast(sentence.format(agent.plate.title))))
