"""Under which name, fingerprint and label a tool call is recorded."""

from proxy.mcp.envelope import McpRequest
from proxy.mcp.subject import answer_digest, is_tool_error, label_of, name_of, request_digest


def tool_call(arguments: object, request_id: int = 1, **meta) -> McpRequest:
    return McpRequest(request_id, "tools/call", {"name": "search", "arguments": arguments, "_meta": meta})


def test_a_tool_call_is_named_by_its_tool_and_everything_else_by_its_method():
    names = [name_of("web", request) for request in (tool_call({}), McpRequest(1, "tools/list", {}))]
    assert names == ["web/search", "web/tools/list"]


def test_equal_calls_have_equal_digests_whatever_their_ids_order_and_meta():
    first = request_digest("web", tool_call({"a": 1, "b": 2}, 1, traceparent="x"))
    assert first == request_digest("web", tool_call({"b": 2, "a": 1}, 2, traceparent="y"))
    assert first != request_digest("web", tool_call({"a": 1, "b": 3}))
    assert first != request_digest("other", tool_call({"a": 1, "b": 2}))


def test_the_label_is_short_and_for_a_person():
    assert label_of(tool_call({"query": "Finland heat pump subsidy"})) == '"Finland heat pump subsidy"'
    assert label_of(tool_call({"a": 1, "b": "x"})) == '{"a":1,"b":"x"}'
    assert label_of(tool_call({})) == ""
    assert label_of(tool_call({"query": "y" * 500})) == '"' + "y" * 78 + "…"
    assert label_of(McpRequest(1, "resources/read", {"uri": "file:///a"})) == "file:///a"


def test_the_same_words_again_have_the_same_digest_whatever_is_stamped_on_them():
    first = {"id": 1, "result": {"content": [1], "_meta": {"at": 1}}}
    assert answer_digest(first) == answer_digest({"id": 2, "result": {"content": [1], "_meta": {"at": 2}}})
    assert answer_digest(first) != answer_digest({"id": 1, "result": {"content": [1], "isError": True}})
    assert answer_digest({"error": {"code": 1}}) != answer_digest({"error": {"code": 2}})


def test_a_tool_that_failed_is_told_from_one_that_answered():
    assert is_tool_error({"result": {"isError": True}})
    assert not is_tool_error({"result": {"isError": False}})
    assert not is_tool_error({"error": {"code": -32603}})
