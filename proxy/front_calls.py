"""Which requests take the short way of `proxy/front.py`, and what their answers have in common.

One for all connections of a process: the application hands it to its server in the lifespan's state
(https://asgi.readthedocs.io/en/latest/specs/lifespan.html#lifespan-state).
"""

from typing import NamedTuple

import httptools

from proxy.begin import begin
from proxy.call import Call, Client
from proxy.endpoints import Endpoint, find_endpoint
from proxy.errors import Headers
from proxy.shared import Shared
from proxy.wire.head import render_headers

CALLS = "pointsman.calls"
MOST_REMEMBERED = 512  # addresses come from clients

_OTHERS = frozenset((b"expect", b"transfer-encoding", b"upgrade"))  # who says one of these is uvicorn's


class Wanted(NamedTuple):
    """The head of a request for one of our endpoints."""

    where: Endpoint
    query: bytes
    sent_headers: Headers
    headers: dict[bytes, bytes]
    keep_alive: bool


class FrontCalls:
    """Belongs to one event loop."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._known: dict[bytes, tuple[Endpoint, bytes]] = {}
        self._default_headers: Headers | None = None
        self._server_lines = b""

    def find(self, parser: httptools.HttpRequestParser, url: bytes, sent_headers: Headers) -> Wanted | None:
        """What a request that has just been read up to its body wants; None for one that takes the other way."""
        found = self._known.get(url) or self._look_up(url)
        if found is None or parser.get_method() != b"POST" or parser.get_http_version() != "1.1":
            return None
        headers = dict(sent_headers)
        if b"content-length" not in headers or not _OTHERS.isdisjoint(headers):
            return None
        return Wanted(*found, sent_headers, headers, parser.should_keep_alive())

    def begin(self, client: Client, wanted: Wanted, body: bytes) -> Call:
        return begin(
            self._shared, client, wanted.where, "POST", wanted.query, wanted.sent_headers, wanted.headers, body
        )

    def server_lines(self, default_headers: Headers) -> bytes:
        """The server's own header lines, such as `date`. uvicorn makes a new list once a second."""
        if default_headers is not self._default_headers:
            self._default_headers = default_headers
            self._server_lines = render_headers(default_headers) + b"\r\n" if default_headers else b""
        return self._server_lines

    def _look_up(self, url: bytes) -> tuple[Endpoint, bytes] | None:
        path, _, query = url.partition(b"?")
        if not url.isascii() or not url.startswith(b"/") or b"%" in path or b"#" in url:
            return None  # to be unquoted or refused
        where = find_endpoint(path.decode())
        if where is None or "POST" not in where.methods:
            return None
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[url] = where, query
        return where, query
