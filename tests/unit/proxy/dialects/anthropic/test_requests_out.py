"""Requests of other dialects, made to fit Anthropic's messages and the model."""

from typing import Any

import pytest

from proxy.canonical.parts import Media, Native, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from proxy.canonical.request import (
    Format,
    Loss,
    Message,
    NativeTool,
    Reasoning,
    Rendered,
    Request,
    Role,
    Tool,
    ToolChoice,
)
from proxy.dialects.anthropic.codec import CODEC

OLD, BUDGETED, ADAPTIVE, NEWEST = "claude-3-5-sonnet-20241022", "claude-sonnet-4-5", "claude-opus-4-6", "claude-opus-5"


def said(role: Role, *parts: Part | str) -> Message:
    return Message(role, [Text(part) if isinstance(part, str) else part for part in parts])


def render(*messages: Message, model: str = BUDGETED, **members: Any) -> Rendered:
    return CODEC.render_request(Request("openai", model, list(messages) or [said("user", "hi")], **members))


def names(rendered: Rendered) -> list[str]:
    return [loss.name for loss in rendered.losses]


def test_leading_system_messages_go_to_system_and_later_ones_into_the_users_turn() -> None:
    body = render(
        said("system", "One."),
        said("developer", "Two."),
        said("user", "hi"),
        said("assistant", "ho"),
        said("system", "Now."),
    ).body
    assert body["system"] == [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]
    assert body["messages"][-1] == {"role": "user", "content": "[system] Now."}


def test_neighbours_of_one_role_become_one_message_with_tool_results_first() -> None:
    calls = [ToolCall("call_1", "f"), ToolCall("call_2", "f", '{"a":1}')]
    body = render(
        said("user", "hi"),
        Message("assistant", [*calls]),
        said("tool", ToolResult("call_1", [Text("1")])),
        said("user", "and"),
        said("tool", ToolResult("call_2", [Text("2")])),
        tools=[Tool("f")],
    ).body
    assert body["messages"] == [
        {"role": "user", "content": "hi"},
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "call_1", "name": "f", "input": {}},
                {"type": "tool_use", "id": "call_2", "name": "f", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "call_1", "content": "1"},
                {"type": "tool_result", "tool_use_id": "call_2", "content": "2"},
                {"type": "text", "text": "and"},
            ],
        },
    ]


def test_empty_texts_are_left_out_since_anthropic_refuses_them() -> None:
    body = render(said("user", "hi"), said("assistant", "", " \n"), said("user", "still")).body
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "text", "text": "still"}]}
    ]


@pytest.mark.parametrize("arguments", ['{"a": ', "[1]", '"text"'])
def test_arguments_that_are_no_object_go_as_text_in_one(arguments: str) -> None:
    rendered = render(said("user", "hi"), said("assistant", ToolCall("c", "f", arguments)), tools=[Tool("f")])
    assert rendered.body["messages"][1]["content"][0]["input"] == {"arguments": arguments}
    assert names(rendered) == ["tool_calls.arguments"]


def test_ids_and_names_that_anthropic_refuses_are_respelt_alike_in_call_result_and_tool() -> None:
    rendered = render(
        said("user", "hi"),
        said("assistant", ToolCall("functions.f:0", "my.tool")),
        said("tool", ToolResult("functions.f:0", [Text("x")])),
        tools=[Tool("my.tool")],
        tool_choice=ToolChoice("tool", ["my.tool"]),
    )
    body = rendered.body
    call, result = body["messages"][1]["content"][0], body["messages"][2]["content"][0]
    assert call["id"] == result["tool_use_id"] != "functions.f:0"
    assert call["name"] == body["tools"][0]["name"] == body["tool_choice"]["name"]
    assert call["name"].startswith("my_tool_")
    assert rendered.tool_names == {call["name"]: "my.tool"}


def test_thinking_of_others_never_reaches_anthropic_and_its_own_does_verbatim() -> None:
    own = Thinking("hm", "c2ln", made_by="anthropic")
    body = render(
        said("user", "hi"),
        said("assistant", Thinking("foreign", "eHg=", made_by="gemini"), own, Thinking("bare"), "ho"),
    ).body
    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "text", "text": "ho"},
    ]


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        (OLD, 8192),
        ("claude-3-haiku-20240307", 4096),
        ("anthropic.claude-opus-4-20250514-v1:0", 32_000),
        (NEWEST, 32_000),
    ],
)
def test_max_tokens_is_always_said_since_the_api_demands_it(model: str, limit: int) -> None:
    assert render(model=model).body["max_tokens"] == limit
    assert render(model=model, max_tokens=77).body["max_tokens"] == 77


