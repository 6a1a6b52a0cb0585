"""The request that goes to the tool server: the client's bytes, the headers that belong to them, our credentials."""

from urllib.parse import urlsplit

from pointsman.contract import IDEMPOTENCY_HEADER

from proxy.errors import Headers, UpstreamFault
from proxy.ports import ToolServer
from proxy.upstream.origin import Origin, parse_origin, render_prefix, render_request

# `baggage` is left out on purpose: it may carry anything. A client's key, cookies and our own headers stay here too.
_PASSED = frozenset({"accept", "content-type", "traceparent", "tracestate", IDEMPOTENCY_HEADER})


def render_upstream_request(server: ToolServer, headers: list[tuple[str, str]], body: bytes) -> tuple[Origin, bytes]:
    """Where to, and the bytes. Configured headers win over the client's. UpstreamFault when the address is no good."""
    try:
        origin, _ = parse_origin(server.url)
        path = urlsplit(server.url).path or "/"  # a trailing slash matters to tool servers
        prefix = render_prefix("POST", origin, path, server.headers.items())
        return origin, render_request(prefix, _passed(headers, server), body)
    except ValueError as cause:
        raise UpstreamFault(f"Tool server {server.name!r} cannot be asked: its configuration is wrong.") from cause


def _passed(headers: list[tuple[str, str]], server: ToolServer) -> Headers:
    configured = {name.lower() for name in server.headers}
    return [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in headers
        if (name in _PASSED or name.startswith("mcp-")) and name not in configured
    ]
