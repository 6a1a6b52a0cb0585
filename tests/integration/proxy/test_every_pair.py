"""Each dialect that a client may speak over each that a provider may speak, through the running gateway."""

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest

from proxy.canonical.answer import Answer, Choice
from proxy.canonical.folding import fold, unfold
from proxy.canonical.parts import Part, Text, ToolCall
from proxy.canonical.request import Message, Request, Tool
from proxy.dialects.codec import Opening
from proxy.dialects.registry import codec
from proxy.errors import Dialect
from proxy.ports import Policy, Provider
from proxy.records import Usage
from tests.integration.proxy.fake_provider import LAST_CHUNK, Asked, Script, Wire, chunk, whole
from tests.integration.proxy.running import PROVIDER_KEY, RUN_KEY, proxied

CLIENTS: tuple[Dialect, ...] = ("openai", "responses", "anthropic", "gemini")
PROVIDERS: tuple[Dialect, ...] = get_args(Dialect)
KINDS = {"anthropic": "anthropic", "gemini": "gemini", "bedrock": "bedrock", "cohere": "cohere"}
USAGE = Usage(input=100, output=20)
ARGUMENTS = '{"city":"Oslo"}'


def request(client: Dialect, *, is_stream: bool) -> Request:
    tool = Tool("weather", "Looks out of the window", {"type": "object", "properties": {"city": {"type": "string"}}})
    turn = Message("user", [Text("How is the weather?")])
    return Request(client, "m", [turn], [tool], is_stream=is_stream, includes_usage=is_stream, max_tokens=99)


def answer(dialect: Dialect) -> Answer:
    """As if it came from elsewhere: then nothing but the canonical form is there to be rendered."""
    parts: list[Part] = [Text("Let me look."), ToolCall("call_1", "weather", ARGUMENTS)]
    elsewhere: Dialect = "anthropic" if dialect == "openai" else "openai"
    return Answer(elsewhere, "answer-1", "m", 1, [Choice(parts, "tool_calls")], USAGE)


def served(dialect: Dialect, *, is_stream: bool) -> Script:
    """What a provider of this dialect says, in its own bytes."""
    spoken, opening = codec(dialect), Opening("answer-1", "m", 1)
    if not is_stream:
        body = whole(orjson.dumps(spoken.render_answer(answer(dialect), opening)))
    else:
        encoder = spoken.encoder(opening)
        text = b"".join([*map(encoder.encode, unfold(answer(dialect))), encoder.close()])
        kind = b"application/vnd.amazon.eventstream" if dialect == "bedrock" else b"text/event-stream"
        pieces = [text[start : start + 37] for start in range(0, len(text), 37)]  # frames never end where reads do
        head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ntransfer-encoding: chunked\r\n\r\n" % kind
        body = head + b"".join(map(chunk, pieces)) + LAST_CHUNK

    async def script(_: Asked, wire: Wire) -> None:
        await wire.send(body)

    return script


def path_of(client: Dialect, *, is_stream: bool) -> str:
    if client == "gemini":
        return f"/v1beta/models/m:{'streamGenerateContent?alt=sse' if is_stream else 'generateContent'}"
    return {"openai": "/v1/chat/completions", "responses": "/v1/responses", "anthropic": "/v1/messages"}[client]


def one_of(dialect: Dialect) -> Any:
    def change(policy: Policy) -> Policy:
        settings = {"region": "us-east-1", "access_key_id": "AKIA", "secret_access_key": "s"}
        key = "" if dialect == "bedrock" else PROVIDER_KEY
        kind = KINDS.get(dialect, "openai-compatible")
        one = Provider("one", dialect, policy.providers[0].base_url, key, kind=kind, settings=settings)
        return replace(policy, providers=(one,))

    return change


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("client", CLIENTS)
async def test_text_and_a_tool_call_arrive_with_their_usage(
    tmp_path: Path, client: Dialect, provider: Dialect, is_stream: bool
) -> None:
    spoken = codec(client)
    body = {**spoken.render_request(request(client, is_stream=is_stream)).body, "model": "m"}
    if client == "gemini":
        del body["model"]
    async with proxied(tmp_path, served(provider, is_stream=is_stream), change=one_of(provider)) as (upstream, proxy):
        response = await proxy.ask(
            orjson.dumps(body), path=path_of(client, is_stream=is_stream), headers={"x-api-key": RUN_KEY}, key=None
        )

    assert response.status == 200, response.body
    if is_stream:
        decoder = spoken.decoder()
        found = fold([*decoder.feed(response.body), *decoder.close()], client)
        assert isinstance(found, Answer), found
    else:
        found = spoken.parse_answer(response.json)
    (choice,) = found.choices
    assert "".join(part.text for part in choice.parts if isinstance(part, Text)) == "Let me look."
    (call,) = [part for part in choice.parts if isinstance(part, ToolCall)]
    assert (call.name, orjson.loads(call.arguments), choice.stop) == ("weather", {"city": "Oslo"}, "tool_calls")
    assert found.usage is not None
    assert (found.usage.input, found.usage.output) == (100, 20)
    ended = proxy.sink.ended
    assert (ended["outcome"], ended["usage"]) == ("ok", {"input": 100, "output": 20})
    assert proxy.sink.started.get("asked_dialect", "") == ("" if client == provider else provider)
    (asked,) = upstream.asked
    if provider == "bedrock":
        assert asked.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIA/")
        assert asked.line == f"POST /v1/model/m/converse{'-stream' if is_stream else ''} HTTP/1.1"
    assert b"weather" in asked.body
