"""Errors of OpenAI and of the many servers that speak like it ↔ Failure.

https://platform.openai.com/docs/guides/error-codes (November 2026). The forms that were seen elsewhere:

    {"error": {"message", "type", "param", "code"}}           OpenAI, Azure, Groq, xAI, Together, Fireworks
    {"error": {"code": 429, "message", "metadata": {"raw"}}}  OpenRouter
    {"error": "…", "error_type": "overloaded"}                Ollama, Hugging Face
    [{"error": {"code", "message", "status"}}]                Google's OpenAI-like endpoint
    {"object": "error", "message", "type", "code"}            Mistral, vLLM
    {"detail": "…" | [{"loc", "msg"}]}                        FastAPI behind many of them
    {"errors": [{"message", "code"}]}                         Cloudflare
    {"error_code", "message"}                                 Databricks
    HTML, plain text, `null`, nothing                         whatever stands before them
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from proxy.canonical.failure import Failure, FailureKind
from proxy.dialects.reading import text_of
from proxy.wire.retry_hints import retry_after_seconds

LONGEST_MESSAGE = 2000  # of a page of HTML, for a person's log

_BY_STATUS: dict[int, FailureKind] = {
    401: "authentication", 402: "quota", 403: "permission", 404: "not_found", 408: "timeout", 413: "too_large",
    424: "server", 429: "rate_limit", 498: "overloaded", 499: "timeout", 502: "unavailable", 503: "unavailable",
    504: "timeout", 524: "timeout", 529: "overloaded",
}  # fmt: skip
# From the more to the less telling; searched in code and type, then in the message.
_BY_WORD: tuple[tuple[re.Pattern[str], FailureKind], ...] = (
    (re.compile(r"context_length|string_above_max|context_window|model_max_prompt_tokens"), "context_length"),
    (re.compile(r"content_filter|content_policy|ResponsibleAI|moderation"), "content_filter"),
    (re.compile(r"insufficient_quota|billing|credit|quota_exceeded|exceeded_current_quota|payment"), "quota"),
    (
        re.compile(r"invalid_api_key|authentication|unauthorized|invalid_authentication", re.IGNORECASE),
        "authentication",
    ),
    (
        re.compile(r"rate_limit|too_many_requests|RESOURCE_EXHAUSTED|tokens_per|requests_per", re.IGNORECASE),
        "rate_limit",
    ),
    (re.compile(r"overloaded|capacity", re.IGNORECASE), "overloaded"),
    (re.compile(r"model_not_found|DeploymentNotFound|not_found", re.IGNORECASE), "not_found"),
    (re.compile(r"permission|forbidden", re.IGNORECASE), "permission"),
    (re.compile(r"time_?out|deadline", re.IGNORECASE), "timeout"),
    (re.compile(r"invalid|bad_?request|unsupported|tool_use_failed|validation", re.IGNORECASE), "invalid_request"),
    (re.compile(r"unavailable", re.IGNORECASE), "unavailable"),
    (re.compile(r"server_error|internal", re.IGNORECASE), "server"),
)
_TOO_LONG = re.compile(
    r"maximum (?:context|model) length|context (?:length|window|size)|prompt is too long|reduce the length|"
    r"input is too long|exceeds the (?:model's )?maximum|too many (?:input )?tokens|maximum prompt length",
    re.IGNORECASE,
)
_TITLE = re.compile(r"<title>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<(?:script|style).*?</(?:script|style)>|<[^>]+>", re.IGNORECASE | re.DOTALL)
_HINTED = {"rate_limit", "quota", "overloaded", "unavailable", "timeout", "server"}


def parse_failure(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """Any status and any body. Header names in lower case."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = None
    failure = read_error(value, status)
    if failure is None:
        message = _plain(body) or f"The provider answered {status} without a word."
        failure = Failure(_kind(status, "", message), message, status)
    if failure.kind in _HINTED:
        failure.retry_after_seconds = retry_after_seconds(headers, body if value is None else value)
    return failure


def read_error(value: Any, status: int = 0) -> Failure | None:
    """The error that a JSON value is, or None for one that is none: an answer, a chunk, nothing."""
    if isinstance(value, list):
        return next((failure for failure in (read_error(one, status) for one in value) if failure), None)
    if not isinstance(value, dict):
        return None
    error = value.get("error")
    if isinstance(error, dict) and error:
        return _failure(error, value, status)
    if isinstance(error, str) and error:
        return _failure({"message": error, "type": value.get("error_type")}, value, status)
    errors = value.get("errors")
    if isinstance(errors, list) and errors:
        return _failure(errors[0] if isinstance(errors[0], dict) else {"message": str(errors[0])}, value, status)
    if value.get("object") == "error" or not ("choices" in value or "usage" in value or "id" in value):
        return _bare(value, status)
    return None


