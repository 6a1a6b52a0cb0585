"""One MCP request on its way: what is known of it, for the next step and for the record."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pointsman.contract import REQUEST_ID_HEADER, SIMULATED_HEADER

from proxy.call import Caller
from proxy.errors import Headers
from proxy.mcp.envelope import McpRequest
from proxy.mcp.subject import SHORT, name_of, request_digest
from proxy.ports import Policy, ToolServer


@dataclass(kw_only=True)
class McpCall:
    """Mutable on purpose: it lives for one call, in one task. Times are monotonic nanoseconds, 0 until they come."""

    call_id: str
    caller: Caller
    server: ToolServer
    request: McpRequest
    body: bytes
    policy: Policy
    traceparent: str
    idempotency_key: str | None
    received_ns: int
    begun_ns: int = 0
    asked_ns: int = 0
    answered_ns: int = 0
    upstream_status: int = 0
    message: Mapping[str, Any] | None = None  # the JSON-RPC response
    answer: bytes = b""  # what the client gets, as far as it is recorded
    answer_bytes: int = 0
    is_started: bool = False
    is_settled: bool = False

    @property
    def name(self) -> str:
        return name_of(self.server.name, self.request)

    @cached_property
    def digest(self) -> str:
        """Whether a repeated idempotency key means the same request."""
        return request_digest(self.server.name, self.request)

    @property
    def fingerprint(self) -> str:
        """What repeats when an agent loops."""
        return self.digest[:SHORT]

    @property
    def own_headers(self) -> Headers:
        """What the gateway adds to every answer of this call."""
        simulated = [(SIMULATED_HEADER.encode(), b"true")] if self.server.is_simulated else []
        return [(REQUEST_ID_HEADER.encode(), self.call_id.encode()), *simulated]

    @property
    def is_keyed(self) -> bool:
        """A tool call that a retry must not make twice. Lists and reads are made again: they change nothing."""
        return self.idempotency_key is not None and self.request.method == "tools/call"

    def note_answer(self, part: bytes, most_bytes: int) -> None:
        """Bytes that go to the client, kept for the record as far as its limit."""
        self.answer_bytes += len(part)
        if len(self.answer) <= most_bytes:
            self.answer += part[: most_bytes + 1 - len(self.answer)]
