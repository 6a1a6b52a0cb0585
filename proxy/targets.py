"""The part of an upstream request that is the same for every call to one endpoint of one provider."""

from dataclasses import dataclass

from proxy.ports import Provider
from proxy.upstream.origin import Origin, parse_origin, render_prefix

MOST_REMEMBERED = 512  # query strings come from clients

# Hop-by-hop (RFC 9110 §7.6.1), ours, and what tells who called. `accept-encoding`: usage must be readable.
_DROPPED = frozenset(
    name.encode()
    for name in (
        "host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect",
        "authorization", "x-api-key", "api-key", "cookie", "accept-encoding", "forwarded", "via", "x-real-ip",
        "baggage", "x-request-id",
    )
)  # fmt: skip
_TRACE = frozenset((b"traceparent", b"tracestate"))
DROPPED_PREFIXES = (b"x-pointsman-", b"x-forwarded-", b"proxy-")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call goes, with the head of its request up to the headers that come from the client."""

    provider: Provider
    origin: Origin
    prefix: bytes
    dropped: frozenset[bytes]  # names of the client's headers that do not go on


class Targets:
    """Targets by provider, endpoint and query. A provider that policy replaces gets new ones."""

    def __init__(self) -> None:
        self._memo: dict[tuple[int, str, bytes], Target] = {}

    def find(self, provider: Provider, endpoint: str, query: bytes) -> Target:
        """`endpoint` is what follows the provider's version segment: '/chat/completions'."""
        key = (id(provider), endpoint, query)
        target = self._memo.get(key)
        if target is None or target.provider is not provider:
            if len(self._memo) >= MOST_REMEMBERED:
                self._memo.clear()
            target = self._memo[key] = _make(provider, endpoint, query)
        return target


def _make(provider: Provider, endpoint: str, query: bytes) -> Target:
    origin, path = parse_origin(provider.base_url)
    headers = {"accept-encoding": "identity", **_credentials(provider)}
    headers.update({name.lower(): value for name, value in provider.headers.items()})
    where = path + endpoint + (f"?{query.decode('latin-1')}" if query else "")
    dropped = _DROPPED.union(name.encode() for name in headers)
    if not provider.passes_trace_context:
        dropped |= _TRACE
    return Target(provider, origin, render_prefix("POST", origin, where, headers.items()), dropped)


def _credentials(provider: Provider) -> dict[str, str]:
    if not provider.api_key:
        return {}
    if provider.dialect == "anthropic":
        return {"x-api-key": provider.api_key}
    return {"authorization": f"Bearer {provider.api_key}"}
