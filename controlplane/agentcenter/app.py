"""Puts the endpoints together. `web` mounts them at `/api`, beside our own at `/api/v1`."""

from fastapi import FastAPI

from controlplane.agentcenter import events, heartbeat, tasks
from controlplane.api.deps import ApiDeps
from controlplane.api.problems import answer_problems
from controlplane.api.requests import Requests


def create_agentcenter(deps: ApiDeps) -> FastAPI:
    """The ASGI application. Its errors are ours: problems with a stable `code`."""
    app = FastAPI(title="AgentCenter's endpoints", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.deps = deps
    for module in (tasks, events, heartbeat):
        app.include_router(module.router)
    answer_problems(app)
    app.add_middleware(Requests)
    return app
