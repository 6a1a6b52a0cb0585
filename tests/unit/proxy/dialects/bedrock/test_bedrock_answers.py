"""Whole answers of Converse, and its errors."""

from typing import Any

import orjson
import pytest

from proxy.canonical.answer import Answer, Choice, StopReason
from proxy.canonical.failure import Failure, FailureKind
from proxy.canonical.parts import Media, Native, Text, Thinking, ToolCall
from proxy.dialects.bedrock.codec import CODEC
from proxy.dialects.codec import Opening
from proxy.records import Usage


def answer(**members: Any) -> dict[str, Any]:
    content = members.pop("content", [{"text": "Hi"}])
    return {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": "end_turn", **members}


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("end_turn", "stop"),
        ("tool_use", "tool_calls"),
        ("max_tokens", "length"),
        ("stop_sequence", "stop_sequence"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("malformed_model_output", "error"),
        ("malformed_tool_use", "error"),
        ("model_context_window_exceeded", "context_window"),
        ("something_new", "stop"),
    ],
)
def test_a_stop_reason_has_a_meaning_and_stays_as_it_was_said(word: str, meaning: StopReason) -> None:
    (choice,) = CODEC.parse_answer(answer(stopReason=word)).choices
    assert (choice.stop, choice.native_stop) == (meaning, word)


def test_cache_writes_are_told_apart_by_how_long_they_hold() -> None:
    usage = {
        "inputTokens": 1, "outputTokens": 2, "totalTokens": 18, "cacheReadInputTokens": 5, "cacheWriteInputTokens": 10,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 7}, {"ttl": "5m", "inputTokens": 3}],
    }  # fmt: skip
    parsed = CODEC.parse_answer(answer(usage=usage))
    assert parsed.usage == Usage(input=1, output=2, cache_read=5, cache_write_5m=3, cache_write_1h=7)
    assert parsed.raw_usage == usage


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"Output": {"__type": "com.amazon.coral.service#UnknownOperationException"}, "Version": "1.0"},
         "UnknownOperationException"),
        ({}, "no_output"),
        ({"output": {}, "stopReason": "max_tokens"}, "max_tokens"),
        ({"output": None}, "no_output"),
    ],
)  # fmt: skip
def test_200_without_output_is_no_clean_end(body: dict[str, Any], word: str) -> None:
    (choice,) = CODEC.parse_answer(body).choices
    assert choice == Choice([], "error", word)


def test_hidden_thinking_is_unwrapped_to_what_anthropic_sends() -> None:
    content = [{"reasoningContent": {"redactedContent": "RXFR"}}, {"reasoningContent": {"redactedContent": "/w=="}}]
    (choice,) = CODEC.parse_answer(answer(content=content)).choices
    assert choice.parts == [Thinking(redacted="EqQ", made_by="anthropic"), Thinking(redacted="/w==", made_by="bedrock")]
    rendered = CODEC.render_answer(Answer("bedrock", choices=[choice]), Opening("call", "model"))
    assert rendered["output"]["message"]["content"] == content


def test_the_stop_sequence_is_found_where_the_request_asked_for_it() -> None:
    for fields in ({"stop_sequence": "END"}, {"delta": {"stop_sequence": "END"}}):
        (choice,) = CODEC.parse_answer(answer(additionalModelResponseFields=fields)).choices
        assert choice.stop_sequence == "END"


