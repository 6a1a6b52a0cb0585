"""Errors of Bedrock, answered with a status or thrown inside a stream.

https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html and API_runtime_ConverseStream.html (November
2026). The type stands in the header `x-amzn-errortype`, before a colon, or in the body behind a '#'; inside a stream it
is the exception's name, which begins with a small letter.
"""

import re
from collections.abc import Mapping
from typing import Any

from proxy.canonical.failure import Failure, FailureKind
from proxy.dialects.reading import member, object_of, text_of
from proxy.wire.retry_hints import retry_after_seconds

_KINDS: dict[str, FailureKind] = {
    "accessdenied": "permission",
    "expiredtoken": "authentication",
    "incompletesignature": "authentication",
    "internalserver": "server",
    "invalidclienttokenid": "authentication",
    "invalidsignature": "authentication",
    "internalfailure": "server",
    "missingauthenticationtoken": "authentication",
    "modelerror": "server",
    "modelnotready": "overloaded",
    "modelstreamerror": "server",
    "modeltimeout": "timeout",
    "notauthorized": "permission",
    "optinrequired": "permission",
    "requestexpired": "authentication",
    "resourcenotfound": "not_found",
    "servicequotaexceeded": "quota",
    "serviceunavailable": "unavailable",
    "throttling": "rate_limit",
    "unknownoperation": "not_found",
    "unrecognizedclient": "authentication",
    "validation": "invalid_request",
    "validationerror": "invalid_request",
}
_STATUSES: dict[int, FailureKind] = {
    400: "invalid_request", 401: "authentication", 403: "permission", 404: "not_found", 408: "timeout",
    413: "too_large", 424: "server", 429: "rate_limit", 500: "server", 503: "unavailable", 504: "timeout",
}  # fmt: skip
_TYPES: dict[FailureKind, tuple[int, str]] = {
    "invalid_request": (400, "ValidationException"),
    "context_length": (400, "ValidationException"),
    "content_filter": (400, "ValidationException"),
    "too_large": (413, "ValidationException"),
    "authentication": (403, "UnrecognizedClientException"),
    "permission": (403, "AccessDeniedException"),
    "not_found": (404, "ResourceNotFoundException"),
    "rate_limit": (429, "ThrottlingException"),
    "quota": (400, "ServiceQuotaExceededException"),
    "overloaded": (429, "ModelNotReadyException"),
    "timeout": (408, "ModelTimeoutException"),
    "unavailable": (503, "ServiceUnavailableException"),
    "server": (500, "InternalServerException"),
    "truncated": (424, "ModelStreamErrorException"),
}
_TOO_LONG = re.compile(
    r"too long|too many (input )?tokens|context (length|window)|maximum (number of )?(input )?tokens|"
    r"exceeds? the (maximum|model)", re.IGNORECASE
)  # fmt: skip
_FILTERED = re.compile(r"content filter", re.IGNORECASE)


def parse_failure(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    raw = object_of(body)
    named = headers.get("x-amzn-errortype") or _type_in(raw)
    message = _message_in(raw) or body[:500].decode("utf-8", "replace").strip() or f"Bedrock answered with {status}."
    code = _plain_type(named)
    kind = _kind_of(code, message) or _kind_by_status(status, message)
    return Failure(kind, message, status, code, retry_after_seconds=retry_after_seconds(headers, raw or body), raw=raw)


def parse_exception(name: str, payload: bytes) -> Failure:
    """Of a message inside a stream that says that it is an exception or an error."""
    raw = object_of(payload)
    message = _message_in(raw) or text_of(raw.get("originalMessage")) or f"Bedrock's stream broke off: {name}."
    code = _plain_type(name)
    original = raw.get("originalStatusCode")
    kind = _kind_of(code, message) or (_STATUSES.get(original) if isinstance(original, int) else None) or "server"
    return Failure(kind, message, 0, code, retry_after_seconds=retry_after_seconds({}, raw), raw=raw)


def render_failure(failure: Failure, request_id: str) -> tuple[int, dict[str, Any]]:
    """The type is written into the body, where AWS's SDKs look when no header tells it."""
    del request_id  # stands in a header: x-amzn-requestid
    status, name = _TYPES[failure.kind]
    return status, {"__type": name, "message": failure.message}


def exception_name(failure: Failure) -> str:
    """Only these may stand inside a stream."""
    name = _TYPES[failure.kind][1]
    if failure.kind in {"authentication", "permission", "not_found", "quota"}:
        name = "ValidationException"
    elif failure.kind in {"overloaded", "timeout"}:
        name = "ServiceUnavailableException"
    return name[0].lower() + name[1:]


def _type_in(raw: dict[str, Any]) -> str:
    inner = member(raw.get("Output"), "__type") or member(raw.get("Error"), "Code")
    return text_of(raw.get("__type")) or text_of(raw.get("code")) or text_of(inner)


def _message_in(raw: dict[str, Any]) -> str:
    return text_of(raw.get("message")) or text_of(raw.get("Message")) or text_of(member(raw.get("Error"), "Message"))


def _plain_type(named: str) -> str:
    return named.partition(":")[0].rpartition("#")[2]


def _kind_of(code: str, message: str) -> FailureKind | None:
    kind = _KINDS.get(code.lower().removesuffix("exception"))
    return _refined(kind, message) if kind is not None else None


def _kind_by_status(status: int, message: str) -> FailureKind:
    return _refined(_STATUSES.get(status) or ("server" if status >= 500 else "invalid_request"), message)


def _refined(kind: FailureKind, message: str) -> FailureKind:
    """Bedrock has one type for all that is wrong with a request; only the sentence tells more."""
    if kind == "invalid_request" and _TOO_LONG.search(message):
        return "context_length"
    if kind == "invalid_request" and _FILTERED.search(message):
        return "content_filter"
    return kind
