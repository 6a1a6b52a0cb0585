"""The gateway as a process of its own, in front of replayed providers of every dialect."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.replaying_upstream import Asked, Upstream

KEY, PROVIDER_KEY = "client-key-0123456789", "sk-of-the-provider"
# A model of each dialect: who is asked for is who answers.
MODELS = {
    "openai": "gpt-5-mini",
    "responses": "gpt-5-codex",
    "anthropic": "claude-haiku-4-5",
    "gemini": "gemini-2.5-pro",
    "bedrock": "eu.anthropic.claude-sonnet-4-5",
    "cohere": "command-a-03-2025",
}
ANSWER = "Grüße aus Oslo: 12 °C."
THOUGHT = "The person wants the weather."
CALLED = [("weather", {"city": "Oslo"}), ("now", {})]
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
NOTHING: dict[str, Any] = {"type": "object", "properties": {}}
RESULT = "12 degrees; play: text"

every_provider = pytest.mark.parametrize("provider", MODELS)


@dataclass
class Gateway:
    """`url` speaks; what the providers were asked and what the log says is there to look at."""

    url: str
    upstream: Upstream
    log: Path

    @property
    def asked(self) -> Asked:
        """The last request that a provider got."""
        return self.upstream.asked[-1]

    @property
    def ended(self) -> dict[str, Any]:
        """The last call's end, as it was logged before its answer's last byte."""
        records = [json.loads(line) for line in self.log.read_text("utf-8").splitlines()]
        return [record for record in records if record["type"] == "call_ended"][-1]


@contextmanager
def gateway_process(folder: Path, port: int, upstream: Upstream) -> Iterator[Gateway]:
    config, log = folder / "proxy.yaml", folder / "calls.jsonl"
    config.write_text(json.dumps(_settings(folder, port, upstream)), "utf-8")  # JSON is YAML
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    arguments = [sys.executable, "-m", "proxy", "serve", "--config", str(config), "--log", str(log)]
    process = subprocess.Popen(arguments, env=environment)
    try:
        _await_port(process, port)
        yield Gateway(f"http://127.0.0.1:{port}", upstream, log)
    finally:
        process.terminate()
        process.wait(15)


def _settings(folder: Path, port: int, upstream: Upstream) -> dict[str, Any]:
    providers = {
        f"a-{dialect}": {
            "dialect": dialect, "base_url": upstream.base_url(dialect), "api_key": PROVIDER_KEY, "models": [model]
        }
        for dialect, model in MODELS.items()
    }  # fmt: skip
    return {
        "listen": {"port": port},
        "keys": [{"name": "client", "key": KEY}],
        "state": str(folder / "state"),
        "providers": providers,
    }


def _await_port(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
        except ConnectionError:
            time.sleep(0.05)
        else:
            return
        finally:
            connection.close()
    raise AssertionError("the gateway did not start")