def test_an_answer_of_another_dialect_is_told_in_bedrocks_words() -> None:
    parts = [
        Thinking("Hm", "sig", made_by="gemini"), Text("Hi"), ToolCall("a", "weather", ""),
        Media("image", "image/png", data="eA=="),
    ]  # fmt: skip
    choice = Choice(parts, "tool_calls", "tool_calls")
    theirs = Answer("openai", "id", "model", 1, [choice], Usage(input=3, output=4, cache_read=2), {"prompt_tokens": 5})
    rendered = CODEC.render_answer(theirs, Opening("call", "model"))
    assert rendered == {
        "output": {
            "message": {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "Hm"}}},
                    {"text": "Hi"},
                    {"toolUse": {"toolUseId": "a", "name": "weather", "input": {}}},
                    {"image": {"format": "png", "source": {"bytes": "eA=="}}},
                ],
            }
        },
        "stopReason": "tool_use",
        "usage": {
            "inputTokens": 3, "outputTokens": 4, "totalTokens": 9,
            "cacheReadInputTokens": 2, "cacheWriteInputTokens": 0,
        },
    }  # fmt: skip


def test_what_another_providers_tools_found_is_not_told_as_what_the_model_said() -> None:
    found = Native("gemini", {"executableCode": {}}, "print()")
    opening = Opening("call", "model")
    rendered = CODEC.render_answer(Answer("gemini", choices=[Choice([found, Text("Hi")])]), opening)
    assert rendered["output"]["message"]["content"] == [{"text": "Hi"}]
    assert len(opening.losses) == 1


def fail(status: int, headers: dict[str, str], body: bytes) -> Failure:
    return CODEC.parse_failure(status, headers, body)


@pytest.mark.parametrize(
    ("status", "named", "message", "kind"),
    [
        (429, "ThrottlingException:http://internal.amazon.com/coral/", "Too many requests", "rate_limit"),
        (429, "ModelNotReadyException", "not ready", "overloaded"),
        (400, "ServiceQuotaExceededException", "quota", "quota"),
        (400, "ValidationException", "The value is wrong.", "invalid_request"),
        (400, "ValidationException", "Input is too long for requested model.", "context_length"),
        (400, "ValidationException", "prompt is too long: 210000 tokens > 200000 maximum", "context_length"),
        (403, "AccessDeniedException", "no access", "permission"),
        (403, "UnrecognizedClientException", "bad token", "authentication"),
        (403, "ExpiredTokenException", "expired", "authentication"),
        (403, "InvalidSignatureException", "bad signature", "authentication"),
        (404, "ResourceNotFoundException", "no such model", "not_found"),
        (408, "ModelTimeoutException", "slow", "timeout"),
        (424, "ModelErrorException", "the model broke", "server"),
        (500, "InternalServerException", "broken", "server"),
        (503, "ServiceUnavailableException", "busy", "unavailable"),
        (418, "", "tea", "invalid_request"),
        (599, "", "odd", "server"),
    ],
)
def test_an_errors_type_tells_its_kind(status: int, named: str, message: str, kind: FailureKind) -> None:
    failure = fail(status, {"x-amzn-errortype": named} if named else {}, orjson.dumps({"message": message}))
    assert (failure.kind, failure.status, failure.message) == (kind, status, message)
    assert failure.code == named.partition(":")[0]


def test_the_type_may_stand_in_the_body_instead() -> None:
    body = orjson.dumps({"__type": "com.amazon.coral.service#ThrottlingException", "Message": "slow"})
    failure = fail(400, {"retry-after": "7"}, body)
    assert (failure.kind, failure.code, failure.message) == ("rate_limit", "ThrottlingException", "slow")
    assert failure.retry_after_seconds == 7


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"<html>bad gateway</html>", b"\xff\xfe", b'{"message": 3}'])
def test_any_body_makes_a_failure(body: bytes) -> None:
    failure = fail(503, {}, body)
    assert failure.kind == "unavailable"
    assert failure.message


def test_a_failure_is_told_with_status_and_type_and_read_again() -> None:
    for kind in (
        "rate_limit",
        "authentication",
        "permission",
        "not_found",
        "server",
        "unavailable",
        "timeout",
        "quota",
    ):
        status, body = CODEC.render_failure(Failure(kind, "why"), "request")  # type: ignore[arg-type] # they are kinds
        again = fail(status, {}, orjson.dumps(body))
        assert (again.kind, again.message) == (kind, "why")
