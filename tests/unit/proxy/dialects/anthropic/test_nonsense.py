"""Whatever comes from outside, nothing but a refusal with a sentence is raised."""

import contextlib
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.canonical.request import Format, Request, Tool
from proxy.dialects.anthropic.codec import CODEC
from proxy.dialects.anthropic.count import estimate_tokens
from proxy.dialects.codec import Opening
from proxy.errors import InvalidRequest

NAMES = [
    "type", "role", "content", "text", "source", "data", "input", "id", "name", "tool_use_id", "thinking", "signature",
    "cache_control", "citations", "ttl", "url", "error", "message", "details", "caller", "usage", "stop_reason",
]  # fmt: skip
KINDS = [
    "text", "image", "document", "tool_use", "tool_result", "thinking", "redacted_thinking", "server_tool_use", "user",
    "assistant", "system", "base64", "url", "file", "content", "search_result", "custom", "enabled", "json_schema",
]  # fmt: skip
MEMBERS = [
    "system", "tools", "tool_choice", "thinking", "output_config", "output_format", "metadata", "stop_sequences",
    "max_tokens", "temperature", "cache_control", "service_tier", "mcp_servers", "context_management", "model",
]  # fmt: skip

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4) | st.sampled_from(KINDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=15,
)
blocks = st.dictionaries(st.sampled_from(NAMES), json_values, max_size=5).flatmap(
    lambda block: st.sampled_from(KINDS).map(lambda kind: block | {"type": kind})
)
messages = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system"]), "content": st.lists(blocks, max_size=3) | json_values}
)
bodies = st.fixed_dictionaries({"messages": st.lists(messages, max_size=3) | json_values}).flatmap(
    lambda body: st.dictionaries(st.sampled_from(MEMBERS), json_values, max_size=4).map(lambda more: {**more, **body})
)


@given(bodies)
@settings(max_examples=150, deadline=None)
def test_a_request_is_refused_or_can_be_written_again(body: dict[str, Any]) -> None:
    with contextlib.suppress(InvalidRequest):
        request = CODEC.parse_request(body, "claude-opus-5")
        orjson.dumps(CODEC.render_request(request).body)
        estimate_tokens(request)


words = [
    "type",
    "properties",
    "items",
    "anyOf",
    "allOf",
    "$ref",
    "$defs",
    "required",
    "format",
    "minItems",
    "description",
]
schemas = st.dictionaries(
    st.sampled_from(words),
    st.recursive(
        st.none() | st.integers(0, 2) | st.sampled_from(["object", "#/$defs/type", "uuid"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(words), inner, max_size=4),
        max_leaves=12,
    ),
)


@given(schemas)
@settings(max_examples=100, deadline=None)
def test_a_schema_of_any_form_can_be_sent(schema: dict[str, Any]) -> None:
    request = Request("openai", "claude-opus-5", tools=[Tool("f", schema=schema)], format=Format("schema", schema))
    body = CODEC.render_request(request).body
    assert body["tools"][0]["input_schema"]["type"] == "object"
    orjson.dumps(body)


@given(json_values, st.lists(blocks, max_size=3))
@settings(max_examples=100, deadline=None)
def test_an_answer_of_any_form_can_be_read_and_written(other: Any, content: list[Any]) -> None:
    body = {"content": content, "usage": other, "stop_reason": other, "id": other}
    for one in (body, body | {"content": other}):
        orjson.dumps(CODEC.render_answer(CODEC.parse_answer(one), Opening("x", "y")))


@given(st.binary(max_size=30) | json_values.map(orjson.dumps), st.integers(300, 599))
@settings(max_examples=100, deadline=None)
def test_an_error_of_any_form_is_an_error(body: bytes, status: int) -> None:
    failure = CODEC.parse_failure(status, {}, body)
    assert failure.message
    assert CODEC.render_failure(failure, "x")[0] >= 400
