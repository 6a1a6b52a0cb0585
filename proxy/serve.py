"""Runs the proxy's ASGI callable in uvicorn, the way it was measured (bench/README.md)."""

import gc

import uvicorn

from proxy.app import Application
from proxy.front import Front

GRACE_SECONDS = 8  # for calls in flight at SIGTERM; what is left then is cut, and recorded as interrupted
KEEP_ALIVE_SECONDS = 75  # longer than the pools of common clients hold a connection, so that they close it, not we


def serve(app: Application, host: str, port: int, *, backlog: int = 2048) -> None:
    """Blocks until SIGTERM or SIGINT. Killed: connections are cut, records are safe, see `proxy/app.py`."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=Front,
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,  # nobody stands in front, and forwarded headers are not believed
        backlog=backlog,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    gc.collect()
    gc.freeze()  # what is loaded now stays: the collector need not look at it again during calls
    uvicorn.Server(config).run()