def test_an_effort_is_a_budget_for_older_models_and_goes_without_sampling() -> None:
    rendered = render(reasoning=Reasoning(effort="high"), temperature=0.3, top_p=0.9)
    assert rendered.body["thinking"] == {"type": "enabled", "budget_tokens": 16_384}
    assert not {"temperature", "top_p"} & set(rendered.body)
    assert names(rendered) == ["temperature", "top_p"]


@pytest.mark.parametrize(("limit", "budget", "raised"), [(10_000, 8000, 10_000), (500, 1024, 1524), (1025, 1024, 1025)])
def test_a_budget_stays_below_the_limit_of_the_answer(limit: int, budget: int, raised: int) -> None:
    body = render(max_tokens=limit, reasoning=Reasoning(effort="high")).body
    assert (body["thinking"]["budget_tokens"], body["max_tokens"]) == (budget, raised)


def test_newer_models_think_as_they_like_at_an_effort() -> None:
    body = render(model=ADAPTIVE, reasoning=Reasoning(budget_tokens=9000, includes_thoughts=True)).body
    assert body["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert body["output_config"] == {"effort": "medium"}


def test_an_effort_that_the_model_does_not_know_is_lowered_and_told() -> None:
    rendered = render(model=ADAPTIVE, reasoning=Reasoning(effort="xhigh"))
    assert rendered.body["output_config"] == {"effort": "high"}
    assert names(rendered) == ["reasoning_effort"]
    assert render(model="claude-opus-4-7", reasoning=Reasoning(effort="xhigh")).body["output_config"] == {
        "effort": "xhigh"
    }


@pytest.mark.parametrize("model", [BUDGETED, ADAPTIVE])
def test_a_forced_tool_turns_thinking_off(model: str) -> None:
    rendered = render(
        model=model, reasoning=Reasoning(effort="low"), tools=[Tool("f")], tool_choice=ToolChoice("required")
    )
    assert "thinking" not in rendered.body
    assert rendered.body["tool_choice"] == {"type": "any"}
    assert names(rendered) == ["reasoning_effort"]


def test_a_turn_that_goes_on_without_its_thinking_does_not_think_on_models_with_budgets() -> None:
    turn = [said("user", "hi"), said("assistant", ToolCall("c", "f")), said("tool", ToolResult("c", [Text("1")]))]
    rendered = render(*turn, reasoning=Reasoning(effort="low"), tools=[Tool("f")])
    assert "thinking" not in rendered.body
    assert names(rendered) == ["reasoning_effort"]
    turn[1] = said("assistant", Thinking("hm", "c2ln", made_by="anthropic"), ToolCall("c", "f"))
    assert "thinking" in render(*turn, reasoning=Reasoning(effort="low"), tools=[Tool("f")]).body


def test_no_thinking_is_said_only_where_a_model_would_think_unasked() -> None:
    assert "thinking" not in render(reasoning=Reasoning(effort="none")).body
    assert render(model=NEWEST, reasoning=Reasoning(effort="none")).body["thinking"] == {"type": "disabled"}
    assert names(render(model="claude-fable-5", reasoning=Reasoning(is_off=True))) == ["reasoning_effort"]


def test_a_model_that_cannot_think_is_told_as_a_loss() -> None:
    rendered = render(model=OLD, reasoning=Reasoning(effort="low"))
    assert "thinking" not in rendered.body
    assert names(rendered) == ["reasoning_effort"]


def test_a_schema_is_demanded_closed_where_the_model_can_and_asked_for_in_words_where_not() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}
    rendered = render(format=Format("schema", schema, "n"))
    assert rendered.body["output_config"]["format"]["schema"] == {
        "type": "object",
        "properties": {"n": {"type": "integer", "description": '{"minimum":1}'}},
        "required": ["n"],
        "additionalProperties": False,
    }
    assert names(rendered) == ["response_format"]
    old = render(model=OLD, format=Format("schema", schema))
    assert '"minimum":1' in old.body["system"]
    assert names(old) == ["response_format"]


def test_a_schema_that_is_closed_already_is_no_loss() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    assert render(format=Format("schema", schema)).losses == []


