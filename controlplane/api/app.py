"""Puts the API together. `web` mounts it at `/api/v1`; it has no pages of its own."""

import asyncio
from types import ModuleType
from typing import Any

from fastapi import FastAPI, Request, Response

from controlplane.api import (
    agent_verbs,
    agents,
    blockers,
    channel,
    deliverables,
    holds,
    insight,
    keys,
    notes,
    offers,
    operations,
    people,
    recurring,
    reviews,
    run_questions,
    run_state,
    runs,
    talk,
    task_verbs,
    tasks,
    uploads,
)
from controlplane.api.deps import ApiDeps
from controlplane.api.openapi import describe
from controlplane.api.problems import answer_problems
from controlplane.api.requests import Requests
from controlplane.api.views import answer

# In the order of their paths: `/agents/me/…` is asked before `/agents/{agent}/…`.
ROUTERS: tuple[ModuleType, ...] = (
    tasks,
    task_verbs,
    holds,
    blockers,
    reviews,
    talk,
    insight,
    deliverables,
    offers,
    runs,
    run_questions,
    run_state,
    notes,
    agents,
    agent_verbs,
    people,
    operations,
    recurring,
    uploads,
    keys,
    channel,
)


def create_api(deps: ApiDeps) -> FastAPI:
    """The ASGI application. `/openapi.json` describes it; there is no page for that, which would need a CDN."""
    app = _application()
    app.add_api_route("/openapi.json", _document, include_in_schema=False)
    app.state.deps = deps
    answer_problems(app)
    app.add_middleware(Requests)
    return app


def openapi_document() -> dict[str, Any]:
    """What describes the API, without one that runs."""
    return describe(_application())


async def _document(request: Request) -> Response:
    """For everybody, without a key. Made beside the loop, for it takes half a second, and kept."""
    app: FastAPI = request.app
    if app.openapi_schema is None:
        app.openapi_schema = await asyncio.to_thread(describe, app)
    return answer(app.openapi_schema)


def _application() -> FastAPI:
    app = FastAPI(
        title="Pointsman",
        openapi_url=None,
        redirect_slashes=False,
        default_response_class=Response,
    )
    for module in ROUTERS:
        app.include_router(module.router)
    return app
