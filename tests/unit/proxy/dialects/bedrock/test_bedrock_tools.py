"""Tools, calls and results of other dialects in requests to Converse."""

from typing import Any

import pytest

from proxy.canonical.parts import Text, ToolCall, ToolResult
from proxy.canonical.request import Message, Tool, ToolChoice
from tests.unit.proxy.dialects.bedrock.rendering import WEATHER, assistant, contents, names, render, user


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


def test_where_no_tool_can_be_named_it_is_the_only_one_offered() -> None:
    mistral = "mistral.mistral-large-3-675b-instruct"
    rendered = render(tools=[WEATHER, Tool("other")], tool_choice=ToolChoice("tool", ["other"]), model=mistral)
    config = rendered.body["toolConfig"]
    assert [tool["toolSpec"]["name"] for tool in config["tools"]] == ["other"]
    assert config["toolChoice"] == {"any": {}}
