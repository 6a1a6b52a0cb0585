"""Through a company's HTTP proxy to a provider: `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, as all programs read them.

The proxy is asked by CONNECT (RFC 9110 §9.3.6) for a way through, and TLS goes on inside of it, so it sees neither keys
nor texts. Providers at plain http addresses are models of one's own, beside us: they are asked directly.
"""

import asyncio
import base64
import ssl
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from typing_extensions import override

from proxy.upstream.origin import Origin

MOST_HEAD_BYTES = 64 * 1024


class Relay(NamedTuple):
    """The proxy on the way. `credentials` as they stand in the header, or empty."""

    host: str
    port: int
    credentials: bytes


def find_relay(environment: Mapping[str, str], origin: Origin) -> Relay | None:
    """The proxy for this origin; None for the direct way. ValueError for an address that is none."""
    url = _said(environment, "https_proxy") or _said(environment, "all_proxy")
    if not (origin.is_tls and url) or _is_excepted(origin.host, _said(environment, "no_proxy")):
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(f"the proxy of HTTPS_PROXY must be an http address, not one of {parts.scheme!r}")
    credentials = b""
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        credentials = b"Basic " + base64.b64encode(pair.encode())
    return Relay(parts.hostname, parts.port or 80, credentials)


async def open_tunnel(relay: Relay, origin: Origin, inner: asyncio.Protocol, tls: ssl.SSLContext) -> None:
    """Connects `inner` to the origin. Raises OSError (also ssl.SSLError), and ConnectionError for a proxy's refusal."""
    loop = asyncio.get_running_loop()
    outer, asking = await loop.create_connection(lambda: _Asking(loop.create_future()), relay.host, relay.port)
    try:
        outer.write(_render(relay, origin))
        await asking.answered
        made = await loop.start_tls(outer, inner, tls, server_hostname=origin.host)
    except BaseException:
        outer.abort()
        raise
    if made is None:
        raise ConnectionError("the proxy closed the connection")
    inner.connection_made(made)


class _Asking(asyncio.Protocol):
    """Waits for the head of the proxy's answer."""

    def __init__(self, answered: asyncio.Future[None]) -> None:
        self.answered = answered
        self._head = b""

    @override
    def data_received(self, data: bytes) -> None:
        self._head += data
        if self.answered.done() or (b"\r\n\r\n" not in self._head and len(self._head) < MOST_HEAD_BYTES):
            return
        status = self._head.split(b"\r\n", 1)[0].split(b" ")
        if len(status) > 1 and status[1] == b"200":
            self.answered.set_result(None)
        else:
            self.answered.set_exception(ConnectionError("the proxy did not let the call through"))

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if not self.answered.done():
            self.answered.set_exception(exc or ConnectionError("the proxy closed the connection"))


def _render(relay: Relay, origin: Origin) -> bytes:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    where = f"{host}:{origin.port}".encode("ascii")
    own = b"proxy-authorization: %b\r\n" % relay.credentials if relay.credentials else b""
    return b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n%b\r\n" % (where, where, own)


def _said(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name) or environment.get(name.upper()) or ""


def _is_excepted(host: str, exceptions: str) -> bool:
    """'*', a host, or a domain with all below it, with or without its leading dot."""
    names = [name.strip().lstrip(".").lower() for name in exceptions.split(",") if name.strip()]
    return any(name == "*" or host == name or host.endswith(f".{name}") for name in names)
