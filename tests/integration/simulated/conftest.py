"""The simulated server on a real socket, in this process."""

import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn

from proxy.simulated.app import SimulatedServer


@pytest.fixture
def base_url() -> Iterator[str]:
    """Where the simulated server listens."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(SimulatedServer("fast"), lifespan="off", log_level="critical", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="simulated")
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()
