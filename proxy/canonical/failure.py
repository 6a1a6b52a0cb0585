"""An error of a provider, whatever dialect it spoke, or a stream that broke off."""

from typing import Any, Literal

import msgspec

FailureKind = Literal[
    "invalid_request",
    "context_length",
    "authentication",
    "permission",
    "not_found",
    "too_large",
    "content_filter",
    "rate_limit",
    "quota",
    "overloaded",
    "timeout",
    "unavailable",
    "server",
    "truncated",
]


class Failure(msgspec.Struct):
    """`status` as the provider sent it; 0 when the error came inside a stream that had begun with 200."""

    kind: FailureKind
    message: str
    status: int = 0
    code: str = ""  # the provider's own code or type, the more telling of both
    param: str = ""
    retry_after_seconds: float | None = None
    raw: dict[str, Any] = {}
