"""One small HTTP exchange with a token endpoint or a metadata server. It blocks, and only threads call it.

`http.client` and not the gateway's own client: that one belongs to the event loop, and has no redirects to refuse
either. The way goes through a company's proxy as it does to providers; a metadata server is asked directly.
"""

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

from proxy.credentials.source import SignInFailed
from proxy.upstream.origin import Origin
from proxy.upstream.tunnel import find_relay

TIMEOUT_SECONDS = 10.0  # for each step of it
MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer of any status. `google-auth` wants just these three names."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    data: bytes


def ask(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None = None,
    *,
    environment: Mapping[str, str],
    timeout: float = TIMEOUT_SECONDS,
) -> Answered:
    """Raises OSError or http.client.HTTPException when no answer came, ValueError for an address that is none."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{url!r} is not an http or https address")
    is_tls = parts.scheme == "https"
    origin = Origin(parts.hostname, parts.port or (443 if is_tls else 80), is_tls)
    connection = _connection(origin, environment, timeout)
    try:
        where = parts.path or "/"
        connection.request(method, f"{where}?{parts.query}" if parts.query else where, body, dict(headers))
        answer = connection.getresponse()
        data = answer.read(MOST_BYTES)
        return Answered(answer.status, {name.lower(): value for name, value in answer.getheaders()}, data)
    finally:
        connection.close()


def ask_for_token(
    method: str,
    url: str,
    headers: Mapping[str, str],
    form: Mapping[str, str] | None = None,
    *,
    environment: Mapping[str, str],
) -> dict[str, Any]:
    """What a token endpoint answers, which has an `access_token`. Raises SignInFailed.

    Errors come as RFC 6749 §5.2 has them; of what came nothing else is told on, for it may be anything.
    """
    host = urlsplit(url).hostname
    body = urlencode(form).encode() if form is not None else None
    said = {"accept": "application/json", **headers}
    if body is not None:
        said["content-type"] = "application/x-www-form-urlencoded"
    try:
        answer = ask(method, url, said, body, environment=environment)
    except (OSError, http.client.HTTPException, ValueError) as cause:
        raise SignInFailed("unreachable", f"{host} did not answer: {cause!r}", is_refused=False) from cause
    content = _loaded(answer.data)
    if answer.status == 200 and isinstance(content.get("access_token"), str) and content["access_token"]:
        return content
    error, description = content.get("error"), content.get("error_description") or content.get("message") or ""
    code = error if isinstance(error, str) else f"status_{answer.status}"
    is_refused = 400 <= answer.status < 500 and answer.status not in {408, 425, 429}
    raise SignInFailed(code, f"{host} answered {answer.status}: {description}", is_refused=is_refused)


def _loaded(data: bytes) -> dict[str, Any]:
    try:
        content = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return content if isinstance(content, dict) else {}


def _connection(origin: Origin, environment: Mapping[str, str], timeout: float) -> http.client.HTTPConnection:
    if not origin.is_tls:
        return http.client.HTTPConnection(origin.host, origin.port, timeout=timeout)
    tls = ssl.create_default_context()
    relay = find_relay(environment, origin)
    if relay is None:
        return http.client.HTTPSConnection(origin.host, origin.port, timeout=timeout, context=tls)
    connection = http.client.HTTPSConnection(relay.host, relay.port, timeout=timeout, context=tls)
    own = {"proxy-authorization": relay.credentials.decode("latin-1")} if relay.credentials else {}
    connection.set_tunnel(origin.host, origin.port, own)
    return connection
