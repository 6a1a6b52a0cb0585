from typing import Any

from proxy.canonical.answer import Answer, Choice
from proxy.canonical.parts import Citation, Media, Native, Refusal, Text, Thinking, ToolCall
from proxy.canonical.request import Request
from proxy.dialects.codec import Opening
from proxy.dialects.openai.codec import CODEC
from proxy.records import Usage


def parse(message: dict[str, Any], finish: str | None = "stop", **more: Any) -> Choice:
    body = {"id": "chatcmpl-1", "choices": [{"index": 0, "message": message, "finish_reason": finish, **more}]}
    return CODEC.parse_answer(body).choices[0]


def render(*parts: Any, opening: Opening | None = None, **said: Any) -> dict[str, Any]:
    answer = Answer("anthropic", "msg_1", "claude", 9, [Choice(list(parts), **said)])
    return CODEC.render_answer(answer, opening or Opening("call_1", "gpt", 7))


def test_an_answer_is_read_with_its_usage_and_what_stands_beside() -> None:
    usage = {
        "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 2},
    }  # fmt: skip
    body = {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 9, "model": "gpt", "service_tier": "flex",
        "system_fingerprint": None, "usage": usage,
        "choices": [
            {"index": 1, "message": {"role": "assistant", "content": "b"}, "finish_reason": "length"},
            {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"},
        ],
    }  # fmt: skip
    assert CODEC.parse_answer(body) == Answer(
        "openai", "chatcmpl-1", "gpt", 9,
        [Choice([Text("a")], "stop", "stop"), Choice([Text("b")], "length", "length")],
        Usage(input=6, cache_read=4, output=5, reasoning=2), usage, {"service_tier": "flex"},
    )  # fmt: skip


def test_members_that_are_there_and_empty_say_nothing() -> None:
    """As Snowflake writes them."""
    message = {
        "role": "assistant", "content": "Hi", "refusal": "", "annotations": None,
        "function_call": {"name": "", "arguments": ""},
        "audio": {"id": "", "data": "", "transcript": "", "expires_at": 0}, "tool_calls": None,
    }  # fmt: skip
    choice = parse(message, "")
    assert (choice.parts, choice.stop, choice.native_stop) == ([Text("Hi")], "stop", "")


def test_a_function_with_an_empty_custom_beside_it_is_a_function() -> None:
    call = {
        "id": "a",
        "type": "function",
        "function": {"name": "look", "arguments": ""},
        "custom": {"name": "", "input": ""},
    }
    assert parse({"content": None, "tool_calls": [call]}, "").parts == [ToolCall("a", "look")]


def test_arguments_that_are_an_object_are_text() -> None:
    call = {"id": "a", "function": {"name": "look", "arguments": {"b": 1, "a": 2}}}
    assert parse({"tool_calls": [call]}).parts == [ToolCall("a", "look", '{"b":1,"a":2}')]


def test_calls_without_ids_get_the_same_ones_each_time() -> None:
    call = {"id": "null", "function": {"name": "look", "arguments": "{"}}
    first, second = parse({"tool_calls": [call, call]}).parts
    assert isinstance(first, ToolCall)
    assert isinstance(second, ToolCall)
    assert first.arguments == "{"  # malformed, and kept
    assert first.id != second.id
    assert [first, second] == parse({"tool_calls": [call, call]}).parts


def test_an_object_in_the_place_of_text_is_its_json() -> None:
    assert parse({"content": {"name": "Ada"}}).parts == [Text('{"name":"Ada"}')]


def test_a_choice_without_a_message_was_filtered() -> None:
    answer = CODEC.parse_answer({"choices": [{"index": 0, "finish_reason": "content_filter"}]})
    assert answer.choices == [Choice([], "content_filter", "content_filter")]


def test_tools_that_the_provider_ran_are_kept_as_they_are() -> None:
    tools = [{"index": 0, "type": "search", "output": "sunny"}]
    assert parse({"content": "x", "executed_tools": tools}).parts == [
        Text("x"),
        Native("openai", {"executed_tools": tools}),
    ]


def test_sound_and_pictures_are_media() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,YWJj"}}
    choice = parse({"content": None, "audio": {"id": "a1", "data": "YWJj", "transcript": "Hi"}, "images": [picture]})
    sound = Media("audio", data="YWJj", extra={"id": "a1", "transcript": "Hi"}, extra_of="openai")
    assert choice.parts == [sound, Media("image", "image/png", "YWJj")]


def test_an_answer_from_elsewhere_is_a_completion() -> None:
    link = Citation("anthropic", {"type": "web_search_result_location"}, "https://a.test", "A")
    body = render(
        Thinking("Hm", "c2ln", made_by="anthropic"), Text("I "), Text("look.", [link]),
        ToolCall("toolu_1", "look", '{"a":1}'),
        stop="tool_calls", native_stop="tool_use",
    )  # fmt: skip
    citation = {"url": "https://a.test", "title": "A", "start_index": 2, "end_index": 7}
    assert body == {
        "id": "chatcmpl-msg_1",
        "object": "chat.completion",
        "created": 9,
        "model": "claude",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "I look.",
                    "refusal": None,
                    "reasoning_content": "Hm",
                    "annotations": [{"type": "url_citation", "url_citation": citation}],
                    "tool_calls": [
                        {"id": "toolu_1", "type": "function", "function": {"name": "look", "arguments": '{"a":1}'}}
                    ],
                },
                "logprobs": None,
                "finish_reason": "tool_calls",
                "native_finish_reason": "tool_use",
            }
        ],
    }


def test_a_client_that_speaks_in_functions_is_answered_so() -> None:
    opening = Opening("call_1", "gpt", request=Request("openai", "gpt", has_functions=True))
    choice = render(ToolCall("a", "look"), stop="tool_calls", opening=opening)["choices"][0]
    assert choice["message"]["function_call"] == {"name": "look", "arguments": "{}"}
    assert "tool_calls" not in choice["message"]
    assert choice["finish_reason"] == "function_call"


def test_what_a_completion_has_no_place_for_is_a_loss() -> None:
    opening = Opening("call_1", "gpt")
    native = Native("anthropic", {"type": "server_tool_use"})
    document = Citation("anthropic", {"type": "page_location"}, text="p. 3")
    body = render(Text("a", [document]), native, Media("video", url="x"), stop="pause", opening=opening)
    assert body["choices"][0]["finish_reason"] == "stop"
    assert {loss.name for loss in opening.losses} == {"citations", "server_tool_use", "video", "pause"}


def test_a_refusal_is_no_content() -> None:
    choice = render(Refusal("No."), stop="refusal")["choices"][0]
    assert (choice["message"]["content"], choice["message"]["refusal"], choice["finish_reason"]) == (
        None,
        "No.",
        "stop",
    )
    assert render(Text("I can't."), stop="refusal")["choices"][0]["finish_reason"] == "content_filter"


def test_members_of_another_dialect_are_not_handed_on() -> None:
    answer = Answer("anthropic", choices=[Choice([Text("a")])], rest={"container": {"id": "c"}})
    assert "container" not in CODEC.render_answer(answer, Opening("call_1", "gpt"))


def test_the_body_of_an_error_has_no_choices_and_keeps_it() -> None:
    answer = CODEC.parse_answer({"error": {"message": "No"}})
    assert (answer.choices, answer.rest) == ([], {"error": {"message": "No"}})
