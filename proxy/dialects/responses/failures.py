"""Errors: as an HTTP answer's body, and inside of a stream."""

from collections.abc import Mapping
from typing import Any

import orjson

from proxy.canonical.failure import Failure, FailureKind
from proxy.dialects.reading import member, text_of
from proxy.wire.retry_hints import retry_after_seconds

LONGEST_MESSAGE = 2000  # of a body that is no JSON: an HTML page is no message

# https://platform.openai.com/docs/guides/error-codes (November 2026), and what was seen inside of streams
_BY_CODE: dict[str, FailureKind] = {
    "context_length_exceeded": "context_length",
    "string_above_max_length": "context_length",
    "insufficient_quota": "quota",
    "billing_hard_limit_reached": "quota",
    "usage_limit_reached": "quota",
    "rate_limit_exceeded": "rate_limit",
    "rate_limit_error": "rate_limit",
    "too_many_requests": "rate_limit",
    "content_filter": "content_filter",
    "content_policy_violation": "content_filter",
    "image_content_policy_violation": "content_filter",
    "bio_policy": "content_filter",
    "misalignment_policy_violation": "content_filter",
    "invalid_api_key": "authentication",
    "authentication_error": "authentication",
    "permission_error": "permission",
    "model_not_found": "not_found",
    "not_found_error": "not_found",
    "not_found": "not_found",
    "server_is_overloaded": "overloaded",
    "overloaded_error": "overloaded",
    "slow_down": "overloaded",
    "vector_store_timeout": "timeout",
    "timeout": "timeout",
    "server_error": "server",
    "internal_error": "server",
    "invalid_prompt": "invalid_request",
    "invalid_request_error": "invalid_request",
}
_BY_STATUS: dict[int, FailureKind] = {
    401: "authentication",
    402: "quota",
    403: "permission",
    404: "not_found",
    408: "timeout",
    413: "too_large",
    429: "rate_limit",
    502: "unavailable",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}
# kind → status, type, code of this dialect
_RENDERED: dict[FailureKind, tuple[int, str, str]] = {
    "invalid_request": (400, "invalid_request_error", "invalid_request_error"),
    "context_length": (400, "invalid_request_error", "context_length_exceeded"),
    "authentication": (401, "authentication_error", "invalid_api_key"),
    "permission": (403, "permission_error", "permission_denied"),
    "not_found": (404, "invalid_request_error", "model_not_found"),
    "too_large": (413, "invalid_request_error", "request_too_large"),
    "content_filter": (400, "invalid_request_error", "content_filter"),
    "rate_limit": (429, "rate_limit_error", "rate_limit_exceeded"),
    "quota": (429, "insufficient_quota", "insufficient_quota"),
    "overloaded": (503, "server_error", "server_is_overloaded"),
    "timeout": (504, "server_error", "timeout"),
    "unavailable": (502, "server_error", "server_error"),
    "server": (500, "server_error", "server_error"),
    "truncated": (502, "server_error", "stream_truncated"),
}


def parse_failure(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = None
    raw = value if isinstance(value, dict) else {}
    error = raw.get("error") or member(raw.get("response"), "error") or raw
    failure = failure_of(error, status)
    if not failure.message:
        plain = "" if isinstance(value, dict) else body[:LONGEST_MESSAGE].decode(errors="replace").strip()
        failure.message = plain or f"The provider answered with status {status}."
    failure.raw = raw
    failure.retry_after_seconds = retry_after_seconds(headers, body)
    return failure


def failure_of(error: object, status: int = 0) -> Failure:
    """From the error object of a body, of an `error` event or of a failed response."""
    if isinstance(error, str):
        return Failure(_kind("", "", status), error, status)
    code, kind = text_of(member(error, "code")), text_of(member(error, "type"))
    message = text_of(member(error, "message")) or text_of(member(error, "detail"))
    kind = "" if kind == "error" else kind
    return Failure(
        _kind(code, kind, status),
        message,
        status,
        code or kind,
        text_of(member(error, "param")),
        raw=error if isinstance(error, dict) else {},
    )


def _kind(code: str, kind: str, status: int) -> FailureKind:
    """The code tells more than the status, and the status more than the type."""
    if code in _BY_CODE and _BY_CODE[code] not in {"invalid_request", "server"}:
        return _BY_CODE[code]
    if status in _BY_STATUS:
        return "quota" if kind == "insufficient_quota" else _BY_STATUS[status]
    if status >= 400:
        return _BY_CODE.get(kind, "invalid_request") if status < 500 else "server"
    return _BY_CODE.get(code) or _BY_CODE.get(kind) or ("invalid_request" if code.startswith("invalid_") else "server")


def render_failure(failure: Failure, request_id: str) -> tuple[int, dict[str, Any]]:
    del request_id  # stands in a header in this dialect
    status, kind, code = _RENDERED[failure.kind]
    is_like = failure.status // 100 == status // 100  # a provider's 422 stays one; its 529 is nobody else's
    return (
        failure.status if is_like and failure.status != 529 else status,
        {"error": {"message": failure.message, "type": kind, "param": failure.param or None, "code": code}},
    )


def stream_error(failure: Failure) -> dict[str, Any]:
    """The `error` of a failed response: a code that clients know, and the sentence."""
    return {"code": _RENDERED[failure.kind][2], "message": failure.message}
