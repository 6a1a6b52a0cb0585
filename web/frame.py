"""The frame around a page: navigation, top bar, and the live stream that the page follows."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Request

from controlplane.access.people import Person
from controlplane.queries.shell import ShellView
from web.live.shell import ShellSource
from web.station import Station

THEMES = ("light", "dark")
THEME_COOKIE = "pointsman_theme"
NAV_COOKIE = "pointsman_nav"


@dataclass(frozen=True, slots=True)
class Look:
    """How this browser wants pages; before sign-in there is nothing else to know."""

    theme: str = ""
    nav: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """What `frame/base.html` shows around a page. `seq` is the change up to which the page is true."""

    page: str
    user: Person
    shell: ShellView
    seq: int
    live_url: str
    theme: str
    nav: str
    search: str = ""


def look_of(request: Request) -> Look:
    """This browser's preferences, from its cookies."""
    theme, nav = request.cookies.get(THEME_COOKIE, ""), request.cookies.get(NAV_COOKIE, "")
    return Look(theme if theme in THEMES else "", nav if nav == "narrow" else "")


async def make_frame(
    request: Request,
    station: Station,
    person: Person,
    page: str,
    live_path: str = "/live/frame",
    query: Mapping[str, str] | None = None,
    search: str = "",
) -> Frame:
    """A frame; read before the page's own view, so that `seq` is never newer than what the page shows."""
    source = ShellSource(person.workspace_id, person.user_id, station)
    await station.hub.channel(source)
    seq = station.hub.last_seq
    look = look_of(request)
    return Frame(
        page=page,
        user=person,
        shell=await source.load(),
        seq=seq,
        live_url=f"{live_path}?{urlencode({**(query or {}), 'after': seq})}",
        theme=look.theme,
        nav=look.nav,
        search=search,
    )
