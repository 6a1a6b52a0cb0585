"""Begin: a request's head becomes a call, whichever way it came in."""

from urllib.parse import unquote_to_bytes

from proxy.call import Call, Client
from proxy.endpoints import Endpoint
from proxy.errors import Headers
from proxy.said import Said
from proxy.shared import Shared


def read_said(where: Endpoint, method: str, query: bytes, sent_headers: Headers, *, keep_alive: bool = True) -> Said:
    """Of headers whose names are in lower case."""
    headers = dict(sent_headers)
    if query and where.dialect == "gemini":
        query = take_key(query, headers)
    return Said(where, method, query, sent_headers, headers, keep_alive=keep_alive)


def begin(shared: Shared, client: Client, said: Said, body: bytes = b"") -> Call:
    deps, where = shared.deps, said.where
    return Call(
        shared,
        client,
        said,
        where,
        where.dialect,
        said.headers,
        shared.ids.next(),
        deps.clock.monotonic_ns(),
        deps.policy.current(),
        body,
    )


def take_key(query: bytes, headers: dict[bytes, bytes]) -> bytes:
    """The query without the `key` that Google's older clients put there; it goes to where all keys are."""
    rest = []
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        if name == b"key":
            headers.setdefault(b"x-goog-api-key", unquote_to_bytes(value))
        else:
            rest.append(pair)
    return b"&".join(rest)
