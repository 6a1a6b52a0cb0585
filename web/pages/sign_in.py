"""The door: password or one-time link in, a button out."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from controlplane.access.sessions import TooManyTries, sign_in, sign_out, use_sign_in_link
from web.frame import look_of
from web.pages.access import NotSignedIn, Stationed, end_session, keep_session, session_token, signed_in
from web.pages.posted import PostedForm
from web.station import Station

router = APIRouter()


@dataclass(frozen=True, slots=True)
class SignInForm:
    """The form as it is shown."""

    next: str = "/"
    email: str = ""
    error: str = ""
    notice: str = ""
    notice_signal: str = "human"


@router.get("/sign-in", response_class=HTMLResponse)
async def show_sign_in(request: Request, station: Stationed, next: str = "/") -> Response:  # noqa: A002 - the query's name
    """The form; whoever is in already goes on."""
    try:
        await signed_in(request)
    except NotSignedIn:
        return _page(request, station, SignInForm(next=_inside(next)), 200)
    return RedirectResponse(_inside(next), 303)


@router.post("/sign-in", response_class=HTMLResponse)
async def enter(request: Request, station: Stationed, posted: PostedForm) -> Response:
    """By password."""
    email, goal = posted.text("email"), _inside(posted.text("next"))
    try:
        token = await sign_in(station.control, email, posted.fields.get("password", ""), station.clock.now_ms())
    except TooManyTries:
        error = "Too many wrong passwords for this address. Wait a quarter of an hour, or use a sign-in link."
        return _page(request, station, SignInForm(goal, email, error), 429)
    if token is None:
        error = "E-mail and password do not match."
        return _page(request, station, SignInForm(goal, email, error), 401)
    response = RedirectResponse(goal, 303)
    keep_session(request, response, token)
    return response


@router.get("/sign-in/{token}", response_class=HTMLResponse)
async def follow_link(request: Request, station: Stationed, token: str) -> Response:
    """By the link from the console, which works once."""
    async with station.control.transaction() as session:
        started = await use_sign_in_link(session, token, station.clock.now_ms())
    if started is None:
        try:
            await signed_in(request)
        except NotSignedIn:
            notice = "This link was used already, or has expired. Get a new one as below."
            return _page(request, station, SignInForm(notice=notice), 410)
        return RedirectResponse("/", 303)
    response = RedirectResponse("/", 303)
    keep_session(request, response, started)
    return response


@router.post("/sign-out")
async def leave(request: Request, station: Stationed) -> Response:
    """The session ends here and in the database."""
    token = session_token(request)
    if token:
        async with station.control.transaction() as session:
            await sign_out(session, token)
    response = RedirectResponse("/sign-in", 303)
    end_session(request, response)
    return response


def _page(request: Request, station: Station, form: SignInForm, status: int) -> HTMLResponse:
    page = station.renderer.page("frame/signin.html", frame=look_of(request), form=form)
    return HTMLResponse(page, status)


def _inside(path: str) -> str:
    """A path of ours; anything that could lead elsewhere is the board."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and "\n" not in path
    return path if is_ours and not path.startswith("/sign-") else "/"
