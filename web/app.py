"""Puts the pages together. No processes, no environment: `web/main.py` hands in what they work with."""

from fastapi import FastAPI
from pointsman.contract import API_PREFIX
from starlette.types import ASGIApp

from web.assets import StaticPages
from web.guard import Guard
from web.live import stream
from web.pages import (
    agents,
    board,
    calls,
    commands,
    contents,
    fleet,
    freezing,
    health,
    inbox,
    naming,
    operate,
    preferences,
    recurring,
    reviewing,
    sign_in,
    tasks,
)
from web.pages.errors import add_error_pages
from web.station import Station


def create_pages(station: Station, api: ASGIApp | None = None, agentcenter: ASGIApp | None = None) -> FastAPI:
    """The application: pages, live streams, static files, and the JSON APIs beside them when there are any."""
    app = FastAPI(title="Pointsman", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.station = station
    for part in (
        *(board, tasks, contents, commands, operate, reviewing, naming),
        *(calls, inbox, fleet, agents, recurring, freezing, sign_in, preferences, health),
    ):
        app.include_router(part.router)
    app.include_router(stream.router)
    if api is not None:
        app.mount(API_PREFIX, api)
    if agentcenter is not None:
        app.mount("/api", agentcenter)
    app.mount("/static", StaticPages(station.assets))
    app.add_middleware(Guard, passed="/api/")
    add_error_pages(app)
    return app
