from typing import Any

import pytest

from proxy.canonical.parts import Citation, Media, Native, Refusal, Text, Thinking, ToolCall, ToolResult
from proxy.canonical.request import Format, Message, NativeTool, Reasoning, Request, Tool, ToolChoice
from proxy.dialects.openai.codec import CODEC
from proxy.errors import InvalidRequest


def parse(**body: Any) -> Request:
    return CODEC.parse_request({"model": "gpt-4o", "messages": [], **body})


def parse_message(**message: Any) -> Message:
    (parsed,) = parse(messages=[message]).messages
    return parsed


def test_what_is_said_is_named_and_what_is_null_was_not_said() -> None:
    request = parse(
        messages=[{"role": "user", "content": "Hi", "name": None}], max_completion_tokens=9, max_tokens=None,
        stream=True, stream_options={"include_usage": True}, temperature=1, top_p=None, stop="END", seed=7, n=2,
        logprobs=True, top_logprobs=3, presence_penalty=0.5, frequency_penalty=-1, user="u", service_tier="flex",
        verbosity="low", parallel_tool_calls=False, modalities=["text"], logit_bias=None, store=True,
    )  # fmt: skip
    assert request == Request(
        "openai", "gpt-4o", [Message("user", [Text("Hi")])], is_stream=True, includes_usage=True, max_tokens=9,
        temperature=1.0, stop=["END"], seed=7, count=2, logprobs=True, top_logprobs=3, presence_penalty=0.5,
        frequency_penalty=-1.0, user="u", service_tier="flex", verbosity="low", is_parallel=False, modalities=["text"],
        rest={"store": True},
    )  # fmt: skip


def test_what_the_path_says_comes_before_the_body() -> None:
    request = CODEC.parse_request({"model": "a", "messages": [], "stream": True}, "b", is_stream=False)
    assert (request.model, request.is_stream) == ("b", False)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "text", "text": "Hi"}, Text("Hi")),
        ({"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}, Text("Hi", cache="5m")),
        ({"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral", "ttl": "1h"}}, Text("Hi", cache="1h")),
        ({"type": "text", "text": "Hi", "prompt_cache_breakpoint": {"mode": "explicit"}}, Text("Hi", cache="5m")),
        (
            {"type": "image_url", "image_url": {"url": "https://a.test/a.png", "detail": "low"}},
            Media("image", url="https://a.test/a.png", detail="low"),
        ),
        ({"type": "image_url", "image_url": "data:image/png;base64,YWJj"}, Media("image", "image/png", "YWJj")),
        (
            {"type": "input_audio", "input_audio": {"data": "YWJj", "format": "mp3"}},
            Media("audio", "audio/mpeg", "YWJj"),
        ),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,YWJj"}},
            Media("document", "application/pdf", "YWJj", name="a.pdf"),
        ),
        ({"type": "file", "file": {"file_id": "file-1"}}, Media("document", file_id="file-1")),
        ({"type": "document_url", "document_url": "https://a.test/a"}, Media("document", url="https://a.test/a")),
        ({"type": "video_url", "video_url": {"url": "https://a.test/a"}}, Media("video", url="https://a.test/a")),
        ({"type": "refusal", "refusal": "No."}, Refusal("No.")),
        ({"type": "hologram", "hologram": 1}, Native("openai", {"type": "hologram", "hologram": 1})),
        ({"type": "image_url", "image_url": None}, Native("openai", {"type": "image_url", "image_url": None})),
    ],
)
def test_each_kind_of_content_is_a_part(part: dict[str, Any], expected: Any) -> None:
    assert parse_message(role="user", content=[part]).parts == [expected]


def test_an_assistants_turn_has_thoughts_text_and_calls_in_this_order() -> None:
    link = {"type": "url_citation", "url_citation": {"url": "https://a.test", "title": "A"}}
    message = parse_message(
        role="assistant", content="Yes", reasoning_content="Hm", annotations=[link], refusal=None, prefix=True,
        tool_calls=[
            {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at" : 1}'}, "index": 0},
            {"id": "call_2", "type": "custom", "custom": {"name": "calc", "input": "1+1"}},
            {"id": "call_3", "type": "function", "function": {"name": "now", "arguments": ""},
             "extra_content": {"google": {"thought_signature": "c2ln"}}},
        ],
    )  # fmt: skip
    assert message.parts == [
        Thinking("Hm", made_by="openai"),
        Text("Yes", [Citation("openai", link, "https://a.test", "A")]),
        ToolCall("call_1", "look", '{"at" : 1}'),
        ToolCall("call_2", "calc", "1+1", "custom"),
        ToolCall("call_3", "now", "{}", signature="c2ln", signature_of="openai"),
    ]
    assert message.extra == {"prefix": True}


def test_a_sound_that_the_model_made_is_known_by_its_id() -> None:
    assert parse_message(role="assistant", audio={"id": "audio_1"}).parts == [Media("audio", file_id="audio_1")]


def test_a_tools_result_may_hold_several_parts() -> None:
    content = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "https://a.test"}}]
    message = parse_message(role="tool", tool_call_id="call_1", name="look", content=content)
    assert message == Message("tool", [ToolResult("call_1", [Text("a"), Media("image", url="https://a.test")], "look")])


