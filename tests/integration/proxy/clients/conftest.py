"""One gateway for all clients of a test process."""

import os
import socket
from collections.abc import Iterator

import pytest

from tests.fakes.replaying_upstream import replaying_upstream
from tests.integration.proxy.clients.gateway import Gateway, gateway_process

FOREIGN_PREFIXES = ("LANGSMITH_", "LANGCHAIN_", "OPENAI_", "ANTHROPIC_", "GOOGLE_", "GEMINI_", "MISTRAL_")


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Free of what the developer's own environment says to the vendors' libraries."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("gateway")
    with pytest.MonkeyPatch.context() as environment:
        for name in list(os.environ):
            if name.startswith(FOREIGN_PREFIXES):
                environment.delenv(name)
        with replaying_upstream() as upstream, gateway_process(folder, port, upstream) as found:
            yield found


@pytest.fixture(autouse=True)
def _fresh_upstream(gateway: Gateway) -> None:
    gateway.upstream.asked.clear()
    gateway.upstream.limited.clear()
