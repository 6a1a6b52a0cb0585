"""Recorded exchanges through the running gateway: passed, they are equal to the byte; translated, they say the same."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import orjson
import pytest

from proxy.canonical.answer import Answer
from proxy.canonical.folding import fold
from proxy.canonical.parts import Refusal, Text, ToolCall
from proxy.dialects.registry import codec
from proxy.errors import Dialect
from proxy.ports import Policy, Provider
from tests.integration.proxy.fake_provider import Asked, FakeProvider, Wire, whole
from tests.integration.proxy.running import PROVIDER_KEY, Running, proxied
from tests.unit.proxy.dialects.recorded import exchanges_of, needs_recordings

CLIENTS: tuple[Dialect, ...] = ("openai", "responses", "anthropic", "gemini")
APIS: dict[Dialect, tuple[str, str]] = {
    "openai": ("openai", "chat_completions"),
    "responses": ("openai", "responses"),
    "anthropic": ("anthropic", "messages"),
    "gemini": ("gemini", "generate_content"),
}
PATHS = {"openai": "/v1/chat/completions", "responses": "/v1/responses", "anthropic": "/v1/messages"}


@dataclass
class Recorded:
    """One exchange: what was asked, and the bytes that came back."""

    id: str
    body: dict[str, Any]
    model: str
    is_stream: bool
    is_sse: bool
    status: int
    answer: bytes

    def path(self, client: Dialect) -> str:
        if client != "gemini":
            return PATHS[client]
        return f"/v1beta/models/{self.model}:{'streamGenerateContent?alt=sse' if self.is_stream else 'generateContent'}"


def recorded(dialect: Dialect) -> list[Recorded]:
    return [one for exchange in exchanges_of(*APIS[dialect]) if (one := _read(exchange)) is not None]


def _read(exchange: dict[str, Any]) -> Recorded | None:
    request, response = exchange["request"] or {}, exchange["response"]
    body, path = request.get("body"), request.get("path", "")
    if not isinstance(body, dict) or not {"body", "sse_text"} & set(response):
        return None
    is_sse = "sse_text" in response
    answer = response["sse_text"].encode() if is_sse else orjson.dumps(response["body"])
    model = str(body.get("model") or path.rpartition("/models/")[2].partition(":")[0] or "m")
    is_stream = bool(body.get("stream")) or "streamGenerateContent" in path
    if is_stream and response["status"] == 200 and not is_sse:
        return None  # Google's arrays: tests/unit/proxy/dialects/gemini
    return Recorded(exchange["id"], body, model, is_stream, is_sse, response["status"] or 200, answer)


@asynccontextmanager
async def replaying(tmp_path: Path, dialect: Dialect) -> AsyncIterator[tuple[FakeProvider, Running]]:
    """A provider of this dialect, and of no other, that answers as `play` tells it to."""

    def one(policy: Policy) -> Policy:
        kind = dialect if dialect in {"anthropic", "gemini"} else "openai-compatible"
        return replace(
            policy, providers=(Provider("one", dialect, policy.providers[0].base_url, PROVIDER_KEY, kind=kind),)
        )

    async def silent(_: Asked, wire: Wire) -> None:
        wire.cut()

    async with proxied(tmp_path, silent, change=one) as (provider, proxy):
        yield provider, proxy


def play(provider: FakeProvider, one: Recorded) -> None:
    kind = "text/event-stream" if one.is_sse else "application/json"
    answer = whole(one.answer, f"{one.status} Recorded", f"content-type: {kind}")

    async def script(_: Asked, wire: Wire) -> None:
        await wire.send(answer)

    provider.script = script


@needs_recordings
@pytest.mark.parametrize("dialect", CLIENTS)
async def test_in_its_own_dialect_each_recorded_answer_passes_byte_by_byte(tmp_path: Path, dialect: Dialect) -> None:
    differing, count = [], 0
    async with replaying(tmp_path, dialect) as (provider, proxy):
        for one in recorded(dialect):
            if (
                dialect == "openai"
                and one.is_stream
                and not (one.body.get("stream_options") or {}).get("include_usage")
            ):
                continue  # where usage is taken out again: test_passing_through.py
            play(provider, one)
            response = await proxy.ask(orjson.dumps(one.body), path=one.path(dialect))
            count += 1
            if (response.status, response.body) != (one.status, one.answer):
                differing.append(one.id)

    assert count > 50
    assert differing == []


@needs_recordings
@pytest.mark.parametrize(("dialect", "client"), list(permutations(CLIENTS, 2)))
async def test_in_another_dialect_each_recorded_answer_says_the_same(
    tmp_path: Path, client: Dialect, dialect: Dialect
) -> None:
    differing, count = [], 0
    async with replaying(tmp_path, dialect) as (provider, proxy):
        for one in recorded(dialect)[::3]:
            asked = codec(dialect).parse_request(one.body, one.model, is_stream=one.is_stream)
            if not asked.messages:
                continue
            asked.includes_usage = one.is_stream
            body = codec(client).render_request(asked).body
            if client != "gemini":
                body.update(model=one.model, stream=one.is_stream)
            play(provider, one)
            response = await proxy.ask(orjson.dumps(body), path=one.path(client))
            count += 1
            assert response.headers["x-request-id"], one.id
            if one.status >= 400:
                assert response.status >= 400, one.id
            elif said(client, response.body) != said(dialect, one.answer):
                differing.append(one.id)

    assert count > 15
    assert len(differing) <= max(1, count * 0.01), differing  # a custom tool's free text becomes an object elsewhere


def said(dialect: Dialect, body: bytes) -> object:
    """Text, calls with their arguments, and usage, whole or streamed."""
    if not body.startswith((b"{", b"[")):
        decoder = codec(dialect).decoder()
        found = fold([*decoder.feed(body), *decoder.close()], dialect)
        if not isinstance(found, Answer):
            return None
    else:
        found = codec(dialect).parse_answer(orjson.loads(body))
    parts = found.choices[0].parts if found.choices else []
    calls = [(one.name, _value(one.arguments)) for one in parts if isinstance(one, ToolCall) and one.kind == "function"]
    usage = found.usage
    tokens = (
        (usage.input + usage.cache_read + usage.cache_write_5m + usage.cache_write_1h, usage.output) if usage else None
    )
    return "".join(one.text for one in parts if isinstance(one, Text | Refusal)), calls, tokens or (0, 0)


def _value(arguments: str) -> object:
    try:
        return orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments
