"""What a request says in its head, before its body, and what follows from that alone."""

from pointsman.contract import IDEMPOTENCY_HEADER

from proxy.endpoints import Endpoint
from proxy.errors import Headers
from proxy.subagents import name_subagent
from proxy.targets import Target
from proxy.wire.trace import kept_traceparent

PROVIDER_HEADER = b"x-pointsman-provider"

_IDEMPOTENCY = IDEMPOTENCY_HEADER.encode()


class Said:
    """Of a client that keeps its connection most heads are alike: `proxy/front.py` reads such a one once.

    So nothing of a single call may stand here, and not the length of its body.
    """

    __slots__ = (
        "headers",
        "is_keyed",
        "keep_alive",
        "method",
        "passed",
        "provider",
        "query",
        "sent_headers",
        "subagent",
        "traceparent",
        "where",
    )

    def __init__(
        self,
        where: Endpoint,
        method: str,
        query: bytes,
        sent_headers: Headers,
        headers: dict[bytes, bytes],
        *,
        keep_alive: bool = True,
    ) -> None:
        self.where = where
        self.method = method
        self.query = query  # without a key in it
        self.sent_headers = sent_headers  # as the client sent them, names in lower case
        self.headers = headers  # the same by name
        self.keep_alive = keep_alive
        self.subagent = name_subagent(headers)
        self.traceparent = kept_traceparent(headers.get(b"traceparent", b"").decode("latin-1"))
        self.is_keyed = _IDEMPOTENCY in headers
        self.provider = headers.get(PROVIDER_HEADER)  # asks one of them by its name, where no model says which
        self.passed: tuple[Target, bytes] | None = None  # the lines of them that went on to the last target