def test_any_json_is_asked_for_in_words() -> None:
    rendered = render(said("system", "Be brief."), said("user", "hi"), format=Format("json"))
    assert rendered.body["system"].startswith("Be brief.\n\nAnswer with one JSON object")
    assert names(rendered) == ["response_format"]


def test_what_anthropic_cannot_say_is_told_in_the_clients_words() -> None:
    rendered = render(
        seed=1, count=2, logprobs=True, top_logprobs=3, presence_penalty=0.5, modalities=["text", "audio"],
        verbosity="low", stop=["\n", "END"], temperature=1.7, service_tier="flex", rest={"logit_bias": {"1": 2}},
    )  # fmt: skip
    assert set(names(rendered)) == {
        "seed", "n", "logprobs", "top_logprobs", "presence_penalty", "modalities", "verbosity", "stop", "temperature",
        "service_tier", "logit_bias",
    }  # fmt: skip
    assert rendered.body["stop_sequences"] == ["END"]
    assert rendered.body["temperature"] == 1


def test_what_says_nothing_is_no_loss() -> None:
    assert (
        render(count=1, logprobs=False, presence_penalty=0, modalities=["text"], service_tier="auto", user="u").losses
        == []
    )


def test_web_search_of_other_dialects_is_anthropics_web_search() -> None:
    tool = NativeTool("responses", {"type": "web_search", "user_location": {"type": "approximate", "city": "Bern"}})
    expected = {
        "type": "web_search_20250305", "name": "web_search", "user_location": {"type": "approximate", "city": "Bern"},
    }  # fmt: skip
    assert render(tools=[tool]).body["tools"] == [expected]
    options = {"user_location": {"type": "approximate", "approximate": {"city": "Bern"}}}
    assert render(rest={"web_search_options": options}).body["tools"] == [expected]
    assert render(tools=[NativeTool("gemini", {"googleSearch": {}})]).body["tools"] == [
        {"type": "web_search_20250305", "name": "web_search"}
    ]


def test_a_tool_of_another_provider_is_a_loss() -> None:
    rendered = render(tools=[NativeTool("responses", {"type": "file_search"})])
    assert "tools" not in rendered.body
    assert names(rendered) == ["tools.file_search"]


def test_only_the_allowed_tools_are_offered() -> None:
    body = render(tools=[Tool("a"), Tool("b")], tool_choice=ToolChoice("required", ["b"]), is_parallel=False).body
    assert [tool["name"] for tool in body["tools"]] == ["b"]
    assert body["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}


def test_tools_that_only_the_history_names_are_defined_and_not_to_be_called() -> None:
    body = render(
        said("user", "hi"),
        said("assistant", ToolCall("c", "f")),
        said("tool", ToolResult("c", [Text("1")])),
        said("user", "so?"),
    ).body
    assert body["tools"] == [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]
    assert body["tool_choice"] == {"type": "none"}


def test_media_go_where_anthropic_takes_them_and_are_losses_where_not() -> None:
    rendered = render(
        said(
            "user",
            Media("image", "", "iVBORw0KGgo="),
            Media("image", url="https://example.org/a.png"),
            Media("document", "text/csv", "YSxi", name="a.csv"),
            Media("audio", "audio/wav", "UklGRg=="),
            Media("image", url="gs://bucket/a.png"),
            Media("document", file_id="file-abc"),
        )
    )
    assert rendered.body["messages"][0]["content"] == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a,b"}, "title": "a.csv"},
    ]
    assert names(rendered) == ["audio", "image", "file_id"]


def test_the_last_four_cache_marks_are_kept_and_the_request_itself_is_not_touched() -> None:
    marked = Native("anthropic", {"type": "search_result", "cache_control": {"type": "ephemeral"}})
    request = Request(
        "anthropic", ADAPTIVE,
        [said("system", Text("s", cache="1h")), said("user", marked, *(Text(str(n), cache="5m") for n in range(4)))],
        tools=[Tool("f", cache="5m")],
    )  # fmt: skip
    body = CODEC.render_request(request).body
    assert "cache_control" not in body["tools"][0]
    assert body["system"] == [{"type": "text", "text": "s"}]
    assert [("cache_control" in block) for block in body["messages"][0]["content"]] == [False, True, True, True, True]
    assert "cache_control" in marked.raw


