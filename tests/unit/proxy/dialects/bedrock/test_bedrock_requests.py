"""Requests of other dialects to Converse. Each that is made here is one that AWS's own client would send."""

from base64 import b64encode
from typing import Any

import pytest
from botocore.session import Session
from botocore.validate import ParamValidator

from proxy.canonical.parts import Media, Native, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from proxy.canonical.request import (
    Format,
    Loss,
    Message,
    NativeTool,
    Reasoning,
    Rendered,
    Request,
    Tool,
    ToolChoice,
)
from proxy.dialects.bedrock.codec import CODEC
from proxy.errors import InvalidRequest

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NEW_CLAUDE = "us.anthropic.claude-sonnet-4-6"
NOVA = "us.amazon.nova-2-lite-v1:0"
LLAMA = "us.meta.llama4-maverick-17b-instruct-v1:0"
PIXEL = b64encode(b"pixel").decode()
WEATHER = Tool("weather", "Tells it.", {"type": "object", "properties": {"city": {"type": "string"}}})

SHAPE = Session().get_service_model("bedrock-runtime").operation_model("Converse").input_shape


def render(*messages: Message, model: str = CLAUDE, **members: Any) -> Rendered:
    request = Request("openai", model, list(messages) or [user(Text("Hi"))], **members)
    rendered = CODEC.render_request(request)
    report = ParamValidator().validate(with_blobs({**rendered.body, "modelId": model}), SHAPE)
    assert not report.has_errors(), report.generate_report()
    roles = [message["role"] for message in rendered.body["messages"]]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"] * (len(roles) % 2)
    assert all(message["content"] for message in rendered.body["messages"])
    return rendered


def with_blobs(value: Any) -> Any:
    """AWS's client takes bytes where the wire has base64."""
    if isinstance(value, dict):
        names = {"bytes", "redactedContent"}
        return {name: b"x" if name in names else with_blobs(one) for name, one in value.items()}
    return [with_blobs(one) for one in value] if isinstance(value, list) else value


def user(*parts: Part) -> Message:
    return Message("user", list(parts))


def assistant(*parts: Part) -> Message:
    return Message("assistant", list(parts))


def contents(rendered: Rendered) -> list[list[dict[str, Any]]]:
    return [message["content"] for message in rendered.body["messages"]]


def names(rendered: Rendered) -> set[str]:
    return {loss.name for loss in rendered.losses}


def test_parallel_results_become_one_turn_and_stand_before_what_the_user_says() -> None:
    rendered = render(
        user(Text("Both?")),
        assistant(ToolCall("a", "weather", '{"city":"Bern"}'), ToolCall("b", "weather", "")),
        Message("tool", [ToolResult("a", [Text("sun")])]),
        user(Text("And?")),
        Message("tool", [ToolResult("b", [Text("rain")], is_error=True)]),
        tools=[WEATHER],
    )
    _, calls, results = contents(rendered)
    assert [call["toolUse"]["input"] for call in calls] == [{"city": "Bern"}, {}]
    assert results == [
        {"toolResult": {"toolUseId": "a", "content": [{"text": "sun"}], "status": "success"}},
        {"toolResult": {"toolUseId": "b", "content": [{"text": "rain"}], "status": "error"}},
        {"text": "And?"},
    ]


def test_results_stay_first_where_an_empty_turn_between_falls_away() -> None:
    call = assistant(ToolCall("a", "weather", "{}"))
    rendered = render(
        user(Text("?")),
        call,
        user(Text("wait")),
        assistant(Text("")),
        Message("tool", [ToolResult("a")]),
        tools=[WEATHER],
    )
    assert [next(iter(block)) for block in contents(rendered)[2]] == ["toolResult", "text"]


@pytest.mark.parametrize("text", ['{"city": ', '["Bern"]', "Bern"])
def test_arguments_that_are_no_object_are_wrapped_in_one(text: str) -> None:
    rendered = render(user(Text("?")), assistant(ToolCall("a", "weather", text)), tools=[WEATHER])
    assert contents(rendered)[1][0]["toolUse"]["input"] == {"arguments": text}
    assert names(rendered) == {"arguments"}


def test_null_as_arguments_is_no_argument() -> None:
    rendered = render(user(Text("?")), assistant(ToolCall("a", "weather", "null")), tools=[WEATHER])
    assert contents(rendered)[1][0]["toolUse"]["input"] == {}
    assert rendered.losses == []


