from typing import Any

import orjson
import pytest

from proxy.canonical.failure import Failure, FailureKind
from proxy.dialects.gemini.codec import CODEC

TYPE = "type.googleapis.com/google.rpc."


def error(code: int, status: str, message: str = "m", details: Any = None) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status, **({"details": details} if details else {})}}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (error(400, "INVALID_ARGUMENT"), "invalid_request"),
        (
            error(
                400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed (8)."
            ),
            "context_length",
        ),
        (error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."), "authentication"),
        (error(400, "FAILED_PRECONDITION", "User location is not supported for the API use."), "permission"),
        (error(400, "INVALID_ARGUMENT", "Request payload size exceeds the limit: 20971520 bytes."), "too_large"),
        (error(401, "UNAUTHENTICATED"), "authentication"),
        (error(403, "PERMISSION_DENIED"), "permission"),
        (error(404, "NOT_FOUND"), "not_found"),
        (
            error(
                429,
                "RESOURCE_EXHAUSTED",
                "You exceeded your current quota, please check your plan and billing details.",
            ),
            "rate_limit",
        ),
        (
            error(
                429,
                "RESOURCE_EXHAUSTED",
                "quota",
                [{"@type": TYPE + "QuotaFailure", "violations": [{"quotaId": "RequestsPerDay"}]}],
            ),
            "quota",
        ),
        (error(500, "INTERNAL"), "server"),
        (error(503, "UNAVAILABLE", "The model is overloaded."), "overloaded"),
        (error(504, "DEADLINE_EXCEEDED"), "timeout"),
    ],
)
def test_an_error_is_of_the_kind_that_its_status_and_words_say(body: dict[str, Any], kind: FailureKind) -> None:
    failure = CODEC.parse_failure(body["error"]["code"], {}, orjson.dumps(body))
    assert (failure.kind, failure.message, failure.status) == (kind, body["error"]["message"], body["error"]["code"])
    assert CODEC.parse_failure(body["error"]["code"], {}, orjson.dumps([body])) == failure


@pytest.mark.parametrize("body", [b"", b"<html>bad gateway</html>", b"null", b"[]", b'{"error": "words"}', b"\xff"])
def test_any_body_is_an_error(body: bytes) -> None:
    failure = CODEC.parse_failure(502, {}, body)
    assert failure.kind == "unavailable"
    assert failure.message


def test_the_delay_stands_only_in_the_body() -> None:
    details = [{"@type": TYPE + "RetryInfo", "retryDelay": "34.4s"}]
    failure = CODEC.parse_failure(429, {}, orjson.dumps(error(429, "RESOURCE_EXHAUSTED", details=details)))
    assert failure.retry_after_seconds == 34.4
    assert CODEC.parse_failure(503, {"retry-after": "3"}, b"").retry_after_seconds == 3


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("invalid_request", (400, "INVALID_ARGUMENT")),
        ("authentication", (401, "UNAUTHENTICATED")),
        ("permission", (403, "PERMISSION_DENIED")),
        ("not_found", (404, "NOT_FOUND")),
        ("rate_limit", (429, "RESOURCE_EXHAUSTED")),
        ("overloaded", (503, "UNAVAILABLE")),
        ("server", (500, "INTERNAL")),
        ("timeout", (504, "DEADLINE_EXCEEDED")),
    ],
)
def test_an_error_of_others_is_read_back_as_what_it_was(kind: FailureKind, expected: tuple[int, str]) -> None:
    status, body = CODEC.render_failure(Failure(kind, "told", code="of_the_provider", retry_after_seconds=2), "req_1")
    assert (status, body["error"]["status"], body["error"]["code"]) == (*expected, expected[0])
    again = CODEC.parse_failure(status, {}, orjson.dumps(body))
    assert (again.kind, again.message, again.code, again.retry_after_seconds) == (kind, "told", "of_the_provider", 2)
    assert {"@type": TYPE + "RequestInfo", "requestId": "req_1"} in body["error"]["details"]
