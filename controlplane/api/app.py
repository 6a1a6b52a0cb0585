"""Puts the API together. `web` mounts it at `/api/v1`; it has no pages of its own."""

from fastapi import FastAPI

from controlplane.api import agents, channel, deliverables, keys, offers, reading, runs, tasks, uploads
from controlplane.api.deps import ApiDeps
from controlplane.api.problems import answer_problems
from controlplane.api.requests import Requests


def create_api(deps: ApiDeps) -> FastAPI:
    """The ASGI application. `/openapi.json` describes it; there is no page for that, which would need a CDN."""
    app = FastAPI(
        title="Pointsman",
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.deps = deps
    for module in (tasks, reading, deliverables, agents, keys, offers, runs, uploads, channel):
        app.include_router(module.router)
    answer_problems(app)
    app.add_middleware(Requests)
    return app
