"""The head of an answer: which of the provider's headers the client gets, and what we add."""

import math

from pointsman.contract import COST_HEADER, REQUEST_ID_HEADER, SIMULATED_HEADER

from proxy.call import Call
from proxy.errors import Headers
from proxy.stages.adapt import dropped_header
from proxy.upstream.attempt import Attempt
from proxy.wire.retry_hints import retry_after_seconds

# Hop-by-hop, what the server adds itself, and cookies of the provider's own front, which are not the client's business.
_DROPPED = frozenset(
    name.encode()
    for name in (
        "connection", "keep-alive", "transfer-encoding", "content-length", "trailer", "upgrade", "date", "server",
        "set-cookie", "alt-svc", "proxy-authenticate", REQUEST_ID_HEADER, SIMULATED_HEADER, COST_HEADER,
    )
)  # fmt: skip
_REQUEST_ID = REQUEST_ID_HEADER.encode()
_UPSTREAM_REQUEST_ID = b"x-pointsman-upstream-request-id"
_REQUEST_IDS = frozenset((_REQUEST_ID, b"request-id", b"x-amzn-requestid", b"apim-request-id"))
# Only these of a provider's headers mean the same in another dialect; the body is ours, and so are type and length.
_KEPT_OF_FOREIGN = ("x-ratelimit-", "anthropic-ratelimit-", "retry-after")
_RETRYABLE = frozenset((408, 409, 425, 429))
LONGEST_RETRY_SECONDS = 86_400.0


def read_headers(call: Call, attempt: Attempt) -> tuple[Headers, bytes, bytes]:
    """The headers for the client, and the answer's content type and encoding."""
    said = attempt.by_name
    headers = [header for header in attempt.headers if header[0] not in _DROPPED]
    if _REQUEST_ID in said:
        headers.append((_UPSTREAM_REQUEST_ID, said[_REQUEST_ID]))
    headers.append((_REQUEST_ID, call.call_id.encode()))
    if call.dropped:
        headers.extend(dropped_header(call))
    if call.provider is not None and call.provider.is_simulated:
        headers.append((SIMULATED_HEADER.encode(), b"true"))
    encoding = said.get(b"content-encoding")
    return headers, said.get(b"content-type", b""), encoding.strip().lower() if encoding else b""


def foreign_headers(call: Call, attempt: Attempt) -> Headers:
    """Those of an answer that is translated."""
    headers: Headers = []
    for name, value in attempt.headers:
        if name.decode("latin-1").startswith(_KEPT_OF_FOREIGN):
            headers.append((name, value))
        elif name in _REQUEST_IDS:
            headers.append((_UPSTREAM_REQUEST_ID, value))
    headers.append((_REQUEST_ID, call.call_id.encode()))
    headers.extend(dropped_header(call))
    if call.provider is not None and call.provider.is_simulated:
        headers.append((SIMULATED_HEADER.encode(), b"true"))
    return headers


def retry_headers(call: Call, attempt: Attempt, body: bytes) -> Headers:
    """`retry-after`, when the provider said in another way when to come back."""
    if attempt.status < 500 and attempt.status not in _RETRYABLE:
        return []
    said = headers_as_text(attempt.headers)
    if "retry-after" in said:
        return []
    return render_retry(retry_after_seconds(said, body, call.shared.deps.clock.now_ns() / 1e9))


def doubt_credentials(call: Call) -> None:
    """Of a provider that we sign in to, after its no: the keys may have been replaced, or the token taken back."""
    target = call.target
    if call.upstream_status in {401, 403} and target is not None and target.credentials is not None:
        target.credentials.doubt()


def render_retry(seconds: float | None) -> Headers:
    """In whole seconds for everybody, in milliseconds for the libraries of OpenAI and Anthropic."""
    if seconds is None or not 0 <= seconds <= LONGEST_RETRY_SECONDS:
        return []
    return [(b"retry-after", b"%d" % math.ceil(seconds)), (b"retry-after-ms", b"%d" % math.ceil(seconds * 1000))]


def headers_as_text(headers: Headers) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}


def withhold(call: Call) -> None:
    """Raises RunRevoked when the answer is not for this client any more: paid, and kept if others may wait for it."""
    assert call.caller is not None  # noqa: S101 - identify has run
    if not call.is_detached and (error := call.shared.fence.withholds(call.caller)) is not None:
        raise error
