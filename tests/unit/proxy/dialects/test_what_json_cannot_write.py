"""Numbers beyond 64 bits, and lists where words belong: refused as the client's fault, or passed over, never fatal."""

import contextlib
from typing import Any

import orjson
import pytest

from proxy.errors import Dialect, InvalidRequest
from proxy.translating import translate

EVERY: tuple[Dialect, ...] = ("openai", "responses", "anthropic", "gemini", "bedrock", "cohere")
HI: list[dict[str, Any]] = [{"role": "user", "content": "hi"}]
ASKED: list[dict[str, Any]] = [{"role": "user", "content": [{"text": "hi"}]}]
PARTS: list[dict[str, Any]] = [{"parts": [{"text": "hi"}]}]
SCHEMA = {"type": "OBJECT", "properties": {"a": {"type": "STRING", "maxLength": "9" * 30}}}
WRITTEN: list[tuple[Dialect, dict[str, Any]]] = [
    ("openai", {"messages": HI, "max_tokens": 1e30}),
    ("cohere", {"messages": HI, "max_tokens": 1e30}),
    ("responses", {"input": "hi", "max_output_tokens": 1e30}),
    ("responses", {"input": "hi", "tool_choice": {"type": ["web_search"]}}),
    ("anthropic", {"messages": HI, "max_tokens": 1e30}),
    ("anthropic", {"messages": HI, "max_tokens": 9, "tools": [{"type": {"a": 1}, "name": "f"}]}),
    ("bedrock", {"messages": ASKED, "inferenceConfig": {"maxTokens": 1e30}}),
    ("bedrock", {"messages": ASKED, "additionalModelRequestFields": {"thinking": {"display": ["summarized"]}}}),
    ("gemini", {"contents": PARTS, "generationConfig": {"maxOutputTokens": 1e30}}),
    ("gemini", {"contents": PARTS, "generationConfig": {"thinkingConfig": {"thinkingBudget": 1e30}}}),
    ("gemini", {"contents": PARTS, "tools": [{"functionDeclarations": [{"name": "f", "parameters": SCHEMA}]}]}),
]


@pytest.mark.parametrize(
    ("source", "body", "target"),
    [(source, body, target) for source, body in WRITTEN for target in EVERY if target != source],
)
def test_what_json_cannot_write_is_no_crash(source: Dialect, body: dict[str, Any], target: Dialect) -> None:
    data = orjson.dumps(body)
    with contextlib.suppress(InvalidRequest):
        assert orjson.loads(translate(data, source, target, model="m").output)


def test_a_number_that_json_cannot_write_is_the_clients_fault() -> None:
    with pytest.raises(InvalidRequest, match=r"1e\+30"):
        translate(orjson.dumps({"messages": HI, "max_tokens": 1e30}), "openai", "anthropic", model="m")


ODD_ANSWERS: list[tuple[Dialect, str]] = [
    ("openai", 'data: {"choices":[{"index":0,"delta":{"audio":{"data":1.5}}}]}\n\n'
               'data: {"choices":[{"index":0,"delta":{"audio":{"data":"AA=="}},"finish_reason":"stop"}]}\n\n'),
    ("cohere", '{"message":{"content":[]},"finish_reason":"COMPLETE","logprobs":[{"logprobs":1}]}'),
]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "answer", "target"),
    [(source, answer, target) for source, answer in ODD_ANSWERS for target in EVERY if target != source],
)
def test_a_member_of_another_kind_is_passed_over_in_an_answer(source: Dialect, answer: str, target: Dialect) -> None:
    assert translate(answer.encode(), source, target, is_stream=True, model="m").output
