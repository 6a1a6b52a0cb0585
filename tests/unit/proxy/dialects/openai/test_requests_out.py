from typing import Any

import pytest

from proxy.canonical.parts import Media, Native, Part, Text, Thinking, ToolCall, ToolResult
from proxy.canonical.request import (
    Effort,
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
from proxy.dialects.openai.codec import CODEC
from proxy.dialects.openai.names import LONGEST_CALL_ID, LONGEST_NAME


def render(*messages: Message, model: str = "gpt-4o", dialect: Any = "anthropic", **said: Any) -> Rendered:
    return CODEC.render_request(Request(dialect, model, list(messages), **said))


def lost(rendered: Rendered) -> set[str]:
    return {loss.name for loss in rendered.losses}


def user(*parts: Part) -> Message:
    return Message("user", list(parts))


def test_a_request_from_elsewhere_is_a_chat_completion() -> None:
    rendered = render(
        Message("system", [Text("Be short.", cache="5m")]), user(Text("Hi")), max_tokens=100, temperature=0.5,
        is_stream=True, user="u",
        tools=[Tool("look", "Looks", {"type": "object"}, cache="1h")], tool_choice=ToolChoice("required"),
        is_parallel=False,
    )  # fmt: skip
    assert rendered.losses == []  # cache marks are none: others cache by themselves
    assert rendered.body == {
        "model": "gpt-4o",
        "messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Hi"}],
        "tools": [
            {
                "type": "function",
                "function": {"name": "look", "description": "Looks", "parameters": {"type": "object"}},
            }
        ],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "max_tokens": 100,
        "temperature": 0.5,
        "user": "u",
        "stream": True,
        "stream_options": {"include_usage": True},
    }


@pytest.mark.parametrize("model", ["o3", "o4-mini", "gpt-5-mini", "gpt-5.2", "openai/gpt-5", "GPT-5-nano"])
def test_a_reasoning_model_is_asked_in_its_own_words(model: str) -> None:
    rendered = render(
        user(Text("Hi")), model=model, max_tokens=100, temperature=0.5, top_p=0.9, presence_penalty=1.0,
        frequency_penalty=1.0, stop=["END"], logprobs=True,
    )  # fmt: skip
    refused = {"temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs"}
    assert lost(rendered) == {*refused, "stop_sequences"}  # in the words of Anthropic's clients
    assert rendered.body == {
        "model": model, "messages": [{"role": "user", "content": "Hi"}], "max_completion_tokens": 100,
    }  # fmt: skip


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-5-chat-latest", "mistral-large-latest", "llama-3.3-70b"])
def test_another_model_is_not(model: str) -> None:
    rendered = render(user(Text("Hi")), model=model, max_tokens=100, temperature=0.5)
    assert (rendered.body["max_tokens"], rendered.body["temperature"]) == (100, 0.5)
    assert rendered.losses == []


def test_what_a_reasoning_model_does_anyway_is_no_loss() -> None:
    rendered = render(user(Text("Hi")), model="gpt-5", temperature=1.0, top_p=1.0)
    assert rendered.losses == []
    assert "temperature" not in rendered.body


@pytest.mark.parametrize(
    ("model", "reasoning", "effort"),
    [
        ("gpt-5-mini", Reasoning("minimal"), "minimal"),
        ("gpt-5.1", Reasoning("minimal"), "low"),
        ("gpt-5", Reasoning("max"), "high"),
        ("gpt-5.2", Reasoning("max"), "xhigh"),
        ("gpt-5", Reasoning(budget_tokens=1024), "low"),
        ("o3", Reasoning(budget_tokens=10_000), "medium"),
        ("o3", Reasoning(budget_tokens=31_999), "high"),
        ("gpt-5.1", Reasoning(is_off=True), "none"),
        ("gpt-5", Reasoning(is_off=True), "minimal"),
        ("openai/gpt-oss-120b", Reasoning("high"), "high"),
        ("gpt-5", Reasoning(is_adaptive=True), None),
        ("llama-3.3-70b", Reasoning(is_off=True), None),
    ],
)
def test_thought_is_asked_for_in_a_word_that_the_model_knows(
    model: str, reasoning: Reasoning, effort: Effort | None
) -> None:
    rendered = render(user(Text("Hi")), model=model, reasoning=reasoning)
    assert rendered.body.get("reasoning_effort") == effort
    assert rendered.losses == []


def test_thought_that_a_model_cannot_give_or_stop_is_a_loss() -> None:
    plain = render(user(Text("Hi")), model="gpt-4o", reasoning=Reasoning(budget_tokens=4096))
    assert plain.losses == [Loss("thinking", "gpt-4o does not think")]
    assert "reasoning_effort" not in plain.body
    stubborn = render(user(Text("Hi")), model="o3", reasoning=Reasoning(is_off=True))
    assert (stubborn.body["reasoning_effort"], lost(stubborn)) == ("low", {"thinking"})


