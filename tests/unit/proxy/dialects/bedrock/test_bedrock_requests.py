"""Requests of other dialects to Converse."""

from base64 import b64encode
from typing import Any

import pytest

from proxy.canonical.parts import Media, Native, Refusal, Text, Thinking
from proxy.canonical.request import Format, Loss, Message, NativeTool, Reasoning, Tool, ToolChoice
from proxy.dialects.bedrock.codec import CODEC
from proxy.errors import InvalidRequest
from tests.unit.proxy.dialects.bedrock.rendering import (
    CLAUDE,
    LLAMA,
    NEW_CLAUDE,
    NOVA,
    PIXEL,
    WEATHER,
    assistant,
    contents,
    names,
    render,
    user,
)


def test_a_model_that_cannot_be_forced_is_not_and_the_client_hears_of_it() -> None:
    rendered = render(tools=[WEATHER], tool_choice=ToolChoice("required"), model=LLAMA)
    assert "toolChoice" not in rendered.body["toolConfig"]
    assert names(rendered) == {"tool_choice"}


def test_cache_marks_become_cache_points_behind_what_they_mark() -> None:
    cached = Tool("weather", cache="1h")
    system = Message("system", [Text("Rules", cache="5m")])
    rendered = render(system, user(Text("Long", cache="1h"), Text("short")), tools=[cached, Tool("other")])
    point, hour = {"cachePoint": {"type": "default"}}, {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert rendered.body["system"] == [{"text": "Rules"}, point]
    assert contents(rendered) == [[{"text": "Long"}, hour, {"text": "short"}]]
    assert rendered.body["toolConfig"]["tools"][1] == hour


def test_a_cache_point_never_stands_right_behind_a_document() -> None:
    file = Media("document", "application/pdf", data=PIXEL, name="a", cache="5m")
    (content,) = contents(render(user(Text("Sum up"), file, Text("now"))))
    assert [next(iter(block)) for block in content] == ["text", "cachePoint", "document", "text"]
    (content,) = contents(render(user(file, Text("Sum up"))))
    assert [next(iter(block)) for block in content] == ["document", "text"]


def test_cache_marks_are_left_out_where_the_model_has_no_cache_points() -> None:
    said = Message("system", [Text("Rules", cache="5m")]), user(Text("Long", cache="1h"))
    tools = [Tool("weather", cache="1h")]
    llama, nova = render(*said, tools=tools, model=LLAMA), render(*said, tools=tools, model=NOVA)
    assert "cachePoint" not in repr(llama.body)
    assert "cachePoint" in repr(nova.body["system"])
    assert len(nova.body["toolConfig"]["tools"]) == 1
    assert llama.losses == nova.losses == []


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
    rendered = render(Message("system", [Text("A")]))
    assert contents(rendered) == [[{"text": "."}]]
    assert names(rendered) == {"messages"}


def test_blank_texts_are_left_out() -> None:
    assert contents(render(user(Text(" \n"), Text("Hi")), assistant(Text("")), user(Text("?")))) == [
        [{"text": "Hi"}, {"text": "?"}]
    ]


@pytest.mark.parametrize(("model", "lost"), [(CLAUDE, set()), (NOVA, {"citations", "context"})])
def test_a_document_for_claude_is_cited_and_introduced_as_its_own_api_has_it(model: str, lost: set[str]) -> None:
    extra = {"citations": {"enabled": True}, "context": "of 2026"}
    file = Media("document", "application/pdf", data=PIXEL, name="a", extra=extra, extra_of="anthropic")
    rendered = render(user(file, Text("How many?")), model=model)
    document = contents(rendered)[0][0]["document"]
    assert {name: document[name] for name in extra if name in document} == ({} if lost else extra)
    assert names(rendered) == lost


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
