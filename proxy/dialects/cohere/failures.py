"""Errors of Cohere: https://docs.cohere.com/reference/errors (November 2026). The body holds a sentence and an id."""

import re
from collections.abc import Mapping
from typing import Any

from proxy.canonical.failure import Failure, FailureKind
from proxy.dialects.reading import member, object_of, text_of
from proxy.wire.retry_hints import retry_after_seconds

_STATUSES: dict[int, FailureKind] = {
    400: "invalid_request", 401: "authentication", 402: "quota", 403: "permission", 404: "not_found", 408: "timeout",
    413: "too_large", 422: "invalid_request", 429: "rate_limit", 498: "content_filter", 499: "timeout",
    500: "server", 501: "invalid_request", 503: "unavailable", 504: "timeout",
}  # fmt: skip
_RENDERED: dict[FailureKind, int] = {
    "invalid_request": 400, "context_length": 400, "content_filter": 498, "too_large": 413, "authentication": 401,
    "permission": 403, "not_found": 404, "rate_limit": 429, "quota": 402, "overloaded": 503, "timeout": 504,
    "unavailable": 503, "server": 500, "truncated": 500,
}  # fmt: skip
_TOO_LONG = re.compile(r"too many tokens|too long|context (length|window)|exceeds? the (max|limit)", re.IGNORECASE)
_SPENT = re.compile(r"month|billing|credit|trial key", re.IGNORECASE)
_BRIEF = re.compile(r"(?:/|per) ?(?:minute|second)", re.IGNORECASE)  # a trial key has limits of both kinds


def parse_failure(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    raw = object_of(body)
    sentence = sentence_in(raw) or body[:500].decode("utf-8", "replace").strip() or f"Cohere answered with {status}."
    kind = _STATUSES.get(status) or ("server" if status >= 500 else "invalid_request")
    if kind == "invalid_request" and _TOO_LONG.search(sentence):
        kind = "context_length"
    elif kind == "rate_limit" and _SPENT.search(sentence) and not _BRIEF.search(sentence):
        kind = "quota"
    code = text_of(raw.get("code")) or text_of(raw.get("type"))
    return Failure(kind, sentence, status, code, retry_after_seconds=retry_after_seconds(headers, raw or body), raw=raw)


def render_failure(failure: Failure, request_id: str) -> tuple[int, dict[str, Any]]:
    return _RENDERED[failure.kind], {"id": request_id, "message": failure.message}


def sentence_in(raw: dict[str, Any]) -> str:
    error = raw.get("error")
    return text_of(raw.get("message")) or text_of(error) or text_of(member(error, "message"))
