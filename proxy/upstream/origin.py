"""Where connections go, and the bytes of a request."""

from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec

from proxy.wire.head import checked, render_headers


class Origin(msgspec.Struct, frozen=True):
    """What one connection can serve: scheme, host and port."""

    host: str
    port: int
    is_tls: bool

    @property
    def authority(self) -> str:
        """The value of the `host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


def parse_origin(url: str) -> tuple[Origin, str]:
    """The origin and the path of an http(s) URL, the path without its trailing slash. ValueError says what is wrong."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{url!r} is not an http or https address")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"the address of {parts.hostname!r} must not hold credentials, a query or a fragment")
    is_tls = parts.scheme == "https"
    return Origin(parts.hostname, parts.port or (443 if is_tls else 80), is_tls), parts.path.rstrip("/")


def render_prefix(method: str, origin: Origin, path: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """The part of a request that is the same for every call of one provider; made once."""
    lines = [f"{method} {path} HTTP/1.1", f"host: {origin.authority}", *(f"{k}: {v}" for k, v in headers)]
    return checked([line.encode("latin-1") for line in lines]) + b"\r\n"


def render_request(prefix: bytes, headers: list[tuple[bytes, bytes]], body: bytes) -> bytes:
    """A whole request. ValueError when a header's value would break out of its line."""
    return render_passed(prefix, render_headers(headers) + b"\r\n" if headers else b"", body)


def render_passed(prefix: bytes, lines: bytes, body: bytes) -> bytes:
    """A whole request. `lines` are header lines that were rendered before, each with its end."""
    return b"%b%bcontent-length: %d\r\n\r\n%b" % (prefix, lines, len(body), body)
