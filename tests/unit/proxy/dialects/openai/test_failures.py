import json
from typing import Any

import pytest

from proxy.canonical.failure import Failure, FailureKind
from proxy.dialects.openai.codec import CODEC


def parse(status: int, body: Any, **headers: str) -> Failure:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return CODEC.parse_failure(status, {name.replace("_", "-"): value for name, value in headers.items()}, text)


LONG = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."


@pytest.mark.parametrize(
    ("status", "error", "kind", "code"),
    [
        (400, {"message": LONG, "type": "invalid_request_error", "code": "context_length_exceeded"}, "context_length",
         "context_length_exceeded"),
        (400, {"message": LONG, "type": "invalid_request_error", "code": None}, "context_length",
         "invalid_request_error"),
        (400, {"message": "Bad", "type": "invalid_request_error", "param": "x"}, "invalid_request",
         "invalid_request_error"),
        (400, {"message": "Filtered", "code": "content_filter", "status": 400}, "content_filter", "content_filter"),
        (401, {"message": "Key", "type": "invalid_request_error", "code": "invalid_api_key"}, "authentication",
         "invalid_api_key"),
        (402, {"message": "Pay", "type": "unknown_error"}, "quota", "unknown_error"),
        (403, {"message": "Country", "type": "request_forbidden"}, "permission", "request_forbidden"),
        (404, {"message": "Model", "code": "model_not_found"}, "not_found", "model_not_found"),
        (413, {"message": "Big", "type": "invalid_request_error"}, "too_large", "invalid_request_error"),
        (429, {"message": "Slow", "type": "tokens", "code": "rate_limit_exceeded"}, "rate_limit",
         "rate_limit_exceeded"),
        (429, {"message": "Pay", "type": "insufficient_quota", "code": "insufficient_quota"}, "quota",
         "insufficient_quota"),
        (429, {"message": "Slow", "code": 429}, "rate_limit", "429"),
        (498, {"message": "Flex", "type": "capacity_exceeded"}, "overloaded", "capacity_exceeded"),
        (500, {"message": "Oops", "type": "server_error"}, "server", "server_error"),
        (503, {"message": "Busy", "type": "overloaded"}, "overloaded", "overloaded"),
        (504, {"message": "Late", "type": "server_error"}, "timeout", "server_error"),
        (529, {"message": "Busy", "type": "overloaded_error"}, "overloaded", "overloaded_error"),
    ],
)  # fmt: skip
def test_an_error_is_of_the_kind_that_its_code_says(status: int, error: Any, kind: FailureKind, code: str) -> None:
    failure = parse(status, {"error": error})
    assert (failure.kind, failure.message, failure.status, failure.code) == (kind, error["message"], status, code)
    assert failure.param == error.get("param", "")


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (400, {"error": "model is required"}, "invalid_request", "model is required"),
        (404, {"object": "error", "message": "No model", "type": "NotFoundError", "code": 404}, "not_found",
         "No model"),
        (422, {"detail": [{"loc": ["body", "n"], "msg": "wrong"}]}, "invalid_request",
         '[{"loc":["body","n"],"msg":"wrong"}]'),
        (401, {"detail": "Unauthorized"}, "authentication", "Unauthorized"),
        (401, {"message": "Unauthorized", "request_id": "r"}, "authentication", "Unauthorized"),
        (400, {"errors": [{"code": 5006, "message": "AiError"}], "success": False}, "invalid_request", "AiError"),
        (400, {"error_code": "BAD_REQUEST", "message": "Bad"}, "invalid_request", "Bad"),
        (429, [{"error": {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED"}}], "rate_limit", "Quota"),
        (429, {"error": {"code": 429, "message": "Provider returned error", "metadata": {"raw": "slow down"}}},
         "rate_limit", "Provider returned error: slow down"),
        (502, b"<html><head><title>502 Bad Gateway</title></head><body/></html>", "unavailable", "502 Bad Gateway"),
        (503, b"<html><style>a</style><body><h1>Down</h1> for now</body></html>", "unavailable", "Down for now"),
        (503, b"upstream connect error", "unavailable", "upstream connect error"),
        (500, b"", "server", "The provider answered 500 without a word."),
        (500, b"null", "server", "The provider answered 500 without a word."),
        (500, {"error": {}}, "server", '{"error": {}}'),
        (429, b"\xff\xfe", "rate_limit", "\ufffd\ufffd"),
    ],
)  # fmt: skip
def test_an_error_of_any_form_has_a_kind_and_a_sentence(
    status: int, body: Any, kind: FailureKind, message: str
) -> None:
    failure = parse(status, body)
    assert (failure.kind, failure.message) == (kind, message)


def test_a_retry_hint_is_read_from_headers_and_body_of_what_is_worth_a_retry() -> None:
    error = {"error": {"message": "Rate limit reached. Please try again in 1.2s.", "code": "rate_limit_exceeded"}}
    assert parse(429, error).retry_after_seconds == 1.2
    assert parse(429, error, retry_after="3").retry_after_seconds == 3
    assert parse(503, b"<html/>", retry_after="3").retry_after_seconds == 3
    spent = {"x_ratelimit_reset_requests": "9s", "x_ratelimit_remaining_requests": "0"}
    assert parse(400, {"error": {"message": "Bad"}}, **spent).retry_after_seconds is None


@pytest.mark.parametrize(
    ("failure", "status", "error"),
    [
        (Failure("overloaded", "Busy", 529, "overloaded_error"), 503,
         {"message": "Busy", "type": "server_error", "param": None, "code": "overloaded"}),
        (Failure("context_length", "Long", 400, "invalid_request_error"), 400,
         {"message": "Long", "type": "invalid_request_error", "param": None, "code": "context_length_exceeded"}),
        (Failure("rate_limit", "Slow", 429, "RESOURCE_EXHAUSTED"), 429,
         {"message": "Slow", "type": "rate_limit_error", "param": None, "code": "rate_limit_exceeded"}),
        (Failure("invalid_request", "Bad", 422, "validation", "n"), 422,
         {"message": "Bad", "type": "invalid_request_error", "param": "n", "code": "validation"}),
        (Failure("rate_limit", "Slow"), 429,
         {"message": "Slow", "type": "rate_limit_error", "param": None, "code": "rate_limit_exceeded"}),
        (Failure("truncated", "Cut"), 502,
         {"message": "Cut", "type": "server_error", "param": None, "code": "truncated"}),
    ],
)  # fmt: skip
def test_a_failure_is_told_in_the_words_of_openai(failure: Failure, status: int, error: dict[str, Any]) -> None:
    assert CODEC.render_failure(failure, "req_1") == (status, {"error": error})
