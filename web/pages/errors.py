"""Every failure as a page or a fragment: whose fault, and what to do. Nothing internal reaches a browser."""

import logging
from urllib.parse import quote

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from pointsman.contract import ErrorCode, IdPrefix, new_id
from starlette.exceptions import HTTPException as StarletteHTTPException

from controlplane.commands.desk import CommandRefused
from controlplane.ports import EngineUnavailable
from web.pages.access import NotSignedIn, station_of
from web.pages.replies import ErrorPage, engine_away, error_page, is_htmx, refused

log = logging.getLogger(__name__)

_TITLES = {403: "Not allowed", 404: "Nothing is here", 405: "Not possible", 413: "Too large"}
_SENTENCES = {404: "The address is wrong, or what it named is gone.", 405: "This page cannot be asked that way."}
_STATUS = {ErrorCode.NOT_FOUND: 404, ErrorCode.FORBIDDEN: 403, ErrorCode.INVALID_REQUEST: 400}


def add_error_pages(app: FastAPI) -> None:
    """Teaches the application how to answer what its routes raise."""
    app.add_exception_handler(NotSignedIn, _to_the_door)
    app.add_exception_handler(CommandRefused, _refusal)
    app.add_exception_handler(EngineUnavailable, _engine)
    app.add_exception_handler(StarletteHTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _internal)


async def _to_the_door(request: Request, _error: Exception) -> Response:
    if request.url.path.startswith("/live/"):
        return Response(status_code=401)
    if is_htmx(request):
        return Response(status_code=200, headers={"HX-Redirect": "/sign-in"})
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    goal = f"?next={quote(wanted)}" if request.method == "GET" and wanted != "/" else ""
    return RedirectResponse(f"/sign-in{goal}", 303)


async def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, CommandRefused)  # noqa: S101 - registered for this type
    status = _STATUS.get(error.refusal.code, 409)
    return refused(request, station_of(request), status, error.refusal.message)


async def _engine(request: Request, _error: Exception) -> Response:
    return engine_away(request, station_of(request))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)  # noqa: S101 - registered for this type
    status = error.status_code
    sentence = error.detail if isinstance(error, HTTPException) and error.detail not in _GENERIC else ""
    if is_htmx(request):
        return refused(request, station_of(request), status, sentence or _SENTENCES.get(status, "That did not work."))
    page = ErrorPage(
        _TITLES.get(status, "That did not work"), sentence or _SENTENCES.get(status, "Go back and try again.")
    )
    return error_page(request, station_of(request), status, page)


_GENERIC = frozenset({"Not Found", "Method Not Allowed", "Bad Request", "Forbidden"})


async def _invalid(request: Request, _error: Exception) -> Response:
    return refused(request, station_of(request), 400, "The address holds a value that makes no sense.")


async def _internal(request: Request, error: Exception) -> Response:
    request_id = new_id(IdPrefix.REQUEST)
    log.error("a page failed", extra={"request_id": request_id, "path": request.url.path}, exc_info=error)
    sentence = "This is our fault, not yours. It has been written to the log under the number below."
    if is_htmx(request):
        return refused(request, station_of(request), 500, f"{sentence} {request_id}")
    page = ErrorPage("Something broke", sentence, request_id=request_id)
    return error_page(request, station_of(request), 500, page)