def test_a_cache_mark_inside_a_result_marks_the_result() -> None:
    said = [user(Text("?")), assistant(ToolCall("a", "weather", "{}"))]
    result = ToolResult("a", [Text("sun", cache="1h"), Text("rain")])
    blocks = contents(render(*said, Message("tool", [result]), tools=[WEATHER]))[2]
    assert blocks[0]["toolResult"]["content"] == [{"text": "sun"}, {"text": "rain"}]
    assert blocks[1:] == [{"cachePoint": {"type": "default", "ttl": "1h"}}]


def test_tools_are_declared_where_only_the_conversation_speaks_of_them() -> None:
    rendered = render(user(Text("?")), assistant(ToolCall("a", "weather", "{}")), Message("tool", [ToolResult("a")]))
    assert [tool["toolSpec"]["name"] for tool in rendered.body["toolConfig"]["tools"]] == ["weather"]
    assert "toolChoice" not in rendered.body["toolConfig"]


def test_calls_are_forbidden_by_taking_the_tools_away_unless_the_conversation_holds_some() -> None:
    none = ToolChoice("none")
    assert "toolConfig" not in render(tools=[WEATHER], tool_choice=none).body
    said = [user(Text("?")), assistant(ToolCall("a", "weather", "{}")), Message("tool", [ToolResult("a")])]
    rendered = render(*said, tools=[WEATHER], tool_choice=none)
    assert "toolChoice" not in rendered.body["toolConfig"]
    assert names(rendered) == {"tool_choice"}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice("auto"), {"auto": {}}),
        (ToolChoice("required"), {"any": {}}),
        (ToolChoice("tool", ["weather"]), {"tool": {"name": "weather"}}),
    ],
)
def test_a_choice_of_tools_is_made_in_bedrocks_words(choice: ToolChoice, expected: dict[str, Any]) -> None:
    rendered = render(tools=[WEATHER], tool_choice=choice)
    assert rendered.body["toolConfig"]["toolChoice"] == expected
    assert rendered.losses == []


def test_only_the_allowed_tools_are_offered() -> None:
    other = Tool("other")
    rendered = render(tools=[WEATHER, other], tool_choice=ToolChoice("required", ["other"]))
    assert [tool["toolSpec"]["name"] for tool in rendered.body["toolConfig"]["tools"]] == ["other"]


def test_a_model_that_cannot_be_forced_is_not_and_the_client_hears_of_it() -> None:
    rendered = render(tools=[WEATHER], tool_choice=ToolChoice("required"), model=LLAMA)
    assert "toolChoice" not in rendered.body["toolConfig"]
    assert names(rendered) == {"tool_choice"}


def test_a_name_that_bedrock_refuses_is_fitted_the_same_way_everywhere_and_told() -> None:
    strange, long = "files.read/all", "x" * 70
    rendered = render(
        user(Text("?")),
        assistant(ToolCall("call/1", strange, "{}")),
        Message("tool", [ToolResult("call/1")]),
        tools=[Tool(strange), Tool(long), Tool("plain")],
        tool_choice=ToolChoice("tool", [strange]),
    )
    config = rendered.body["toolConfig"]
    fitted = [tool["toolSpec"]["name"] for tool in config["tools"]]
    use = contents(rendered)[1][0]["toolUse"]
    assert use["name"] == fitted[0] == config["toolChoice"]["tool"]["name"]
    assert use["toolUseId"] == contents(rendered)[2][0]["toolResult"]["toolUseId"]
    assert [rendered.tool_names.get(name, name) for name in fitted] == [strange, long, "plain"]


