"""Errors in both directions, Claude at its hosts, and estimates of tokens."""

import base64
import json
from typing import Any

import pytest

from proxy.canonical.events import Failed
from proxy.canonical.failure import Failure, FailureKind
from proxy.dialects.anthropic.codec import CODEC
from proxy.dialects.anthropic.count import estimate_tokens, render_count
from proxy.dialects.anthropic.hosted import bedrock_body, from_chunk, from_exception, vertex_body


def error(kind: str, message: str = "why") -> bytes:
    return json.dumps({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}).encode()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, error("invalid_request_error"), "invalid_request"),
        (400, error("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"), "context_length"),
        (
            400,
            error("invalid_request_error", "input length and `max_tokens` exceed context limit: 1 + 2 > 2"),
            "context_length",
        ),
        (400, error("invalid_request_error", "Your credit balance is too low to access the Anthropic API."), "quota"),
        (400, error("invalid_request_error", "Output blocked by content filtering policy"), "content_filter"),
        (401, error("authentication_error"), "authentication"),
        (402, error("billing_error"), "quota"),
        (403, error("permission_error"), "permission"),
        (404, error("not_found_error"), "not_found"),
        (413, error("request_too_large"), "too_large"),
        (429, error("rate_limit_error"), "rate_limit"),
        (500, error("api_error"), "server"),
        (504, error("timeout_error"), "timeout"),
        (529, error("overloaded_error"), "overloaded"),
        (503, b"<html>Service Unavailable</html>", "unavailable"),
        (418, b"", "invalid_request"),
        (500, b"null", "server"),
        (400, b'{"message": "Malformed input request"}', "invalid_request"),
        (429, b'{"error": "too many"}', "rate_limit"),
    ],
)
def test_every_error_is_understood_by_its_type_its_sentence_or_its_status(status: int, body: bytes, kind: str) -> None:
    failure = CODEC.parse_failure(status, {}, body)
    assert (failure.kind, failure.status) == (kind, status)
    assert failure.message


def test_the_time_to_wait_is_told_where_a_retry_is_worth_it() -> None:
    assert CODEC.parse_failure(529, {"retry-after": "7"}, error("overloaded_error")).retry_after_seconds == 7
    assert CODEC.parse_failure(400, {"retry-after": "7"}, error("invalid_request_error")).retry_after_seconds is None


KINDS: dict[FailureKind, tuple[int, str]] = {
    "invalid_request": (400, "invalid_request_error"), "context_length": (400, "invalid_request_error"),
    "authentication": (401, "authentication_error"), "permission": (403, "permission_error"),
    "not_found": (404, "not_found_error"), "too_large": (413, "request_too_large"),
    "content_filter": (400, "invalid_request_error"), "rate_limit": (429, "rate_limit_error"),
    "quota": (402, "billing_error"), "overloaded": (529, "overloaded_error"), "timeout": (504, "timeout_error"),
    "unavailable": (503, "api_error"), "server": (500, "api_error"), "truncated": (502, "api_error"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_failure_has_a_status_and_a_type_that_anthropics_clients_know(kind: FailureKind) -> None:
    status, body = CODEC.render_failure(Failure(kind, "why"), "call_1")
    assert (status, body["error"]["type"]) == KINDS[kind]
    assert body["request_id"] == "call_1"
    assert "why" in body["error"]["message"]


def test_a_conversation_that_is_too_long_is_told_in_the_words_that_agents_look_for() -> None:
    _, body = CODEC.render_failure(Failure("context_length", "This model's maximum context length is 8"), "x")
    assert body["error"]["message"].startswith("prompt is too long: ")


def test_bodies_for_bedrock_and_vertex_say_elsewhere_what_anthropic_says_inside() -> None:
    body: dict[str, Any] = {"model": "claude-opus-5", "stream": True, "max_tokens": 5, "messages": []}
    assert bedrock_body(body, "a-1, b-2") == {
        "max_tokens": 5, "messages": [], "anthropic_version": "bedrock-2023-05-31", "anthropic_beta": ["a-1", "b-2"],
    }  # fmt: skip
    assert vertex_body(body) == {
        "stream": True, "max_tokens": 5, "messages": [], "anthropic_version": "vertex-2023-10-16",
    }  # fmt: skip
    assert body["model"] == "claude-opus-5"


def test_a_chunk_of_bedrocks_stream_is_one_frame_as_anthropic_sends_it() -> None:
    event = b'{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":1}}'
    chunk = json.dumps({"bytes": base64.b64encode(event).decode(), "p": "abcd"}).encode()
    assert from_chunk(chunk) == b"event: message_stop\ndata: " + event + b"\n\n"


@pytest.mark.parametrize("payload", [b"", b"null", b"{}", b'{"bytes": "%"}', b'{"bytes": 5}', b'{"bytes": "e30="}'])
def test_a_chunk_that_is_none_gives_nothing(payload: bytes) -> None:
    assert from_chunk(payload) == b""


def test_an_exception_inside_bedrocks_stream_is_an_error_event() -> None:
    (failed,) = CODEC.decoder().feed(from_exception("throttlingException", b'{"message":"Too many requests"}'))
    assert isinstance(failed, Failed)
    assert (failed.failure.kind, failed.failure.message) == ("rate_limit", "Too many requests")


def test_tokens_are_estimated_from_everything_that_is_said_and_marked_as_an_estimate() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "a" * 400}]}
    bare = estimate_tokens(CODEC.parse_request(body))
    tools = [{"name": "f", "description": "d" * 400, "input_schema": {"type": "object"}}]
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
    assert 100 <= bare <= 110
    assert estimate_tokens(CODEC.parse_request(body | {"tools": tools})) >= bare + 100
    with_image = body | {"messages": [{"role": "user", "content": [image]}]}
    assert estimate_tokens(CODEC.parse_request(with_image)) > 1000
    assert render_count(5, is_estimated=True) == {"input_tokens": 5, "is_estimated": True}
    assert render_count(5, is_estimated=False) == {"input_tokens": 5}
