"""Begin: a request's head becomes a call, whichever way it came in."""

from urllib.parse import unquote_to_bytes

from proxy.call import Call, Client
from proxy.endpoints import Endpoint
from proxy.errors import Headers
from proxy.shared import Shared


def begin(
    shared: Shared,
    client: Client,
    where: Endpoint,
    method: str,
    query: bytes,
    sent_headers: Headers,
    headers: dict[bytes, bytes],
    body: bytes = b"",
) -> Call:
    """The call. `headers` are those of `sent_headers`, by name."""
    deps = shared.deps
    if query and where.dialect == "gemini":
        query = take_key(query, headers)
    return Call(
        shared=shared,
        client=client,
        where=where,
        dialect=where.dialect,
        endpoint=where.path,
        method=method,
        query=query,
        sent_headers=sent_headers,
        headers=headers,
        call_id=shared.ids.next(),
        received_ns=deps.clock.monotonic_ns(),
        policy=deps.policy.current(),
        body=body,
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
