"""Streams as they come from OpenAI and from those who took its format over, trap by trap."""

from typing import Any

import pytest

from proxy.canonical.events import (
    LogprobsAdded,
    MessageEnded,
    MessageStarted,
    PartEnded,
    StreamEnded,
    TextDelta,
    ThinkingDelta,
    ToolArgsDelta,
    ToolCallStarted,
)
from proxy.canonical.parts import Media, Native, Refusal, Text, Thinking, ToolCall
from proxy.records import Usage
from tests.unit.proxy.dialects.openai.playing import DONE, answer_of, decode, deltas, frame, parts_of


def test_parallel_calls_interleave_by_their_index() -> None:
    def piece(index: int, arguments: str, **more: Any) -> dict[str, Any]:
        name = {"name": more.pop("name")} if "name" in more else {}
        return {"index": index, "function": {**name, "arguments": arguments}, **more}

    stream = deltas(
        {"tool_calls": [piece(0, "", id="call_a", name="first", type="function")]},
        {"tool_calls": [piece(0, '{"a"')]},
        {"tool_calls": [piece(1, "", id="call_b", name="second", type="function"), piece(0, ":1}")]},
        {"tool_calls": [piece(1, '{"b":2}')]},
        finish="tool_calls",
    )
    assert [event for event in decode(stream) if not isinstance(event, MessageStarted)] == [
        ToolCallStarted(0, "call_a", "first"),
        ToolArgsDelta(0, '{"a"'),
        ToolCallStarted(1, "call_b", "second"),
        ToolArgsDelta(0, ":1}"),
        ToolArgsDelta(1, '{"b":2}'),
        MessageEnded("tool_calls", "tool_calls"),
        StreamEnded(),
    ]


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([{"id": "a", "index": 0}, {"id": "b", "index": 0}], id="index always 0"),
        pytest.param([{"id": "a"}, {"id": "b"}], id="no index"),
        pytest.param([{"id": "a", "index": 5}, {"id": "b", "index": 7}], id="holes"),
    ],
)
def test_calls_are_told_apart_without_a_proper_index(pieces: list[dict[str, Any]]) -> None:
    function = {"name": "look", "arguments": '{"at":1}'}
    both = {"tool_calls": [{**piece, "function": function} for piece in pieces]}
    apart = [{"tool_calls": [call]} for call in both["tool_calls"]]
    expected = [ToolCall("a", "look", '{"at":1}'), ToolCall("b", "look", '{"at":1}')]
    assert parts_of(deltas(both, finish="tool_calls")) == expected
    assert parts_of(deltas(*apart, finish="tool_calls")) == expected


def test_two_calls_with_one_index_and_no_ids_are_told_apart_by_their_names() -> None:
    stream = deltas(
        {"tool_calls": [{"index": 0, "id": "", "function": {"name": "look", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "id": "", "function": {"name": "listen", "arguments": "{}"}}]},
    )
    calls = [part for part in parts_of(stream) if isinstance(part, ToolCall)]
    assert [(call.name, call.arguments) for call in calls] == [("look", "{}"), ("listen", "{}")]
    assert len({call.id for call in calls}) == 2


def test_an_id_and_a_name_that_come_again_begin_no_other_call() -> None:
    again = {"index": 0, "id": "a", "type": "function"}
    stream = deltas(
        {"tool_calls": [{**again, "function": {"name": "look", "arguments": '{"at"'}}]},
        {"tool_calls": [{**again, "function": {"name": "look", "arguments": ":1}"}}]},
    )
    assert parts_of(stream) == [ToolCall("a", "look", '{"at":1}')]


def test_pieces_of_one_call_with_an_id_each_are_one_call() -> None:
    stream = deltas(
        {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "look", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "id": "b", "function": {"arguments": '{"at":1}'}}]},
    )
    assert parts_of(stream) == [ToolCall("a", "look", '{"at":1}')]


def test_arguments_before_the_name_wait_for_it() -> None:
    stream = deltas(
        {"tool_calls": [{"index": 0, "id": "a", "function": {"arguments": '{"at"'}}]},
        {"tool_calls": [{"index": 0, "function": {"name": "look", "arguments": ":1}"}}]},
    )
    assert parts_of(stream) == [ToolCall("a", "look", '{"at":1}')]


