"""Google's errors, both ways. https://cloud.google.com/apis/design/errors (November 2026).

`{"error": {code, message, status, details}}`, and the same in a list where a stream was asked for.
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from proxy.canonical.failure import Failure, FailureKind
from proxy.dialects.gemini.spelling import members, repeated
from proxy.dialects.reading import text_of
from proxy.wire.retry_hints import retry_after_seconds

LONGEST_MESSAGE = 2000

_KINDS: dict[str, FailureKind] = {
    "INVALID_ARGUMENT": "invalid_request",
    "FAILED_PRECONDITION": "invalid_request",
    "OUT_OF_RANGE": "invalid_request",
    "ALREADY_EXISTS": "invalid_request",
    "UNAUTHENTICATED": "authentication",
    "PERMISSION_DENIED": "permission",
    "NOT_FOUND": "not_found",
    "RESOURCE_EXHAUSTED": "rate_limit",
    "UNAVAILABLE": "overloaded",
    "DEADLINE_EXCEEDED": "timeout",
    "CANCELLED": "unavailable",
    "ABORTED": "unavailable",
    "INTERNAL": "server",
    "UNKNOWN": "server",
}
_BY_STATUS: dict[int, FailureKind] = {
    400: "invalid_request", 401: "authentication", 403: "permission", 404: "not_found", 408: "timeout",
    413: "too_large", 429: "rate_limit", 499: "unavailable", 502: "unavailable", 503: "overloaded", 504: "timeout",
}  # fmt: skip
_STATUSES: dict[FailureKind, tuple[int, str]] = {
    "invalid_request": (400, "INVALID_ARGUMENT"),
    "context_length": (400, "INVALID_ARGUMENT"),
    "content_filter": (400, "INVALID_ARGUMENT"),
    "authentication": (401, "UNAUTHENTICATED"),
    "permission": (403, "PERMISSION_DENIED"),
    "not_found": (404, "NOT_FOUND"),
    "too_large": (413, "INVALID_ARGUMENT"),
    "rate_limit": (429, "RESOURCE_EXHAUSTED"),
    "quota": (429, "RESOURCE_EXHAUSTED"),
    "server": (500, "INTERNAL"),
    "truncated": (502, "UNAVAILABLE"),
    "overloaded": (503, "UNAVAILABLE"),
    "unavailable": (503, "UNAVAILABLE"),
    "timeout": (504, "DEADLINE_EXCEEDED"),
}
_TOO_LONG = re.compile(r"token count.{0,80}exceed|exceed.{0,60}(?:number of tokens|token limit|context)", re.IGNORECASE)
_DAILY = re.compile(r"per ?day|billing (?:account|is)|prepa(?:y|id)|spending", re.IGNORECASE)
_TYPE = "type.googleapis.com/google.rpc."


def parse_failure(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """Header names in lower case. Any body: an error, a list of one, HTML, nothing."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = None
    if isinstance(value, list) and value:
        value = value[0]
    error = value.get("error") if isinstance(value, dict) else None
    if isinstance(error, dict):
        failure = failure_of(error, status)
    else:
        text = text_of(error) or body[:LONGEST_MESSAGE].decode("utf-8", "replace").strip()
        kind = _BY_STATUS.get(status, "server" if status >= 500 or not status else "invalid_request")
        failure = Failure(kind, text or f"The provider answered {status} without a word.", status)
    failure.retry_after_seconds = retry_after_seconds(headers, value if value is not None else body)
    return failure


def failure_of(error: dict[str, Any], status: int = 0) -> Failure:
    """Of the error itself; its place in a stream that began with 200 has the status 0."""
    word, message = text_of(error.get("status")), text_of(error.get("message"))
    code = error.get("code")
    number = status or (code if isinstance(code, int) else 0)
    kind = _KINDS.get(word) or _BY_STATUS.get(number, "server" if number >= 500 or not number else "invalid_request")
    details = error.get("details")
    reasons = [members(one) for one in details] if isinstance(details, list) else []
    reason = next((text_of(one.get("reason")) for one in reasons if one.get("reason")), "")
    failure = Failure(_sharpened(kind, message, reason, reasons), message, status, reason or word, raw={"error": error})
    failure.retry_after_seconds = retry_after_seconds({}, {"error": error})
    return failure


def _sharpened(kind: FailureKind, message: str, reason: str, details: list[dict[str, Any]]) -> FailureKind:
    """Google says one status for several faults; the reason or the sentence tells them apart."""
    if reason in {"API_KEY_INVALID", "API_KEY_EXPIRED", "ACCESS_TOKEN_EXPIRED"}:
        return "authentication"
    if kind == "invalid_request":
        if "API key not valid" in message or "API key expired" in message:
            return "authentication"
        if "location is not supported" in message:
            return "permission"
        if "payload size exceeds" in message:
            return "too_large"
        return "context_length" if _TOO_LONG.search(message) else kind
    if kind == "rate_limit":
        violations = [members(one) for detail in details for one in repeated(detail.get("violations"))]
        quotas = [text_of(one.get("quotaId")) for one in violations]
        if _DAILY.search(" ".join([message, *quotas])):
            return "quota"
    return kind


def render_failure(failure: Failure, request_id: str) -> tuple[int, dict[str, Any]]:
    """Status and body. What Google's clients look for in `details` stands there in Google's types."""
    status, word = _STATUSES[failure.kind]
    details: list[dict[str, Any]] = []
    if failure.code and failure.code != word:
        details.append({"@type": _TYPE + "ErrorInfo", "reason": failure.code, "domain": "pointsman"})
    if failure.retry_after_seconds is not None:
        details.append({"@type": _TYPE + "RetryInfo", "retryDelay": f"{failure.retry_after_seconds:g}s"})
    if request_id:
        details.append({"@type": _TYPE + "RequestInfo", "requestId": request_id})
    error: dict[str, Any] = {"code": status, "message": failure.message, "status": word}
    if details:
        error["details"] = details
    return status, {"error": error}
