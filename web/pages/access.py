"""Who is looking, and what every route works with, as FastAPI dependencies."""

from typing import Annotated

from fastapi import Depends, Request, Response

from controlplane.access.people import Person
from controlplane.access.sessions import COOKIE, SECURE_COOKIE, SESSION_MS, find_signed_in
from web.station import Station


class NotSignedIn(Exception):  # noqa: N818 - answered with the way to the door
    """Nobody has signed in on this browser, or the session has ended."""


def station_of(request: Request) -> Station:
    """The station that `web/main.py` put into the application."""
    station: Station = request.app.state.station
    return station


async def signed_in(request: Request) -> Person:
    """The person who holds the session cookie. Raises NotSignedIn."""
    token = session_token(request)
    station = station_of(request)
    if token:
        async with station.control.reading() as session:
            person = await find_signed_in(session, token, station.clock.now_ms())
        if person is not None:
            return person
    raise NotSignedIn


Stationed = Annotated[Station, Depends(station_of)]
Signed = Annotated[Person, Depends(signed_in)]


def session_token(request: Request) -> str:
    """The token in the cookie, empty if there is none."""
    return request.cookies.get(_cookie_name(request), "")


def _cookie_name(request: Request) -> str:
    return SECURE_COOKIE if request.url.scheme == "https" else COOKIE


def keep_session(request: Request, response: Response, token: str) -> None:
    """Gives the browser its session."""
    response.set_cookie(
        _cookie_name(request),
        token,
        max_age=SESSION_MS // 1000,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
        path="/",
    )


def end_session(request: Request, response: Response) -> None:
    response.delete_cookie(_cookie_name(request), path="/", httponly=True, samesite="lax")
