"""Which requests take the short way of `proxy/front.py`, and what their answers have in common.

One for all connections of a process: the application hands it to its server in the lifespan's state
(https://asgi.readthedocs.io/en/latest/specs/lifespan.html#lifespan-state).
"""

import re

import httptools
import msgspec

from proxy.begin import begin, read_said
from proxy.call import Call, Client
from proxy.endpoints import Endpoint, find_endpoint
from proxy.errors import Headers
from proxy.memo import keep
from proxy.said import Said
from proxy.shared import Shared
from proxy.wire.head import render_headers

CALLS = "pointsman.calls"
MOST_REMEMBERED = 512  # addresses come from clients
LONGEST_LENGTH = 12  # digits

_OTHERS = frozenset((b"expect", b"transfer-encoding", b"upgrade"))  # who says one of these is uvicorn's
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*\r\n", re.IGNORECASE)


class KnownHead(msgspec.Struct, frozen=True):
    """The head of a request that a parser has read, with a gap where it says how long the body is."""

    before: bytes
    after: bytes
    said: Said

    def body_in(self, data: bytes) -> bytes | None:
        """The body of a request with the same head, if that is all of `data`."""
        before, after = self.before, self.after
        if not data.startswith(before):
            return None
        start = len(before)
        end = data.find(b"\r", start, start + LONGEST_LENGTH)
        if end < 0 or not data.startswith(after, end):
            return None
        length = data[start:end]
        body = data[end + len(after) :]
        return body if length.isdigit() and int(length) == len(body) else None


def know_head(data: bytes, body: bytes, said: Said) -> KnownHead | None:
    """Of a request that was all of `data`; None where its head is not plain to see."""
    end = len(data) - len(body)
    length = _LENGTH.search(data, 0, end)
    if length is None or data.find(b"\r\n\r\n") != end - 4 or int(length[1]) != len(body):
        return None
    return KnownHead(data[: length.start(1)], data[length.end(1) : end], _without_length(said))


def _without_length(said: Said) -> Said:
    sent = [header for header in said.sent_headers if header[0] != b"content-length"]
    headers = {name: value for name, value in said.headers.items() if name != b"content-length"}
    return Said(said.where, said.method, said.query, sent, headers, keep_alive=said.keep_alive)


class FrontCalls:
    """Belongs to one event loop."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._known: dict[bytes, tuple[Endpoint, bytes]] = {}
        self._default_headers: Headers | None = None
        self._server_lines = b""

    def find(self, parser: httptools.HttpRequestParser, url: bytes, sent_headers: Headers) -> Said | None:
        """What a request says that has just been read up to its body; None for one that takes the other way."""
        found = self._known.get(url) or self._look_up(url)
        if found is None or parser.get_method() != b"POST" or parser.get_http_version() != "1.1":
            return None
        said = read_said(found[0], "POST", found[1], sent_headers, keep_alive=parser.should_keep_alive())
        if b"content-length" not in said.headers or not _OTHERS.isdisjoint(said.headers):
            return None
        return said

    def begin(self, client: Client, said: Said, body: bytes) -> Call:
        return begin(self._shared, client, said, body)

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
        return keep(self._known, url, (where, query), MOST_REMEMBERED)