def _bare(value: dict[str, Any], status: int) -> Failure | None:
    """An error without a member around it."""
    detail = value.get("detail") or value.get("message") or value.get("Message") or value.get("msg")
    if not detail:
        return None
    return _failure({**value, "message": detail, "code": value.get("code") or value.get("error_code")}, value, status)


def _failure(error: Mapping[str, Any], whole: dict[str, Any], status: int) -> Failure:
    numbers = [int(str(n)) for n in map(error.get, ("status_code", "code", "status")) if _is_status(n)]
    number = numbers[0] if numbers else 0
    code, kind = text_of(error.get("code")), text_of(error.get("type"))
    word = code if code and not code.isdigit() else kind or text_of(error.get("status"))
    message = _sentence(error)
    telling = " ".join(filter(None, (code, kind, text_of(error.get("status")), _inner_code(error))))
    return Failure(
        _kind(status or number, telling, message),
        message,
        status,
        code=word or (str(number) if number else ""),
        param=text_of(error.get("param")),
        retry_after_seconds=None if status else retry_after_seconds({}, whole),
        raw=whole,
    )


def _is_status(number: object) -> bool:
    return str(number).isdigit() and 400 <= int(str(number)) < 600


def _inner_code(error: Mapping[str, Any]) -> str:
    inner = error.get("innererror")
    return text_of(inner.get("code")) if isinstance(inner, dict) else ""


def _sentence(error: Mapping[str, Any]) -> str:
    """The message, with what a router says about the provider behind it."""
    message = error.get("message")
    if not isinstance(message, str):
        message = orjson.dumps(message).decode() if message else ""
    metadata = error.get("metadata")
    raw = text_of(metadata.get("raw")) if isinstance(metadata, dict) else ""
    message = f"{message}: {raw}" if raw and raw not in message else message
    return message or text_of(error.get("code")) or text_of(error.get("type")) or "The provider gave no reason."


def _kind(status: int, telling: str, message: str) -> FailureKind:
    """Code and type say more than the status, and a status that nobody shares more than either."""
    if status in {400, 413, 422, 0} and _TOO_LONG.search(message):
        return "context_length"
    if status in {401, 404}:
        return _BY_STATUS[status]
    for pattern, kind in _BY_WORD:
        if pattern.search(telling) and _fits(kind, status):
            return kind
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return "invalid_request" if 400 <= status < 500 else "server"


def _fits(kind: FailureKind, status: int) -> bool:
    """A type as broad as 'invalid_request_error' tells less than a status that has a name of its own."""
    return kind not in {"invalid_request", "server", "permission", "not_found"} or status not in _BY_STATUS


def _plain(body: bytes) -> str:
    text = body[: 16 * LONGEST_MESSAGE].decode("utf-8", "replace").strip()
    if text in {"null", '""', "{}", "[]"}:
        return ""
    if "<" in text[:200] and (title := _TITLE.search(text)):
        return title[1].strip()[:LONGEST_MESSAGE]
    if text.startswith("<"):
        text = " ".join(_TAG.sub(" ", text).split())
    return text[:LONGEST_MESSAGE]


_STATUS: dict[FailureKind, int] = {
    "invalid_request": 400, "context_length": 400, "authentication": 401, "permission": 403, "not_found": 404,
    "too_large": 413, "content_filter": 400, "rate_limit": 429, "quota": 429, "overloaded": 503, "timeout": 504,
    "unavailable": 503, "server": 500, "truncated": 502,
}  # fmt: skip
_TYPES: dict[FailureKind, str] = {
    "authentication": "authentication_error", "permission": "permission_error", "rate_limit": "rate_limit_error",
    "quota": "insufficient_quota", "overloaded": "server_error", "timeout": "server_error",
    "unavailable": "server_error", "server": "server_error", "truncated": "server_error",
}  # fmt: skip
_CODES: dict[FailureKind, str] = {
    "context_length": "context_length_exceeded", "authentication": "invalid_api_key", "not_found": "model_not_found",
    "content_filter": "content_filter", "rate_limit": "rate_limit_exceeded", "quota": "insufficient_quota",
    "overloaded": "overloaded", "timeout": "timeout", "unavailable": "unavailable", "truncated": "truncated",
}  # fmt: skip
_KNOWN_STATUSES = {400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504}


def render_failure(failure: Failure, request_id: str) -> tuple[int, dict[str, Any]]:
    """Status and body. A status of another dialect's own (529, 402) becomes the one that OpenAI's clients know."""
    del request_id  # stands in a header in this dialect
    status = failure.status if failure.status in _KNOWN_STATUSES else _STATUS[failure.kind]
    return status, {"error": render_error(failure)}


def render_error(failure: Failure) -> dict[str, Any]:
    return {
        "message": failure.message,
        "type": _TYPES.get(failure.kind, "invalid_request_error"),
        "param": failure.param or None,
        "code": _CODES.get(failure.kind) or failure.code or None,
    }
