"""The part of an upstream request that is the same for every call to one endpoint of one provider."""

from collections.abc import Mapping
from dataclasses import dataclass

from proxy.credentials.renewals import Renewals
from proxy.credentials.source import Credentials
from proxy.endpoints import Endpoint
from proxy.errors import Dialect
from proxy.memo import keep
from proxy.ports import Provider
from proxy.providers.known import Asked, Auth, Known, Quirk
from proxy.providers.paths import path_of
from proxy.providers.registry import known_of
from proxy.upstream.origin import Origin, parse_origin, render_prefix

MOST_REMEMBERED = 512  # query strings and names of models come from clients

# Hop-by-hop (RFC 9110 §7.6.1), ours, and what tells who called. `accept-encoding`: usage must be readable.
_DROPPED = frozenset(
    name.encode()
    for name in (
        "host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect",
        "authorization", "x-api-key", "x-goog-api-key", "api-key", "cookie", "accept-encoding", "forwarded", "via",
        "x-real-ip", "baggage", "x-request-id", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256",
    )
)  # fmt: skip
_TRACE = frozenset((b"traceparent", b"tracestate"))
DROPPED_PREFIXES = (b"x-pointsman-", b"x-forwarded-", b"proxy-")

_AUTH: Mapping[Dialect, Auth] = {"anthropic": "x-api-key", "gemini": "x-goog-api-key"}
_FIXED_PATHS = frozenset(("openai", "responses", "anthropic", "cohere"))  # all others name the model there


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call goes, with the head of its request up to the headers that come from the client."""

    provider: Provider
    known: Known
    origin: Origin
    where: str  # path and query
    prefix: bytes
    headers: Mapping[str, str]  # those of `prefix`
    dropped: frozenset[bytes]  # names of the client's headers that do not go on
    added: tuple[tuple[bytes, bytes], ...]  # headers that have to be there, unless the client sends them
    quirks: tuple[Quirk, ...]
    credentials: Credentials | None  # what each request proves itself with, where that does not stand in `prefix`


class Targets:
    """Targets by provider, endpoint and query. A provider that policy replaces gets new ones."""

    def __init__(self, renewals: Renewals | None = None) -> None:
        self._renewals = renewals or Renewals()
        self._memo: dict[tuple[object, ...], Target] = {}

    def find(
        self,
        provider: Provider,
        where: Endpoint,
        asked: Dialect,
        query: bytes = b"",
        model: str = "",
        *,
        is_stream: bool = False,
        method: str = "POST",
    ) -> Target:
        """The target of a call in the dialect `asked`. `query` is the client's, where it goes on at all."""
        key: tuple[object, ...] = (id(provider), where.path, query)
        target = self._memo.get(key)
        if target is not None and target.provider is provider:
            return target
        known = known_of(provider)
        if known.path is not None or asked not in _FIXED_PATHS or method != "POST":
            key = (*key, model, is_stream, method)
            target = self._memo.get(key)
            if target is not None and target.provider is provider:
                return target
        is_native = asked == where.dialect
        wanted = Asked(provider, asked, where.operation, where.tail, model, is_stream, is_native)
        target = _make(known, wanted, query, method, self._renewals.find(provider))
        return keep(self._memo, key, target, MOST_REMEMBERED)


def _make(known: Known, asked: Asked, query: bytes, method: str, credentials: Credentials | None) -> Target:
    provider = asked.provider
    origin, base = parse_origin(provider.base_url)
    headers = {"accept-encoding": "identity", **_credentials(known, asked)}
    headers.update({name.lower(): value for name, value in provider.headers.items()})
    path = base + (known.path or path_of)(asked)
    mark = "&" if "?" in path else "?"
    where = path + (mark + query.decode("latin-1") if query else "")
    dropped = _DROPPED.union(name.encode() for name in (*headers, *(credentials.names if credentials else ())))
    if not provider.passes_trace_context:
        dropped |= _TRACE
    return Target(
        provider=provider,
        known=known,
        origin=origin,
        where=where,
        prefix=render_prefix(method, origin, where, headers.items()),
        headers=headers,
        dropped=dropped,
        added=tuple((name.encode(), value.encode()) for name, value in _needed(known, asked).items()),
        quirks=tuple(quirk for quirk in known.quirks if quirk.dialect == asked.dialect),
        credentials=credentials,
    )


def _credentials(known: Known, asked: Asked) -> dict[str, str]:
    key = asked.provider.api_key
    if not key:
        return {}
    auth = known.auth or _AUTH.get(asked.dialect, "bearer")
    if auth in {"bearer", "sigv4"}:  # a Bedrock API key goes where all others go
        return {"authorization": f"Bearer {key}"}
    return {auth: key}


def _needed(known: Known, asked: Asked) -> Mapping[str, str]:
    """Anthropic's version is not said by a client of another dialect."""
    if asked.is_native:
        return {}
    if asked.dialect == "anthropic":
        return {"anthropic-version": "2023-06-01", **known.headers}
    return known.headers
