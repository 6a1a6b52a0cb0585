"""Errors, both ways. https://platform.claude.com/docs/en/api/errors (November 2026)

| type                  | status | kind                                                     |
|-----------------------|--------|----------------------------------------------------------|
| invalid_request_error | 400    | invalid_request; context_length, quota by its sentence   |
| authentication_error  | 401    | authentication                                           |
| billing_error         | 402    | quota                                                    |
| permission_error      | 403    | permission                                               |
| not_found_error       | 404    | not_found                                                |
| request_too_large     | 413    | too_large                                                |
| rate_limit_error      | 429    | rate_limit                                               |
| api_error             | 500    | server                                                   |
| timeout_error         | 504    | timeout                                                  |
| overloaded_error      | 529    | overloaded; also inside a stream that began with 200     |
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from proxy.canonical.failure import Failure, FailureKind
from proxy.dialects.reading import member, text_of
from proxy.wire.retry_hints import retry_after_seconds

_KIND_OF_TYPE: dict[str, FailureKind] = {
    "invalid_request_error": "invalid_request",
    "conflict_error": "invalid_request",
    "authentication_error": "authentication",
    "billing_error": "quota",
    "permission_error": "permission",
    "not_found_error": "not_found",
    "request_too_large": "too_large",
    "rate_limit_error": "rate_limit",
    "api_error": "server",
    "timeout_error": "timeout",
    "overloaded_error": "overloaded",
}
_KIND_OF_STATUS: dict[int, FailureKind] = {
    401: "authentication", 402: "quota", 403: "permission", 404: "not_found", 408: "timeout", 413: "too_large",
    429: "rate_limit", 502: "unavailable", 503: "unavailable", 504: "timeout", 529: "overloaded",
}  # fmt: skip
_TO_WIRE: dict[FailureKind, tuple[int, str]] = {
    "invalid_request": (400, "invalid_request_error"),
    "context_length": (400, "invalid_request_error"),
    "authentication": (401, "authentication_error"),
    "permission": (403, "permission_error"),
    "not_found": (404, "not_found_error"),
    "too_large": (413, "request_too_large"),
    "content_filter": (400, "invalid_request_error"),
    "rate_limit": (429, "rate_limit_error"),
    "quota": (402, "billing_error"),
    "overloaded": (529, "overloaded_error"),
    "timeout": (504, "timeout_error"),
    "unavailable": (503, "api_error"),
    "server": (500, "api_error"),
    "truncated": (502, "api_error"),
}
_TOO_LONG = re.compile(
    r"prompt is too long|exceed\w* (?:the )?(?:context|model'?s)|context (?:limit|window|length)", re.IGNORECASE
)
_NO_MONEY = re.compile(r"credit balance|spend(?:ing)? limit|usage limits", re.IGNORECASE)
_FILTERED = re.compile(r"content filter\w*|blocked by", re.IGNORECASE)
_WORTH_A_RETRY = {"rate_limit", "overloaded", "timeout", "unavailable", "server", "quota"}
_LONGEST_SENTENCE = 2000  # of a body that is none of ours, HTML mostly
# Claude Code and others look for these words to shorten the conversation and go on.
_TOO_LONG_WORDS = "prompt is too long"


def parse_failure(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    failure = _read(_loaded(body), status, body)
    if failure.kind in _WORTH_A_RETRY:
        failure.retry_after_seconds = retry_after_seconds(headers, body)
    return failure


def failure_in_stream(event: dict[str, Any]) -> Failure:
    return _read(event, 0, b"")


def _read(raw: object, status: int, body: bytes) -> Failure:
    error = member(raw, "error")
    name = text_of(member(error, "type")) or text_of(member(raw, "type")).removeprefix("error")
    sentence = text_of(member(error, "message")) or text_of(member(raw, "message")) or text_of(error)
    if not sentence:
        text = body.decode("utf-8", "replace").strip()
        sentence = text[:_LONGEST_SENTENCE] or f"The provider answered {status or 'an error'} without a word."
    code = text_of(member(member(error, "details"), "error_code")) or name
    return Failure(_kind(name, status, sentence), sentence, status, code, raw=raw if isinstance(raw, dict) else {})


def _kind(name: str, status: int, sentence: str) -> FailureKind:
    kind = _KIND_OF_TYPE.get(name) or _KIND_OF_STATUS.get(status)
    if kind is None:
        kind = "invalid_request" if 400 <= status < 500 else "server"
    if kind not in {"invalid_request", "too_large", "rate_limit"}:
        return kind
    if kind != "rate_limit" and _TOO_LONG.search(sentence):
        return "context_length"
    if kind == "invalid_request" and _NO_MONEY.search(sentence):
        return "quota"
    return "content_filter" if kind == "invalid_request" and _FILTERED.search(sentence) else kind


def _loaded(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def render_failure(failure: Failure, request_id: str) -> tuple[int, dict[str, Any]]:
    status, name = _TO_WIRE[failure.kind]
    if failure.kind in {"server", "unavailable"} and 500 <= failure.status < 600 and failure.status != 529:
        status = failure.status
    sentence = failure.message
    if failure.kind == "context_length" and _TOO_LONG_WORDS not in sentence.lower():
        sentence = f"{_TOO_LONG_WORDS}: {sentence}"
    return status, {"type": "error", "error": {"type": name, "message": sentence}, "request_id": request_id}
