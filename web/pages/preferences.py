"""Theme and width of the navigation: kept in this browser, switched by the server when no script does it."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from web.frame import NAV_COOKIE, THEME_COOKIE, look_of

router = APIRouter(prefix="/preferences")

_YEAR_SECONDS = 365 * 86_400


@router.post("/theme")
async def switch_theme(request: Request) -> Response:
    """Light to dark and back. Without scripts we cannot ask what the system prefers: the first switch goes to dark."""
    return _kept(request, THEME_COOKIE, "light" if look_of(request).theme == "dark" else "dark")


@router.post("/nav")
async def switch_navigation(request: Request) -> Response:
    """Narrow and wide."""
    return _kept(request, NAV_COOKIE, "wide" if look_of(request).nav == "narrow" else "narrow")


def _kept(request: Request, name: str, value: str) -> Response:
    referer = request.headers.get("referer", "")
    response = RedirectResponse(referer if referer.startswith(str(request.base_url)) else "/", 303)
    response.set_cookie(name, value, max_age=_YEAR_SECONDS, samesite="lax", path="/")
    return response
