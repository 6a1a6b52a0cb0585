"""What clients of Anthropic's messages say, as the hub has it."""

from typing import Any

import pytest

from proxy.canonical.parts import Media, Native, Part, Text, Thinking, ToolCall, ToolResult
from proxy.canonical.request import Format, Message, NativeTool, Reasoning, Request, Tool, ToolChoice
from proxy.dialects.anthropic.codec import CODEC
from proxy.errors import InvalidRequest


def parse(*content: dict[str, Any], role: str = "user", **members: Any) -> Request:
    return CODEC.parse_request(
        {
            "model": "claude-opus-4-6",
            "max_tokens": 64,
            "messages": [{"role": role, "content": list(content)}],
            **members,
        }
    )


def only_part(block: dict[str, Any], role: str = "user") -> Part:
    (message,) = parse(block, role=role).messages
    (part,) = message.parts
    return part


def test_system_is_the_first_message_be_it_a_string_or_blocks() -> None:
    assert parse(system="Be short.").messages[0] == Message("system", [Text("Be short.")])
    marked = {"type": "text", "text": "Rules.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    assert parse(system=[marked]).messages[0] == Message("system", [Text("Rules.", cache="1h")])


def test_tool_results_are_parted_from_what_the_user_says_beside_them() -> None:
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "4", "is_error": True}
    assert parse(result, {"type": "text", "text": "Go on."}).messages == [
        Message("tool", [ToolResult("toolu_1", [Text("4")], is_error=True)]),
        Message("user", [Text("Go on.")]),
    ]


def test_an_image_inside_a_tool_result_stays_inside() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image", "source": source}]}
    assert only_part(result) == ToolResult("t", [Media("image", "image/png", "iVBORw0KGgo=")])


@pytest.mark.parametrize(
    ("source", "media"),
    [
        ({"type": "url", "url": "https://example.org/a.pdf"}, Media("document", url="https://example.org/a.pdf")),
        ({"type": "file", "file_id": "file_1"}, Media("document", file_id="file_1")),
        ({"type": "text", "media_type": "text/plain", "data": "a"}, Media("document", "text/plain", text="a")),
        (
            {"type": "content", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            Media(
                "document",
                text="a\nb",
                extra_of="anthropic",
                extra={
                    "source": {
                        "type": "content",
                        "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
                    }
                },
            ),
        ),
    ],
)
def test_every_source_of_a_document_is_known(source: dict[str, Any], media: Media) -> None:
    assert only_part({"type": "document", "source": source}) == media


def test_a_document_keeps_its_title_and_what_only_anthropic_asks_of_it() -> None:
    source = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
    block = {"type": "document", "source": source, "title": "Report", "citations": {"enabled": True}}
    assert only_part(block) == Media(
        "document",
        "application/pdf",
        "JVBERi0=",
        name="Report",
        extra={"citations": {"enabled": True}},
        extra_of="anthropic",
    )


def test_thinking_comes_back_signed_and_what_is_unsigned_is_dropped() -> None:
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "thinking", "thinking": "made elsewhere", "signature": ""},
        {"type": "redacted_thinking", "data": "b3Bh"},
    ]
    (message,) = parse(*blocks, role="assistant").messages
    assert message.parts == [
        Thinking("hm", "c2ln", made_by="anthropic"),
        Thinking(redacted="b3Bh", made_by="anthropic"),
    ]


def test_a_call_keeps_the_order_of_its_arguments_and_who_called() -> None:
    caller = {"type": "code_execution_20260120", "tool_id": "srvtoolu_1"}
    call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"z": 1, "a": [True]}, "caller": caller}
    assert only_part(call, "assistant") == ToolCall("toolu_1", "f", '{"z":1,"a":[true]}', extra={"caller": caller})
    direct = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}, "caller": {"type": "direct"}}
    assert only_part(direct, "assistant") == ToolCall("toolu_1", "f", "{}")


@pytest.mark.parametrize(
    "kind", ["server_tool_use", "web_search_tool_result", "mcp_tool_use", "container_upload", "new"]
)
def test_a_block_that_only_anthropic_knows_is_kept_as_it_is(kind: str) -> None:
    block = {"type": kind, "id": "x", "anything": [1]}
    assert only_part(block, "assistant") == Native("anthropic", block)


def test_tools_with_a_schema_are_functions_and_all_others_are_anthropics_own() -> None:
    schema = {"type": "object", "properties": {}}
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    own = {
        "name": "f",
        "description": "d",
        "input_schema": schema,
        "strict": True,
        "type": "custom",
        "defer_loading": True,
    }
    assert parse(tools=[own, search]).tools == [
        Tool("f", "d", schema, True, extra={"defer_loading": True}),
        NativeTool("anthropic", search),
    ]


@pytest.mark.parametrize(
    ("said", "choice", "is_parallel"),
    [
        ({"type": "auto", "disable_parallel_tool_use": True}, ToolChoice("auto"), False),
        ({"type": "any"}, ToolChoice("required"), None),
        ({"type": "tool", "name": "f", "disable_parallel_tool_use": False}, ToolChoice("tool", ["f"]), True),
        ({"type": "none"}, ToolChoice("none"), None),
    ],
)
def test_the_choice_of_tools_is_understood(said: dict[str, Any], choice: ToolChoice, is_parallel: bool | None) -> None:
    request = parse(tool_choice=said)
    assert (request.tool_choice, request.is_parallel) == (choice, is_parallel)


def test_thinking_effort_and_form_of_the_answer_have_their_places() -> None:
    form = {"type": "json_schema", "schema": {"type": "object"}}
    request = parse(
        thinking={"type": "adaptive", "display": "omitted"}, output_config={"effort": "max", "format": form}
    )
    assert request.reasoning == Reasoning(effort="max", is_adaptive=True, summary="")
    assert request.format == parse(output_format=form).format == Format("schema", {"type": "object"})
    assert parse(thinking={"type": "enabled", "budget_tokens": 2000}).reasoning == Reasoning(budget_tokens=2000)
    assert parse(thinking={"type": "disabled"}).reasoning == Reasoning(is_off=True)


def test_whoever_calls_is_the_user_and_unknown_members_are_kept_under_their_names() -> None:
    request = parse(
        metadata={"user_id": "u", "other": 1}, output_config={"task_budget": {"total": 5}}, speed="fast", container="c"
    )
    assert request.user == "u"
    assert request.rest == {
        "metadata.other": 1, "output_config.task_budget": {"total": 5}, "speed": "fast", "container": "c",
    }  # fmt: skip


def test_a_cache_mark_on_the_request_is_one_on_its_last_block() -> None:
    (message,) = parse(
        {"type": "text", "text": "a"}, {"type": "text", "text": "b"}, cache_control={"type": "ephemeral"}
    ).messages
    assert message.parts == [Text("a"), Text("b", cache="5m")]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"model": "m"},
        {"model": "m", "messages": "hi"},
        {"model": "m", "messages": ["hi"]},
        {"model": "m", "messages": [{"role": "robot", "content": "hi"}]},
        {"model": "m", "messages": [{"role": "user", "content": 5}]},
        {"model": "m", "messages": [{"role": "user", "content": ["hi"]}]},
        {"model": "m", "messages": [], "max_tokens": "many"},
        {"model": "m", "messages": [], "tools": {}},
        {"model": "m", "messages": [], "tool_choice": "auto"},
        {"messages": []},
    ],
)
def test_a_malformed_request_is_refused_with_a_sentence_and_nothing_else_is_raised(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        CODEC.parse_request(body)
