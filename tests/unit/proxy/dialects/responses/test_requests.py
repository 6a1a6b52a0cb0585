"""Requests: what a client of this API means, and what a provider of this API is asked."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.canonical.parts import Citation, Media, Native, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from proxy.canonical.request import (
    Format,
    Message,
    NativeTool,
    Reasoning,
    Request,
    Tool,
    ToolChoice,
)
from proxy.dialects.responses.codec import CODEC
from proxy.errors import InvalidRequest

SCHEMA = {"type": "object", "properties": {"q": {"type": "string"}}}
FULL: dict[str, Any] = {
    "model": "gpt-5",
    "instructions": "Be brief.",
    "input": [
        {"role": "developer", "content": [
            {"type": "input_text", "text": "Answer in Greek."}, {"type": "input_text", "text": "Now."}]},
        {"role": "user", "content": [
            {"type": "input_text", "text": "What is this?"},
            {"type": "input_image", "image_url": "data:image/png;base64,iVBOR", "detail": "low"},
            {"type": "input_image", "file_id": "file-1"},
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBER"},
            {"type": "input_file", "file_url": "https://example.org/b.pdf"},
            {"type": "input_audio", "input_audio": {"data": "UklGR", "format": "wav"}},
        ]},
        {"id": "rs_1", "type": "reasoning", "encrypted_content": "gA",
         "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "search", "arguments": "{\"q\": 1}"},
        {"id": "fc_2", "type": "function_call", "call_id": "call_2", "name": "find", "namespace": "crm",
         "arguments": "{}"},
        {"id": "ctc_1", "type": "custom_tool_call", "call_id": "call_3", "name": "patch", "input": "*** Begin"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "x"}},
        {"type": "function_call_output", "call_id": "call_1", "output": "ok"},
        {"type": "function_call_output", "call_id": "call_2", "output": [
            {"type": "input_text", "text": "see"}, {"type": "input_image", "image_url": "https://example.org/a.png"}]},
        {"type": "custom_tool_call_output", "call_id": "call_3", "output": "done"},
        {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "phase": "commentary",
         "content": [
            {"type": "output_text", "text": "So.", "annotations": [{"type": "file_path", "file_id": "f", "index": 0}]},
            {"type": "refusal", "refusal": "No."}]},
        {"type": "item_reference", "id": "msg_0"},
        {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot", "file_id": "f"}},
        {"role": "user", "content": "Go on."},
    ],
    "tools": [
        {"type": "function", "name": "search", "description": "d", "parameters": SCHEMA, "strict": True},
        {"type": "custom", "name": "patch", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}},
        {"type": "namespace", "name": "crm", "description": "Customers", "tools": [
            {"type": "function", "name": "find", "parameters": SCHEMA, "defer_loading": True},
            {"type": "function", "name": "add", "parameters": SCHEMA}]},
        {"type": "web_search", "search_context_size": "low"},
        {"type": "mcp", "server_label": "wiki", "server_url": "https://example.org/mcp", "require_approval": "never"},
    ],
    "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "search"}]},
    "parallel_tool_calls": False,
    "stream": True,
    "max_output_tokens": 100,
    "temperature": 0.5,
    "top_p": 0.9,
    "top_logprobs": 2,
    "user": "u",
    "service_tier": "flex",
    "text": {"format": {"type": "json_schema", "name": "city", "schema": SCHEMA, "strict": True}, "verbosity": "low"},
    "reasoning": {"effort": "high", "summary": "auto", "context": "all_turns"},
    "include": ["message.output_text.logprobs", "reasoning.encrypted_content"],
    "truncation": "auto",
    "metadata": {"a": "b"},
    "store": False,
    "previous_response_id": "resp_0",
    "prompt_cache_key": "k",
    "safety_identifier": "s",
    "stream_options": {"include_obfuscation": False},
}  # fmt: skip


def test_a_whole_request_is_the_same_after_a_round_trip() -> None:
    request = CODEC.parse_request(FULL)
    rendered = CODEC.render_request(request)
    assert rendered.losses == []
    assert CODEC.parse_request(rendered.body) == request
    body = dict(rendered.body)
    assert sorted(body.pop("include")) == sorted(FULL["include"])
    given = {name: value for name, value in FULL.items() if name not in {"include", "input", "tools"}}
    assert {name: body[name] for name in given} == given
    assert body.keys() == FULL.keys() - {"include"}
    kinds = [item.get("type", "message") for item in FULL["input"]]
    assert [item.get("type", "message") for item in body["input"]] == kinds
    assert [
        item for item in body["input"] if item.get("type") in {"reasoning", "function_call", "custom_tool_call"}
    ] == [item for item in FULL["input"] if item.get("type") in {"reasoning", "function_call", "custom_tool_call"}]
    assert body["tools"] == FULL["tools"]


def test_one_turn_of_the_model_is_one_message() -> None:
    messages = CODEC.parse_request(FULL).messages
    assert [message.role for message in messages] == [
        "system", "developer", "user", "assistant", "tool", "assistant", "tool", "user",
    ]  # fmt: skip
    assert messages[3].parts == [
        Thinking("Hm.", "gA", made_by="responses", item_id="rs_1", is_summary=True),
        ToolCall("call_1", "search", '{"q": 1}', item_id="fc_1"),
        ToolCall("call_2", "crm__find", item_id="fc_2", extra={"namespace": "crm"}),
        ToolCall("call_3", "patch", "*** Begin", "custom", item_id="ctc_1"),
        Native("responses", FULL["input"][6]),
    ]
    assert messages[4].parts == [
        ToolResult("call_1", [Text("ok")]),
        ToolResult("call_2", [Text("see"), Media("image", url="https://example.org/a.png")]),
        ToolResult("call_3", [Text("done")], kind="custom"),
    ]
    assert messages[5].parts[:2] == [
        Text("So.", [Citation("responses", {"type": "file_path", "file_id": "f", "index": 0})]),
        Refusal("No."),
    ]
    assert (messages[5].item_id, messages[5].phase) == ("msg_1", "commentary")


@given(st.lists(st.sampled_from([*FULL["input"], {"role": "assistant", "content": "Well."}]), max_size=10))
def test_items_in_any_order_stay_in_their_order(items: list[dict[str, Any]]) -> None:
    request = CODEC.parse_request({"model": "m", "input": items})
    rendered = CODEC.render_request(request)
    assert CODEC.parse_request(rendered.body) == request
    assert [kind_of(item) for item in rendered.body["input"]] == [kind_of(item) for item in items]


def kind_of(item: dict[str, Any]) -> tuple[Any, Any]:
    return item.get("type", "message"), item.get("role")


def test_media_are_read_whatever_their_form() -> None:
    assert CODEC.parse_request(FULL).messages[2].parts[1:] == [
        Media("image", "image/png", "iVBOR", detail="low"),
        Media("image", file_id="file-1"),
        Media("document", "application/pdf", "JVBER", name="a.pdf"),
        Media("document", url="https://example.org/b.pdf"),
        Media("audio", "audio/wav", "UklGR"),
    ]


def test_what_only_says_the_default_is_nobodys_loss() -> None:
    body = {"model": "m", "input": "x", "truncation": "disabled", "background": False, "metadata": {}, "include": []}
    assert CODEC.parse_request(body) == Request("responses", "m", [Message("user", [Text("x")])])


@pytest.mark.parametrize(
    ("choice", "parsed"),
    [
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ({"type": "function", "name": "f"}, ToolChoice("tool", ["f"])),
        ({"type": "custom", "name": "patch"}, ToolChoice("tool", ["patch"])),
        ({"type": "web_search_preview"}, ToolChoice("tool", native={"type": "web_search_preview"})),
        ({"type": "mcp", "server_label": "w"}, ToolChoice("tool", native={"type": "mcp", "server_label": "w"})),
        ({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]},
         ToolChoice("required", ["f"])),
    ],
)  # fmt: skip
def test_a_choice_of_tools_is_read_and_written(choice: Any, parsed: ToolChoice) -> None:
    tools = [{"type": "function", "name": "f"}, {"type": "custom", "name": "patch"}]
    request = CODEC.parse_request({"model": "m", "input": "x", "tools": tools, "tool_choice": choice})
    assert request.tool_choice == parsed
    assert CODEC.render_request(request).body["tool_choice"] == choice


@pytest.mark.parametrize(
    "body",
    [
        {"input": 3},
        {"input": ["x"]},
        {"input": [{"content": "x"}]},
        {"input": [{"role": "pirate", "content": "x"}]},
        {"input": [{"role": "user", "content": [{"type": "input_smell"}]}]},
        {"input": [{"role": "user", "content": 3}]},
        {"input": "x", "tools": "all"},
        {"input": "x", "tools": [{"type": "function"}]},
        {"input": "x", "tool_choice": "some"},
        {"input": "x", "temperature": "hot"},
        {"input": "x", "reasoning": {"effort": "huge"}},
        {"input": "x", "text": {"format": {"type": "xml"}}},
        {"input": "x", "instructions": 3},
    ],
)
def test_a_malformed_request_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        CODEC.parse_request({"model": "m", **body})


LONG = "c" * 70
CHAT = Request(
    "openai",
    "gpt-5-mini",
    [
        Message("system", [Text("Be brief.")]),
        Message("user", [Text("x", cache="5m"), Media("image", "image/png", "iVBOR")]),
        Message("assistant", [Text("So."), ToolCall(LONG, "search", '{"q":1}'), Thinking("Hm.", made_by="anthropic")]),
        Message("tool", [ToolResult(LONG, [Text("boom")], is_error=True)]),
    ],
    [Tool("search", "d", SCHEMA), NativeTool("anthropic", {"type": "web_search_20250305", "max_uses": 2})],
    is_stream=True,
    includes_usage=True,
    max_tokens=5,
    temperature=0.1,
    stop=["END"],
    seed=3,
    logprobs=True,
    reasoning=Reasoning(budget_tokens=9000),
    format=Format("json"),
    rest={"metadata": {"a": "b"}, "logit_bias": {"1": 2}, "stream_options": {"include_usage": True}},
)  # fmt: skip


def test_a_request_of_chat_completions_is_asked_here() -> None:
    rendered = CODEC.render_request(CHAT)
    call_id = rendered.body["input"][2]["call_id"]
    assert len(call_id) <= 64
    assert rendered.body == {
        "model": "gpt-5-mini",
        "instructions": "Be brief.",
        "input": [
            {"role": "user", "content": [
                {"type": "input_text", "text": "x"},
                {"type": "input_image", "image_url": "data:image/png;base64,iVBOR", "detail": "auto"}]},
            {"role": "assistant", "content": "So."},
            {"type": "function_call", "call_id": call_id, "name": "search", "arguments": '{"q":1}'},
            {"type": "function_call_output", "call_id": call_id, "output": "boom"},
        ],
        "tools": [
            {"type": "function", "name": "search", "description": "d", "parameters": SCHEMA, "strict": False},
            {"type": "web_search"},
        ],
        "stream": True,
        "max_output_tokens": 16,
        "reasoning": {"effort": "medium"},
        "text": {"format": {"type": "json_object"}},
        "metadata": {"a": "b"},
        "store": False,
        "include": ["message.output_text.logprobs", "reasoning.encrypted_content"],
    }  # fmt: skip
    assert {loss.name for loss in rendered.losses} == {
        "is_error", "stop", "seed", "temperature", "max_completion_tokens", "tools.max_uses", "logit_bias",
    }  # fmt: skip


def test_texts_of_another_dialect_follow_on_in_one_message() -> None:
    request = Request(
        "anthropic", "m", [Message("assistant", [Text("Paris"), Text(", France"), Refusal(". No more.")])]
    )
    assert CODEC.render_request(request).body["input"] == [{"role": "assistant", "content": "Paris, France. No more."}]


def test_no_stream_is_asked_for_its_usage() -> None:
    assert "stream_options" not in CODEC.render_request(CHAT).body


def test_a_model_that_does_not_think_is_not_asked_for_its_thoughts() -> None:
    request = Request("anthropic", "gpt-4o", [Message("user", [Text("x")])], temperature=0.3, max_tokens=50)
    body = CODEC.render_request(request).body
    assert body == {
        "model": "gpt-4o",
        "input": [{"role": "user", "content": "x"}],
        "max_output_tokens": 50,
        "temperature": 0.3,
        "store": False,
    }


@pytest.mark.parametrize(
    ("model", "is_asked"),
    [
        ("gpt-5.2", True),
        ("openai/o4-mini", True),
        ("grok-4-fast", True),
        ("openai/gpt-oss-20b", False),
        ("gpt-5-chat-latest", False),
    ],
)
def test_encrypted_thoughts_are_asked_of_models_that_have_them(model: str, is_asked: bool) -> None:
    request = Request("openai", model, [Message("user", [Text("x")])], reasoning=Reasoning(effort="low"))
    assert ("include" in CODEC.render_request(request).body) == is_asked


@pytest.mark.parametrize(
    ("model", "effort"), [("gpt-5.2", "none"), ("gpt-5", "minimal"), ("openai/o4-mini", "low"), ("gpt-4o", None)]
)
def test_thinking_is_turned_off_as_far_as_a_model_lets_it(model: str, effort: str | None) -> None:
    request = Request("anthropic", model, reasoning=Reasoning(is_off=True))
    rendered = CODEC.render_request(request)
    assert (rendered.body.get("reasoning") or {}).get("effort") == effort
    assert bool(rendered.losses) == (effort in {"minimal", "low"})


def test_thoughts_go_back_only_when_they_are_encrypted_and_of_this_api() -> None:
    own = Thinking("Hm.", "gA", made_by="responses", item_id="rs_1", is_summary=True)
    turn: list[Part] = [
        own,
        Thinking("x", "EqRk", made_by="anthropic"),
        Thinking("y", made_by="responses", item_id="rs_2"),
        Text("z"),
    ]
    request = Request("openai", "gpt-5", [Message("assistant", turn)])
    assert CODEC.render_request(request).body["input"] == [
        {
            "id": "rs_1",
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "Hm."}],
            "encrypted_content": "gA",
        },
        {"role": "assistant", "content": "z"},
    ]


def test_what_only_another_dialect_knows_is_said() -> None:
    request = Request(
        "anthropic",
        "m",
        [Message("user", [Media("video", "video/mp4", "AAAA"), Media("image", url="gs://b/a.png"), Text("x")])],
        [NativeTool("anthropic", {"type": "bash_20250124", "name": "bash"})],
        ToolChoice("tool", native={"type": "tool", "name": "bash"}),
        top_k=4,
        rest={"container": "c"},
    )
    rendered = CODEC.render_request(request)
    assert {loss.name for loss in rendered.losses} == {
        "video",
        "image",
        "bash_20250124",
        "tool_choice",
        "top_k",
        "container",
    }
    assert all(loss.reason for loss in rendered.losses)
    assert rendered.body["input"] == [{"role": "user", "content": [{"type": "input_text", "text": "x"}]}]


def test_a_grammar_of_chat_completions_is_written_flat() -> None:
    nested = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}}
    request = Request("openai", "m", tools=[Tool("patch", kind="custom", extra={"format": nested})])
    assert CODEC.render_request(request).body["tools"] == [
        {"type": "custom", "name": "patch", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}}
    ]


@pytest.mark.parametrize("role", ["user", "system"])
def test_a_conversation_of_one_message_never_becomes_an_input_of_none(role: Any) -> None:
    text = "" if role == "user" else "Tell a joke."
    body = CODEC.render_request(Request("openai", "gpt-5", [Message(role, [Text(text)])])).body
    assert body["input"] == [{"role": role, "content": text}]
    assert "instructions" not in body


def test_a_document_of_text_tells_what_it_cannot_say() -> None:
    extra = {"context": "of 2026"}
    document = Media("document", "text/plain", text="So.", name="Log", extra=extra, extra_of="anthropic")
    rendered = CODEC.render_request(Request("anthropic", "gpt-5", [Message("user", [document])]))
    assert rendered.body["input"] == [{"role": "user", "content": [{"type": "input_text", "text": "Log\nSo."}]}]
    assert [loss.name for loss in rendered.losses] == ["context"]


def test_a_function_found_by_a_search_is_called_by_its_own_name_alone() -> None:
    call = {"type": "function_call", "call_id": "c", "name": "find", "namespace": "find", "arguments": "{}"}
    request = CODEC.parse_request(
        {"model": "m", "input": [call], "tools": [{"type": "function", "name": "find", "defer_loading": True}]}
    )
    (part,) = request.messages[0].parts
    assert isinstance(part, ToolCall)
    assert part.name == "find"
    (again,) = CODEC.render_request(request).body["input"]
    assert {name: again[name] for name in call} == call