@pytest.mark.parametrize("arguments", [None, "", {}])
def test_a_call_without_arguments_has_an_empty_object(arguments: Any) -> None:
    stream = deltas({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "now", "arguments": arguments}}]})
    assert parts_of(stream) == [ToolCall("a", "now", "{}")]


def test_the_form_before_tools_is_a_call() -> None:
    stream = deltas(
        {"role": "assistant", "content": None, "function_call": {"name": "look", "arguments": ""}},
        {"function_call": {"arguments": '{"at"'}},
        {"function_call": {"arguments": ":1}"}},
        finish="function_call",
    )
    answer = answer_of(stream)
    (call,) = answer.choices[0].parts
    assert isinstance(call, ToolCall)
    assert (call.name, call.arguments, answer.choices[0].stop) == ("look", '{"at":1}', "tool_calls")
    assert call.id


def test_a_custom_tool_is_called_with_free_text() -> None:
    stream = deltas(
        {"tool_calls": [{"index": 0, "id": "a", "type": "custom", "custom": {"name": "calc", "input": ""}}]},
        {"tool_calls": [{"index": 0, "custom": {"input": "1 +"}}]},
        {"tool_calls": [{"index": 0, "custom": {"input": " 1"}}]},
    )
    assert parts_of(stream) == [ToolCall("a", "calc", "1 + 1", "custom")]


@pytest.mark.parametrize(("member", "place"), [("reasoning_content", ""), ("reasoning", "reasoning")])
def test_thoughts_come_in_either_member_before_the_text(member: str, place: str) -> None:
    stream = deltas(
        {"role": "assistant", "content": "", member: "So "}, {member: "be it", "content": None}, {"content": "Yes"}
    )
    assert [event for event in decode(stream) if not isinstance(event, MessageStarted)] == [
        ThinkingDelta(0, "So ", made_by="openai", format=place),
        ThinkingDelta(0, "be it", made_by="openai", format=place),
        PartEnded(0),
        TextDelta(1, "Yes"),
        MessageEnded("stop", "stop"),
        StreamEnded(),
    ]


def test_details_are_read_and_their_repetition_is_not() -> None:
    text = {"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1"}
    stream = deltas(
        {"reasoning": "So", "reasoning_details": [{**text, "text": "So"}]},
        {"reasoning": " be it", "reasoning_details": [{**text, "text": " be it"}]},
        {"reasoning": None, "reasoning_details": [{**text, "signature": "c2ln"}]},
        {"reasoning_details": [{"type": "reasoning.encrypted", "index": 1, "data": "ZW5j", "id": "rs_1"}]},
        {"content": "Yes"},
    )
    assert parts_of(stream) == [
        Thinking("So be it", "c2ln", made_by="openai", format="anthropic-claude-v1"),
        Thinking(redacted="ZW5j", made_by="openai", item_id="rs_1"),
        Text("Yes"),
    ]


def test_mistrals_typed_content_is_thinking_and_text() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    stream = deltas({"content": [thought]}, {"content": [{"type": "text", "text": "Yes"}]}, {"content": "!"})
    assert parts_of(stream) == [Thinking("Hm.", made_by="openai", format="thinking"), Text("Yes!")]