def test_the_form_before_tools_is_tools_with_ids_of_our_own() -> None:
    request = parse(
        messages=[
            {"role": "assistant", "content": None, "function_call": {"name": "look", "arguments": "{}"}},
            {"role": "function", "name": "look", "content": "here"},
            {"role": "assistant", "content": None, "function_call": {"name": "look", "arguments": "{}"}},
            {"role": "function", "name": "look", "content": "there"},
        ],
        functions=[{"name": "look", "parameters": {"type": "object"}}],
        function_call={"name": "look"},
    )  # fmt: skip
    first, here, second, there = (message.parts[0] for message in request.messages)
    assert isinstance(first, ToolCall)
    assert isinstance(second, ToolCall)
    assert first.id != second.id
    assert here == ToolResult(first.id, [Text("here")], "look")
    assert there == ToolResult(second.id, [Text("there")], "look")
    assert request.tools == [Tool("look", schema={"type": "object"})]
    assert request.tool_choice == ToolChoice("tool", ["look"])
    assert request.has_functions


def test_tools_of_every_kind_are_kept() -> None:
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: A"}}
    request = parse(tools=[
        {"type": "function", "function": {"name": "look", "description": "Looks", "parameters": {}, "strict": True}},
        {"function": {"name": "now"}},
        {"type": "custom", "custom": {"name": "calc", "format": grammar}},
        {"type": "browser_search"},
    ])  # fmt: skip
    assert request.tools == [
        Tool("look", "Looks", {}, is_strict=True),
        Tool("now"),
        Tool("calc", kind="custom", extra={"format": grammar}),
        NativeTool("openai", {"type": "browser_search"}),
    ]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", ToolChoice("auto")),
        ("any", ToolChoice("required")),
        ({"type": "function", "function": {"name": "look"}}, ToolChoice("tool", ["look"])),
        ({"type": "custom", "custom": {"name": "calc"}}, ToolChoice("tool", ["calc"])),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"function": {"name": "look"}}]}},
            ToolChoice("required", ["look"]),
        ),
        ({"type": "web_search"}, ToolChoice("auto", native={"type": "web_search"})),
    ],
)
def test_each_choice_of_a_tool_is_understood(choice: Any, expected: ToolChoice) -> None:
    assert parse(tool_choice=choice).tool_choice == expected


@pytest.mark.parametrize(
    ("body", "expected", "rest"),
    [
        ({"reasoning_effort": "high"}, Reasoning("high"), {}),
        ({"reasoning_effort": "none"}, Reasoning("none", is_off=True), {}),
        ({"reasoning_effort": "default"}, None, {"reasoning_effort": "default"}),
        ({"reasoning": {"effort": "low"}}, Reasoning("low"), {}),
        ({"reasoning": {"max_tokens": 2000}}, Reasoning(budget_tokens=2000), {}),
        ({"reasoning": {"enabled": True}}, Reasoning("medium"), {}),
        ({"reasoning": {"effort": "low", "hide": 1}}, Reasoning("low"), {"reasoning": {"effort": "low", "hide": 1}}),
        ({"thinking": {"type": "disabled"}}, Reasoning(is_off=True), {}),
        ({"thinking": {"type": "enabled"}}, Reasoning(is_adaptive=True), {}),
        ({"thinking": {"type": "enabled", "budget_tokens": 5000}}, Reasoning(budget_tokens=5000), {}),
    ],
)  # fmt: skip
def test_every_way_to_ask_for_thought_is_one(body: Any, expected: Reasoning | None, rest: Any) -> None:
    request = parse(**body)
    assert (request.reasoning, request.rest) == (expected, rest)


def test_the_form_of_the_answer_is_text_json_or_a_schema() -> None:
    schema = {"name": "city", "description": "A city", "schema": {"type": "object"}, "strict": True}
    assert parse(response_format={"type": "json_object"}).format == Format("json")
    assert parse(response_format={"type": "text"}).format == Format("text")
    found = parse(response_format={"type": "json_schema", "json_schema": schema}).format
    assert found == Format("schema", {"type": "object"}, "city", "A city", is_strict=True)
    other = parse(response_format={"type": "grammar", "grammar": "root"})
    assert (other.format, other.rest) == (None, {"response_format": {"type": "grammar", "grammar": "root"}})


@pytest.mark.parametrize(
    "body",
    [
        {"messages": "Hi"},
        {"messages": [3]},
        {"messages": [{"role": "wizard", "content": "Hi"}]},
        {"messages": [{"content": "Hi"}]},
        {"temperature": "hot"},
        {"max_tokens": [1]},
        {"tools": {}},
        {"tools": ["look"]},
        {"tool_choice": 3},
        {"stop": 3},
        {"stream": "yes"},
        {"tools": [{"type": "function", "function": {"description": "nameless"}}]},
    ],
)
def test_what_has_no_sense_is_refused_with_its_name(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse(**body)
    assert refused.value.status == 400
    assert next(iter(body)).removesuffix("s") in refused.value.sentence or "function" in refused.value.sentence