def test_a_conversation_that_the_assistant_begins_gets_a_users_word_before_it() -> None:
    rendered = render(said("assistant", "Hello!"), said("user", "hi"))
    assert [message["role"] for message in rendered.body["messages"]] == ["user", "assistant", "user"]
    assert names(rendered) == ["messages"]


def test_parts_of_other_dialects_are_losses_and_refusals_are_text() -> None:
    rendered = render(said("user", "hi"), said("assistant", Refusal("No."), Native("gemini", {"executableCode": {}})))
    assert rendered.body["messages"][1] == {"role": "assistant", "content": "No."}
    assert rendered.losses == [Loss("executableCode", "Only gemini knows this block; Anthropic gets the rest.")]


def test_features_that_want_announcing_are_announced() -> None:
    request = Request("anthropic", ADAPTIVE, [said("user", Media("document", file_id="file_1"))])
    request.rest = {"mcp_servers": [{"type": "url", "url": "https://example.org", "name": "x"}]}
    assert CODEC.render_request(request).headers == {"anthropic-beta": "mcp-client-2025-11-20,files-api-2025-04-14"}
    assert render().headers == {}


def test_a_limit_that_the_model_does_not_reach_is_lowered_and_told() -> None:
    rendered = render(model=OLD, max_tokens=16_384)
    assert rendered.body["max_tokens"] == 8192
    assert names(rendered) == ["max_completion_tokens"]
    assert render(model="kimi-k2", max_tokens=99_000).body["max_tokens"] == 99_000


def test_instructions_alone_stand_in_the_users_message() -> None:
    rendered = render(said("system", "Tell a joke."))
    assert rendered.body["messages"] == [{"role": "user", "content": "Tell a joke."}]
    assert "system" not in rendered.body
    assert names(rendered) == ["messages"]


def test_a_placeholder_stands_for_a_conversation_of_empty_texts() -> None:
    rendered = render(said("user", ""))
    assert rendered.body["messages"] == [{"role": "user", "content": "(nothing)"}]
    assert names(rendered) == ["messages"]


def test_what_the_assistant_goes_on_from_ends_in_no_blank() -> None:
    assert render(said("user", "hi"), said("assistant", "So: ")).body["messages"][-1]["content"] == "So:"


def test_an_image_in_the_instructions_is_a_loss() -> None:
    rendered = render(said("system", "a", Media("image", url="https://example.org/a.png")), said("user", "hi"))
    assert rendered.body["system"] == "a"
    assert names(rendered) == ["image"]


def test_a_schema_of_a_tool_has_one_object_at_its_top() -> None:
    def object_of(name: str) -> dict[str, Any]:
        return {"type": "object", "properties": {name: {"type": "string"}, "id": {}}, "required": [name, "id"]}

    rendered = render(tools=[Tool("f", schema={"anyOf": [object_of("a"), object_of("b")]})])
    assert rendered.body["tools"][0]["input_schema"] == {
        "type": "object",
        "properties": {"a": {"type": "string"}, "id": {}, "b": {"type": "string"}},
        "required": ["id"],
    }
    assert names(rendered) == ["tools.parameters"]
    named = {"$ref": "#/$defs/A", "$defs": {"A": object_of("a")}}
    rendered = render(tools=[Tool("f", schema=named)])
    assert rendered.body["tools"][0]["input_schema"] == {**object_of("a"), "$defs": named["$defs"]}
    assert rendered.losses == []


def test_a_model_that_always_thinks_is_asked_and_not_forced_to_call() -> None:
    rendered = render(model="claude-fable-5", tools=[Tool("f")], tool_choice=ToolChoice("required"))
    assert rendered.body["tool_choice"] == {"type": "auto"}
    assert names(rendered) == ["tool_choice"]


def test_a_model_that_thinks_unasked_stops_where_a_tool_is_forced() -> None:
    body = render(model=NEWEST, tools=[Tool("f")], tool_choice=ToolChoice("tool", ["f"])).body
    assert (body["thinking"], body["tool_choice"]) == ({"type": "disabled"}, {"type": "tool", "name": "f"})


def test_a_schema_that_leads_back_to_itself_is_asked_for_in_words() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/N"}}, "required": ["next"]}
    rendered = render(format=Format("schema", {"$ref": "#/$defs/N", "$defs": {"N": node}}))
    assert "output_config" not in rendered.body
    assert names(rendered) == ["response_format"]