def test_azures_first_chunk_and_filter_chunks_say_nothing_of_the_answer() -> None:
    filtered = [{"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False}}}]
    stream = (
        frame({"id": "", "model": "", "created": 0, "object": "", "choices": [], "prompt_filter_results": filtered})
        + frame({"id": "chatcmpl-1", "model": "gpt", "choices": [{"index": 0, "delta": {"content": "Hi"}}]})
        + frame({"id": "", "model": "", "choices": [{"index": 0, "content_filter_offsets": {}, "finish_reason": None}]})
        + frame({"id": "chatcmpl-1", "model": "gpt", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        + DONE
    )
    answer = answer_of(stream)
    assert (answer.id, answer.model) == ("chatcmpl-1", "gpt")
    assert answer.rest == {"prompt_filter_results": filtered}
    assert answer.choices[0].parts == [Text("Hi")]


@pytest.mark.parametrize(
    "chunk",
    [
        {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}},
        {"choices": [{"index": 0, "delta": {}}], "usage": {"prompt_tokens": 5, "completion_tokens": 2}},
        {"choices": [], "x_groq": {"id": "r", "usage": {"prompt_tokens": 5, "completion_tokens": 2}}},
    ],
)
def test_usage_is_found_wherever_it_stands_and_the_last_counts(chunk: dict[str, Any]) -> None:
    early = frame({"id": "c", "choices": [{"index": 0, "delta": {"content": "Hi"}}], "usage": {"prompt_tokens": 5}})
    answer = answer_of(early + deltas({"content": "!"})[: -len(DONE)] + frame(chunk) + DONE)
    assert answer.usage == Usage(input=5, output=2)


def test_a_refusal_is_told_apart_from_text() -> None:
    choice = answer_of(deltas({"refusal": "I "}, {"refusal": "won't."})).choices[0]
    assert (choice.parts, choice.stop) == ([Refusal("I won't.")], "refusal")


def test_sound_is_put_together_and_comes_whole() -> None:
    stream = deltas(
        {"audio": {"id": "audio_1", "transcript": "He"}},
        {"audio": {"data": "YWJj", "transcript": "y"}},
        {"audio": {"data": "ZGVm"}},
        {"audio": {"expires_at": 9}},
    )
    extra = {"id": "audio_1", "transcript": "Hey", "expires_at": 9}
    assert parts_of(stream) == [Media("audio", data="YWJjZGVm", extra=extra, extra_of="openai")]


def test_links_belong_to_the_text_that_they_come_after() -> None:
    link = {"type": "url_citation", "url_citation": {"url": "https://a.test", "title": "A", "start_index": 0}}
    (text,) = parts_of(deltas({"content": "As A says"}, {"content": "", "annotations": [link]}))
    assert isinstance(text, Text)
    assert [(citation.url, citation.title, citation.raw) for citation in text.citations] == [
        ("https://a.test", "A", link)
    ]


def test_perplexitys_sources_are_citations_of_the_whole_text() -> None:
    head: dict[str, Any] = {
        "id": "c",
        "citations": ["https://a.test"],
        "search_results": [{"url": "https://a.test", "title": "A"}],
    }
    first = {"index": 0, "delta": {"content": "Big"}, "message": {"content": "Big"}}
    last = {"index": 0, "delta": {"content": "!"}, "message": {"content": "Big!"}, "finish_reason": "stop"}
    found = {"search_results": [*head["search_results"], {"url": "https://b.test", "title": "B"}]}
    (text,) = parts_of(frame({**head, "choices": [first]}) + frame({**head, **found, "choices": [last]}))
    assert isinstance(text, Text)
    assert (text.text, [(citation.url, citation.title) for citation in text.citations]) == (
        "Big!",
        [("https://a.test", "A"), ("https://b.test", "B")],
    )


def test_tools_that_the_provider_ran_are_not_dropped() -> None:
    begun, done = {"index": 0, "type": "search", "output": ""}, {"index": 0, "type": "search", "output": "sunny"}
    other = {"index": 1, "type": "search", "output": "rain"}
    stream = deltas(
        {"executed_tools": [begun]}, {"executed_tools": [done]}, {"executed_tools": [other]}, {"content": "x"}
    )
    assert parts_of(stream) == [Native("openai", {"executed_tools": [done, other]}), Text("x")]


def test_several_choices_have_parts_of_their_own() -> None:
    stream = (
        frame(
            {"id": "c", "choices": [{"index": 1, "delta": {"content": "b"}}, {"index": 0, "delta": {"content": "a"}}]}
        )
        + frame({"id": "c", "choices": [{"index": 0, "delta": {"content": "A"}, "finish_reason": "stop"}]})
        + frame({"id": "c", "choices": [{"index": 1, "delta": {"content": "B"}, "finish_reason": "length"}]})
        + DONE
    )
    said = [(choice.parts, choice.stop) for choice in answer_of(stream).choices]
    assert said == [([Text("aA")], "stop"), ([Text("bB")], "length")]


def test_logprobs_come_token_by_token() -> None:
    token = {"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": []}
    chunk = {"choices": [{"index": 0, "delta": {"content": "Hi"}, "logprobs": {"content": [token], "refusal": None}}]}
    assert LogprobsAdded([token]) in decode(frame(chunk) + DONE)