def test_what_chat_completions_cannot_say_is_told_in_the_clients_words() -> None:
    rendered = render(
        user(Text("Hi")), dialect="gemini", top_k=40, stop=list("abcdef"), service_tier="standard_only",
        verbosity="low", modalities=["TEXT", "IMAGE"], rest={"safetySettings": []},
    )  # fmt: skip
    assert lost(rendered) == {
        "topK",
        "stopSequences",
        "service_tier",
        "verbosity",
        "responseModalities",
        "safetySettings",
    }
    assert rendered.body["stop"] == list("abcd")


def test_a_turn_of_calls_and_results_keeps_ids_and_order() -> None:
    rendered = render(
        user(Text("Look")),
        Message("assistant", [Thinking("Hm", "c2ln", made_by="anthropic"), Text("I "), Text("look."),
                              ToolCall("toolu_1", "look", '{"at": 1}'), ToolCall("toolu_2", "now")]),
        Message("tool", [ToolResult("toolu_1", [Text("here")]), ToolResult("toolu_2", [Text("9h")], is_error=True)]),
        user(Text("So?")),
    )  # fmt: skip
    assert rendered.body["messages"][1:] == [
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [
                {"id": "toolu_1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}},
                {"id": "toolu_2", "type": "function", "function": {"name": "now", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "toolu_1", "content": "here"},
        {"role": "tool", "tool_call_id": "toolu_2", "content": "9h"},
        {"role": "user", "content": "So?"},
    ]
    assert lost(rendered) == {"is_error"}  # another's thinking is never sent, and that is no loss


def test_pictures_that_tools_answer_follow_behind_the_last_result() -> None:
    picture = Media("image", "image/png", "YWJj")
    rendered = render(
        Message("assistant", [ToolCall("a", "shoot"), ToolCall("b", "now")]),
        Message("tool", [ToolResult("a", [Text("done"), picture])]),
        Message("tool", [ToolResult("b", [Text("9h")])]),
        user(Text("So?")),
    )
    assert [message["role"] for message in rendered.body["messages"]] == ["assistant", "tool", "tool", "user"]
    assert rendered.body["messages"][3]["content"] == [
        {"type": "text", "text": "What the tool answered to a:"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,YWJj"}},
        {"type": "text", "text": "So?"},
    ]
    assert rendered.losses == []


def test_pictures_of_the_last_results_have_a_message_of_their_own() -> None:
    result = Message("tool", [ToolResult("a", [Media("image", "image/png", "YWJj")])])
    for rest in ([], [Message("assistant", [Text("I see.")])]):
        messages = render(Message("assistant", [ToolCall("a", "shoot")]), result, *rest).body["messages"]
        assert [message["role"] for message in messages[:3]] == ["assistant", "tool", "user"]
        assert messages[1]["content"] == ""


def test_a_document_that_is_text_is_text() -> None:
    rendered = render(user(Text("See"), Media("document", text="All of it", name="a.txt")))
    assert rendered.body["messages"][0]["content"] == "See\n\na.txt\n\nAll of it"


def test_several_texts_from_elsewhere_are_one() -> None:
    rendered = render(Message("system", [Text("a"), Text("b")]), user(Text("c"), Text("d")))
    assert [message["content"] for message in rendered.body["messages"]] == ["a\n\nb", "c\n\nd"]


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (
            Media("image", url="https://a.test/a.png"),
            {"type": "image_url", "image_url": {"url": "https://a.test/a.png"}},
        ),
        (
            Media("audio", "audio/wav", "YWJj"),
            {"type": "input_audio", "input_audio": {"data": "YWJj", "format": "wav"}},
        ),
        (
            Media("document", "application/pdf", "YWJj"),
            {"type": "file", "file": {"filename": "document.pdf", "file_data": "data:application/pdf;base64,YWJj"}},
        ),
    ],
)
def test_media_have_their_own_content_parts(part: Media, said: dict[str, Any]) -> None:
    rendered = render(user(Text("See"), part))
    assert rendered.body["messages"][0]["content"] == [{"type": "text", "text": "See"}, said]
    assert rendered.losses == []


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (Media("image", url="gs://bucket/a.png"), "image"),
        (Media("image", file_id="file_1"), "image"),
        (Media("audio", "audio/flac", "YWJj"), "audio"),
        (Media("document", url="https://a.test/a.pdf"), "document"),
        (Media("video", "video/mp4", "YWJj"), "video"),
        (Native("anthropic", {"type": "container_upload", "file_id": "f"}), "container_upload"),
    ],
)
def test_media_without_a_content_part_are_a_loss(part: Part, name: str) -> None:
    rendered = render(user(Text("See"), part))
    assert rendered.body["messages"][0]["content"] == "See"
    assert lost(rendered) == {name}


def test_tools_that_a_foreign_provider_runs_are_never_dropped_silently() -> None:
    search = NativeTool("anthropic", {"type": "web_search_20250305", "name": "web_search"})
    assert lost(render(user(Text("Hi")), tools=[search])) == {"web_search_20250305"}
    found = render(user(Text("Hi")), model="gpt-4o-search-preview", tools=[search])
    assert (found.body["web_search_options"], found.losses) == ({}, [])
    assert lost(render(user(Text("Hi")), dialect="gemini", tools=[NativeTool("gemini", {"codeExecution": {}})])) == {
        "codeExecution"
    }