def test_cache_marks_become_cache_points_behind_what_they_mark() -> None:
    cached = Tool("weather", cache="1h")
    system = Message("system", [Text("Rules", cache="5m")])
    rendered = render(system, user(Text("Long", cache="1h"), Text("short")), tools=[cached, Tool("other")])
    point, hour = {"cachePoint": {"type": "default"}}, {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert rendered.body["system"] == [{"text": "Rules"}, point]
    assert contents(rendered) == [[{"text": "Long"}, hour, {"text": "short"}]]
    assert rendered.body["toolConfig"]["tools"][1] == hour


def test_systems_words_lead_and_later_ones_are_the_users() -> None:
    rendered = render(
        Message("system", [Text("A")]),
        Message("developer", [Text("B")]),
        user(Text("Hi")),
        assistant(Text("Yes?")),
        Message("system", [Text("C")]),
        user(Text("Go")),
    )
    assert rendered.body["system"] == [{"text": "A"}, {"text": "B"}]
    assert contents(rendered)[2] == [{"text": "[system] C"}, {"text": "Go"}]


def test_a_conversation_begins_with_the_user() -> None:
    assert contents(render(assistant(Text("Hello")), user(Text("Hi"))))[0] == [{"text": "."}]
    assert contents(render(Message("system", [Text("A")]))) == [[{"text": "."}]]


def test_blank_texts_are_left_out() -> None:
    assert contents(render(user(Text(" \n"), Text("Hi")), assistant(Text("")), user(Text("?")))) == [
        [{"text": "Hi"}, {"text": "?"}]
    ]


def test_documents_get_names_of_their_own_and_a_text_beside_them() -> None:
    files = [Media("document", "application/pdf", data=PIXEL, name=name) for name in ("a_b.pdf", "a?b.pdf", "")]
    (content,) = contents(render(user(*files)))
    assert [block["document"]["name"] for block in content[:3]] == ["a b", "a b (2)", "Document"]
    assert content[3] == {"text": "a b, a b (2), Document"}


def test_media_go_inline_or_from_s3_and_from_nowhere_else() -> None:
    rendered = render(
        user(
            Media("image", "image/jpg", data=PIXEL),
            Media("video", "video/mp4", url="s3://bucket/film.mp4"),
            Media("document", "text/x-python", text="print()", name="a.py"),
            Media("image", "image/png", url="https://example.com/cat.png"),
            Media("image", "image/tiff", data=PIXEL),
        )
    )
    (content,) = contents(rendered)
    assert content[0] == {"image": {"format": "jpeg", "source": {"bytes": PIXEL}}}
    assert content[1] == {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://bucket/film.mp4"}}}}
    assert content[2]["document"] | {"source": {}} == {"format": "txt", "name": "a", "source": {}}
    assert content[3] == {"text": "[image: https://example.com/cat.png]"}
    assert content[4] == {"text": "[image: image/tiff]"}
    assert names(rendered) == {"image"}


def test_signed_thinking_goes_to_claude_alone_and_unsigned_to_nobody() -> None:
    signed = Thinking("Hm", "sig", made_by="anthropic")
    hidden = Thinking(redacted="opaque", made_by="anthropic")
    others = [Thinking("Hm"), Thinking("Hm", made_by="anthropic"), Thinking("Hm", "sig", made_by="gemini")]
    said = [user(Text("?")), assistant(signed, hidden, *others, Text("Yes")), user(Text("?"))]
    reasoning = [block["reasoningContent"] for block in contents(render(*said))[1][:-1]]
    assert reasoning == [
        {"reasoningText": {"text": "Hm", "signature": "sig"}},
        {"redactedContent": b64encode(b"opaque").decode()},
    ]
    assert contents(render(*said, model=NOVA))[1] == [{"text": "Yes"}]


@pytest.mark.parametrize(
    ("model", "effort", "fields", "inference"),
    [
        (CLAUDE, "low", {"thinking": {"type": "enabled", "budget_tokens": 2048}}, {"maxTokens": 8000}),
        (
            NEW_CLAUDE,
            "high",
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
            {"maxTokens": 8000},
        ),
        (NOVA, "medium", {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}}, {"maxTokens": 8000}),
        (NOVA, "high", {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}, None),
        ("openai.gpt-oss-120b-1:0", "minimal", {"reasoning_effort": "low"}, {"maxTokens": 8000}),
    ],
)
def test_effort_is_told_in_the_makers_own_way(
    model: str, effort: Any, fields: dict[str, Any], inference: dict[str, Any] | None
) -> None:
    rendered = render(model=model, reasoning=Reasoning(effort=effort), max_tokens=8000)
    assert rendered.body["additionalModelRequestFields"] == fields
    assert rendered.body.get("inferenceConfig") == inference


def test_effort_for_a_model_without_a_way_to_tell_it_is_a_loss() -> None:
    rendered = render(model=LLAMA, reasoning=Reasoning(effort="high"))
    assert "additionalModelRequestFields" not in rendered.body
    assert names(rendered) == {"reasoning_effort"}


def test_where_claude_thinks_it_takes_no_sampling_and_no_forced_tool() -> None:
    thinking = Reasoning(effort="low")
    rendered = render(reasoning=thinking, temperature=0.5, top_k=5)
    assert "temperature" not in rendered.body.get("inferenceConfig", {})
    assert names(rendered) == {"temperature", "top_k"}
    forced = render(reasoning=thinking, tools=[WEATHER], tool_choice=ToolChoice("required"))
    assert "additionalModelRequestFields" not in forced.body
    assert names(forced) == {"reasoning_effort"}


@pytest.mark.parametrize(
    ("model", "fields"),
    [(CLAUDE, {"top_k": 5}), (NOVA, {"inferenceConfig": {"topK": 5}}), ("mistral.mistral-large-3", {"top_k": 5})],
)
def test_top_k_stands_where_the_maker_wants_it(model: str, fields: dict[str, Any]) -> None:
    assert render(model=model, top_k=5).body["additionalModelRequestFields"] == fields


def test_temperature_ends_at_one() -> None:
    rendered = render(temperature=1.5)
    assert rendered.body["inferenceConfig"] == {"temperature": 1.0}
    assert names(rendered) == {"temperature"}


def test_a_schema_is_demanded_where_the_model_can_be_held_to_it_and_else_asked_for() -> None:
    form = Format("schema", {"type": "object", "properties": {}, "additionalProperties": False}, "city")
    definition = render(format=form).body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
    assert definition == {"schema": '{"type":"object","properties":{},"additionalProperties":false}', "name": "city"}
    asked = render(format=form, model=NOVA)
    assert "outputConfig" not in asked.body
    assert '"additionalProperties":false' in asked.body["system"][-1]["text"]
    assert names(asked) == {"response_format"}


def test_what_converse_cannot_say_is_told_in_the_clients_words() -> None:
    rendered = render(
        user(Text("?"), Native("openai", {"type": "file_search"})),
        assistant(Refusal("No")),
        seed=0,
        count=2,
        presence_penalty=0.5,
        logprobs=True,
        user="me",
        is_parallel=False,
        modalities=["text", "audio"],
        service_tier="scale",
        tools=[NativeTool("openai", {"type": "web_search"}), Tool("free", kind="custom")],
        rest={"store": True},
    )
    assert names(rendered) == {
        "file_search", "seed", "n", "presence_penalty", "logprobs", "user", "parallel_tool_calls", "modalities",
        "service_tier", "web_search", "tools.custom", "store",
    }  # fmt: skip
    assert rendered.body.keys() == {"messages", "toolConfig"}


def test_nothing_is_lost_of_a_request_that_converse_can_say() -> None:
    rendered = render(max_tokens=5, temperature=0.5, stop=["END"], service_tier="flex", tools=[WEATHER])
    assert rendered.losses == list[Loss]()
    assert rendered.body["inferenceConfig"] == {"maxTokens": 5, "temperature": 0.5, "stopSequences": ["END"]}
    assert rendered.body["serviceTier"] == {"type": "flex"}


@pytest.mark.parametrize(
    "body", [{}, {"messages": "Hi"}, {"messages": [{"role": "tool", "content": []}]}, {"messages": [3]}]
)
def test_a_request_beyond_sense_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        CODEC.parse_request(body)


def test_a_clients_own_request_keeps_what_only_bedrock_knows() -> None:
    body = {
        "system": [{"text": "Rules"}, {"guardContent": {"text": {"text": "G"}}}, {"cachePoint": {"type": "default"}}],
        "messages": [
            {"role": "user", "content": [
                {"guardContent": {"text": {"text": "Q", "qualifiers": ["query"]}}},
                {"document": {"format": "pdf", "name": "n", "citations": {"enabled": True}, "context": "c",
                              "source": {"s3Location": {"uri": "s3://b/k", "bucketOwner": "1"}}}},
                {"document": {"name": "t", "format": "txt", "source": {"content": [{"text": "one"}, {"text": "two"}]}}},
                {"searchResult": {"source": "s", "title": "t", "content": [{"text": "x"}]}},
                {"text": "\n"},
                {"cachePoint": {"type": "default", "ttl": "1h"}},
            ]},
            {"role": "assistant", "content": [
                {"citationsContent": {"content": [{"text": "cited"}], "citations": [{"title": "t"}]}},
                {"toolUse": {"toolUseId": "s", "name": "nova_code", "input": {}, "type": "server_tool_use"}},
                {"toolResult": {"toolUseId": "s", "content": [{"json": {"a": 1}}], "type": "nova_result"}},
            ]},
        ],
        "toolConfig": {"tools": [{"systemTool": {"name": "nova_code_interpreter"}}], "toolChoice": {"any": {}}},
        "inferenceConfig": {"maxTokens": 5, "newKnob": 1},
        "additionalModelRequestFields": {"output_config": {"effort": "low", "x": 1}, "anthropic_beta": ["b"]},
        "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1", "trace": "enabled"},
        "performanceConfig": {"latency": "optimized"},
        "requestMetadata": {"team": "a"},
        "serviceTier": {"type": "reserved"},
    }  # fmt: skip
    request = CODEC.parse_request(body, CLAUDE)
    assert request.reasoning == Reasoning(effort="low")
    rendered = CODEC.render_request(request)
    assert rendered.body == body
    assert rendered.losses == []
