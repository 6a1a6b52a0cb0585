"""The proxy as an ASGI callable: `create_app(deps)`.

Plain ASGI on purpose: a framework's route costs more than everything the proxy does for a call (bench/README.md).
Killed while calls run: each has its `call_started` in the spool and, if it was answered, its `call_ended`.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from pointsman.contract import REQUEST_ID_HEADER, ErrorCode

from proxy.begin import begin, read_said, take_key
from proxy.deps import Deps
from proxy.dialects.registry import codec
from proxy.endpoints import find_endpoint
from proxy.errors import Dialect, Headers, InvalidRequest, ProxyError, render_error
from proxy.front_calls import CALLS, FrontCalls
from proxy.models import describe_model, list_models
from proxy.pipeline import leave, run
from proxy.shared import Shared
from proxy.stages.identify import identify

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

DRAIN_SECONDS = 5.0

_OF_CLIENTS: tuple[Dialect, ...] = ("openai", "anthropic", "responses", "gemini", "bedrock", "cohere")
_GEMINI_PATHS = ("/v1beta/", "/v1alpha/", "/gemini/")
_MODELS = re.compile(r"(?:/openai|/anthropic|/gemini)?/v1(?:beta1?|alpha)?/models(?:/(?P<name>.+))?")


class AsgiClient:
    """The `Client` at the other end of an ASGI connection. uvicorn ignores what is sent to one that has left."""

    __slots__ = ("_send",)

    def __init__(self, send: Send) -> None:
        self._send = send

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        await self.start(status, headers)
        await self.end(body)

    async def start(self, status: int, headers: Headers) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, part: bytes) -> None:
        await self._send({"type": "http.response.body", "body": part, "more_body": True})

    async def end(self, part: bytes = b"") -> None:
        await self._send({"type": "http.response.body", "body": part})


def create_app(deps: Deps, mcp: Application | None = None) -> Application:
    """The data plane. `mcp` answers `/mcp/{server}`; without it these paths are unknown."""
    shared = Shared(deps)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "lifespan":
            await _live(shared, scope, receive, send)
            return
        if kind != "http":
            return
        path = scope["path"]
        where = find_endpoint(path)
        if where is not None and scope["method"] in where.methods:
            said = read_said(where, scope["method"], scope["query_string"], scope["headers"])
            await run(begin(shared, AsgiClient(send), said), receive)
        elif mcp is not None and path.startswith("/mcp/"):
            await mcp(scope, receive, send)
        else:
            await _answer_rest(shared, scope, AsgiClient(send))

    return app


async def _live(shared: Shared, scope: Scope, receive: Receive, send: Send) -> None:
    if (state := scope.get("state")) is not None:
        state[CALLS] = FrontCalls(shared)  # for `proxy/front.py`; nothing to any other server
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            _load_codecs(shared)
            shared.renewals.begin()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await shared.flights.drain(DRAIN_SECONDS)
            shared.renewals.close()
            for call in shared.watches.under_way():
                leave(call)  # those in tasks have left by now
            shared.deps.upstream.close()
            shared.journal.close()
            await send({"type": "lifespan.shutdown.complete"})
            return


def _load_codecs(shared: Shared) -> None:
    """Before the first call, which would wait for it and hold up all others: a fifth of a second."""
    of_providers = {provider.dialect for provider in shared.deps.policy.current().providers}
    for dialect in of_providers.union(_OF_CLIENTS):
        codec(dialect)


async def _answer_rest(shared: Shared, scope: Scope, client: AsgiClient) -> None:
    """Everything that is not a call: health, the list of models, and what is not there."""
    path, headers = scope["path"], dict(scope["headers"])
    take_key(scope["query_string"], headers)
    dialect = _dialect_of(path, headers)
    request_id = shared.ids.next()
    try:
        status, content = _content(shared, scope["method"], path, headers, dialect)
        body = orjson.dumps(content)
        answer_headers = [
            (b"content-type", b"application/json"),
            (REQUEST_ID_HEADER.encode(), request_id.encode()),
            (b"content-length", b"%d" % len(body)),
        ]
    except ProxyError as error:
        status, answer_headers, body = render_error(error, dialect, request_id)
    await client.answer(status, answer_headers, body)


def _dialect_of(path: str, headers: dict[bytes, bytes]) -> Dialect:
    """Who seems to be asking: by the path, else by what only one vendor's library sends."""
    where = find_endpoint(path)
    if where is not None:
        return where.dialect
    if path.startswith(_GEMINI_PATHS) or b"x-goog-api-key" in headers:
        return "gemini"
    return (
        "anthropic" if path.startswith(("/anthropic/", "/v1/messages")) or b"anthropic-version" in headers else "openai"
    )


def _content(
    shared: Shared, method: str, path: str, headers: dict[bytes, bytes], dialect: Dialect
) -> tuple[int, dict[str, Any]]:
    if (where := find_endpoint(path)) is not None:
        raise _wrong_method(method, path, ", ".join(sorted(where.methods)))
    models = _MODELS.fullmatch(path)
    if models is None and path not in {"/healthz", "/readyz"}:
        raise InvalidRequest(f"There is nothing at {path[:200]!r}.", status=404, code=ErrorCode.NOT_FOUND)
    if method not in {"GET", "HEAD"}:
        raise _wrong_method(method, path, "GET")
    deps = shared.deps
    if path == "/healthz":
        return 200, {"status": "ok"}
    if path == "/readyz":
        age = deps.policy.age_seconds()
        is_ready = age <= deps.limits.stale_policy_seconds
        return (200 if is_ready else 503), {"status": "ready" if is_ready else "policy_stale", "policy_age_s": age}
    policy = deps.policy.current()
    identify(headers, policy)
    if models is not None and models["name"]:
        return 200, describe_model(policy, deps.prices, dialect, models["name"])
    return 200, list_models(policy, deps.prices, dialect)


def _wrong_method(method: str, path: str, right: str) -> InvalidRequest:
    return InvalidRequest(f"{path} takes {right}, not {method}.", status=405, headers={"allow": right})