def test_names_and_ids_that_do_not_fit_are_changed_the_same_way_each_time() -> None:
    name, call_id = "files.read:" + "x" * 80, "call_" + "y" * 60
    rendered = render(
        Message("assistant", [ToolCall(call_id, name)]),
        Message("tool", [ToolResult(call_id, [Text("1")])]),
        tools=[Tool(name), Tool("plain")],
        tool_choice=ToolChoice("tool", [name]),
    )
    call, result = rendered.body["messages"]
    fitted = call["tool_calls"][0]["function"]["name"]
    assert len(fitted) <= LONGEST_NAME
    assert rendered.body["tools"][0]["function"]["name"] == fitted
    assert rendered.body["tool_choice"]["function"]["name"] == fitted
    assert rendered.tool_names == {fitted: name}
    assert call["tool_calls"][0]["id"] == result["tool_call_id"]
    assert len(result["tool_call_id"]) <= LONGEST_CALL_ID


def test_a_request_of_this_dialect_keeps_what_only_its_provider_knows() -> None:
    rendered = render(
        Message("system", [Text("Hi", cache="1h")]),
        Message("assistant", [Thinking("Hm", "", "", "openai", format="reasoning"), Text("Yes")], "", {"prefix": True}),
        dialect="openai", model="o3", top_k=4, temperature=0.3, rest={"min_p": 0.1, "stream_options": {"x": 1}},
        is_stream=True, tools=[NativeTool("openai", {"type": "browser_search"})],
    )  # fmt: skip
    assert rendered.losses == []
    assert rendered.body == {
        "model": "o3",
        "messages": [
            {
                "role": "system",
                "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
            },
            {"role": "assistant", "content": "Yes", "reasoning": "Hm", "prefix": True},
        ],
        "tools": [{"type": "browser_search"}],
        "temperature": 0.3,
        "top_k": 4,
        "min_p": 0.1,
        "stream": True,
        "stream_options": {"include_usage": True, "x": 1},
    }


@pytest.mark.parametrize(
    ("thought", "said"),
    [
        (Thinking("Hm", made_by="openai"), {"reasoning_content": "Hm", "content": "Yes"}),
        (Thinking("Hm", made_by="openai", format="reasoning"), {"reasoning": "Hm", "content": "Yes"}),
        (
            Thinking("Hm", made_by="openai", format="thinking"),
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]},
                    {"type": "text", "text": "Yes"},
                ]
            },
        ),
        (
            Thinking("Hm", "c2ln", made_by="openai", format="anthropic-claude-v1"),
            {
                "content": "Yes",
                "reasoning_content": "Hm",
                "reasoning_details": [
                    {
                        "type": "reasoning.text",
                        "text": "Hm",
                        "signature": "c2ln",
                        "format": "anthropic-claude-v1",
                        "index": 0,
                    }
                ],
            },
        ),
        (Thinking("Hm", "c2ln", made_by="gemini"), {"content": "Yes"}),
        (Thinking("Hm"), {"content": "Yes"}),
    ],
)
def test_thoughts_go_back_to_who_made_them_where_they_came_from(thought: Thinking, said: dict[str, Any]) -> None:
    rendered = render(Message("assistant", [thought, Text("Yes")]))
    assert rendered.body["messages"] == [{"role": "assistant", **said}]


def test_the_form_of_the_answer_is_asked_for() -> None:
    schema = Format("schema", {"type": "object"}, is_strict=True)
    assert render(format=schema).body["response_format"] == {
        "type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True},
    }  # fmt: skip
    assert render(format=Format("json")).body["response_format"] == {"type": "json_object"}


def test_a_developer_is_the_system_for_models_that_know_only_that() -> None:
    message = Message("developer", [Text("Be short.")])
    assert render(message, model="llama-3.3-70b", dialect="responses").body["messages"][0]["role"] == "system"
    assert render(message, model="gpt-5", dialect="responses").body["messages"][0]["role"] == "developer"


def test_rendering_leaves_the_request_as_it_was() -> None:
    request = Request(
        "anthropic", "gpt-4o", [user(Text("Hi"))], tools=[Tool("a.b")], tool_choice=ToolChoice("tool", ["a.b"])
    )
    CODEC.render_request(request)
    assert request == Request(
        "anthropic", "gpt-4o", [user(Text("Hi"))], tools=[Tool("a.b")], tool_choice=ToolChoice("tool", ["a.b"])
    )


def test_who_calls_one_tool_at_a_time_is_not_told_to() -> None:
    assert "parallel_tool_calls" not in render(model="o3", tools=[Tool("look")], is_parallel=False).body
    assert render(model="gpt-5", tools=[Tool("look")], is_parallel=False).body["parallel_tool_calls"] is False


def test_a_tool_without_arguments_has_an_empty_schema() -> None:
    (tool,) = render(tools=[Tool("now")]).body["tools"]
    assert tool == {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}
