"""Streams as they come from OpenAI and from those who took its format over, trap by trap."""

import json
from typing import Any

import pytest

from proxy.canonical.answer import Answer
from proxy.canonical.events import (
    Event,
    Failed,
    LogprobsAdded,
    MessageEnded,
    MessageStarted,
    PartEnded,
    StreamEnded,
    TextDelta,
    ThinkingDelta,
    ToolArgsDelta,
    ToolCallStarted,
    UsageReported,
)
from proxy.canonical.failure import Failure
from proxy.canonical.folding import fold
from proxy.canonical.parts import Media, Native, Part, Refusal, Text, Thinking, ToolCall
from proxy.dialects.openai.codec import CODEC
from proxy.records import Usage

DONE = b"data: [DONE]\n\n"


def decode(stream: bytes) -> list[Event]:
    decoder = CODEC.decoder()
    return [*decoder.feed(stream), *decoder.close()]


def frame(chunk: Any) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def deltas(*said: dict[str, Any], finish: str | None = "stop") -> bytes:
    frames = [frame({"id": "chatcmpl-1", "model": "m", "choices": [{"index": 0, "delta": delta}]}) for delta in said]
    end = {"id": "chatcmpl-1", "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}
    return b"".join(frames) + (frame(end) if finish else b"") + DONE


def parts_of(stream: bytes) -> list[Part]:
    return answer_of(stream).choices[0].parts


def answer_of(stream: bytes) -> Answer:
    answer = fold(decode(stream), "openai")
    assert isinstance(answer, Answer), answer
    return answer


def failure_of(stream: bytes) -> Failure:
    failure = fold(decode(stream), "openai")
    assert isinstance(failure, Failure), failure
    return failure


def test_a_plain_stream_tells_text_usage_and_end_in_this_order() -> None:
    head = {"id": "chatcmpl-1", "created": 7, "model": "gpt", "object": "chat.completion.chunk"}
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
    stream = (
        frame({**head, "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
        + frame({**head, "choices": [{"index": 0, "delta": {"content": "Hel"}, "finish_reason": None}]})
        + frame({**head, "choices": [{"index": 0, "delta": {"content": "lo"}, "logprobs": None}]})
        + frame({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        + frame({**head, "choices": [], "usage": usage})
        + DONE
    )
    assert decode(stream) == [
        MessageStarted("chatcmpl-1", "gpt", 7),
        TextDelta(0, "Hel"),
        TextDelta(0, "lo"),
        UsageReported(Usage(input=9, output=2), usage),
        MessageEnded("stop", "stop"),
        StreamEnded(),
    ]


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


def test_a_call_that_ends_with_a_plain_stop_still_wants_its_result() -> None:
    call = {"index": 0, "id": "a", "function": {"name": "now", "arguments": "{}"}}
    choice = answer_of(deltas({"tool_calls": [call]}, finish="stop")).choices[0]
    assert (choice.stop, choice.native_stop) == ("tool_calls", "stop")


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
    ("chunk", "kind"),
    [
        ({"error": {"message": "Too many", "type": "tokens", "code": "rate_limit_exceeded"}}, "rate_limit"),
        ({"error": {"message": "No call", "type": "invalid_request_error", "status_code": 400}}, "invalid_request"),
        ({"error": {"code": 502, "message": "Provider down"}, "choices": [{"index": 0, "delta": {}}]}, "unavailable"),
        ({"choices": [{"index": 0, "delta": {}, "error": {"code": 429, "message": "Slow"}}]}, "rate_limit"),
        ({"object": "error", "message": "Bad", "type": "BadRequestError", "code": 400}, "invalid_request"),
        ({"error": "overloaded", "error_type": "overloaded"}, "overloaded"),
        ([{"error": {"code": 503, "message": "Busy", "status": "UNAVAILABLE"}}], "unavailable"),
        ({"detail": "Not enough memory"}, "server"),
    ],
)
def test_an_error_inside_a_good_answer_is_an_error_and_ends_it(chunk: Any, kind: str) -> None:
    begun = frame({"id": "c", "choices": [{"index": 0, "delta": {"content": "Hi"}}], "usage": {"prompt_tokens": 3}})
    events = decode(begun + frame(chunk) + frame({"choices": [{"index": 0, "delta": {"content": "more"}}]}) + DONE)
    failed = events[-1]
    assert isinstance(failed, Failed)
    assert failed.failure.kind == kind
    assert failed.failure.message
    assert UsageReported(Usage(input=3), {"prompt_tokens": 3}) in events  # what was used is still billed
    assert not any(isinstance(event, MessageEnded) for event in events)


def test_an_error_with_an_event_name_is_read_like_any_other() -> None:
    stream = frame({"choices": [{"index": 0, "delta": {"content": "x"}}]})
    stream += b'event: error\ndata: {"error":{"message":"no","code":"tool_use_failed"}}\n\n'
    assert failure_of(stream).code == "tool_use_failed"


def test_a_stream_without_its_end_is_truncated() -> None:
    half = frame({"id": "c", "choices": [{"index": 0, "delta": {"content": "Hi"}}]})
    assert failure_of(half).kind == "truncated"
    assert failure_of(half + b'data: {"id":"c","choi').kind == "truncated"
    assert failure_of(b"").kind == "truncated"


def test_every_choice_that_has_its_reason_is_an_end_without_the_word() -> None:
    said = [{"index": 0, "delta": {"content": "Hi"}}, {"index": 1, "delta": {"content": "Ho"}}]
    begun = frame({"id": "c", "choices": said})
    first = frame({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    second = frame({"id": "c", "choices": [{"index": 1, "delta": {}, "finish_reason": "length"}]})
    assert failure_of(begun + first).kind == "truncated"
    assert [choice.stop for choice in answer_of(begun + first + second).choices] == ["stop", "length"]
    assert [choice.stop for choice in answer_of(begun + first + second.rstrip()).choices] == ["stop", "length"]


def test_a_chunk_that_is_no_json_is_a_failure_and_not_a_gap() -> None:
    assert failure_of(deltas({"content": "a"}, finish=None)[: -len(DONE)] + b"data: {oops\n\n" + DONE).kind == "server"


def test_half_of_a_character_does_not_end_a_stream() -> None:
    stream = b'data: {"choices":[{"index":0,"delta":{"content":"a\\ud83d"},"finish_reason":"stop"}]}\n\n' + DONE
    assert parts_of(stream) == [Text("a\ufffd")]


@pytest.mark.parametrize(
    ("body", "kind", "word"),
    [
        (b'{"error":{"message":"No","code":"model_not_found"}}', "not_found", "No"),
        (b"<html><head><title>502 Bad Gateway</title></head></html>", "server", "502 Bad Gateway"),
        (b"null", "truncated", "broke off"),
        (b"upstream connect error", "truncated", "broke off"),
    ],
)
def test_what_comes_in_the_place_of_a_stream_is_a_failure(body: bytes, kind: str, word: str) -> None:
    failure = failure_of(body)
    assert failure.kind == kind
    assert word in failure.message


def test_a_whole_answer_in_the_place_of_a_stream_is_read() -> None:
    message = {"role": "assistant", "content": "Hi"}
    body = json.dumps({"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}, indent=1)
    assert parts_of(body.encode()) == [Text("Hi")]


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
    head = {"id": "c", "citations": ["https://a.test"], "search_results": [{"url": "https://a.test", "title": "A"}]}
    first = {"index": 0, "delta": {"content": "Big"}, "message": {"content": "Big"}}
    last = {"index": 0, "delta": {"content": "!"}, "message": {"content": "Big!"}, "finish_reason": "stop"}
    stream = frame({**head, "choices": [first]}) + frame({**head, "choices": [last]})
    (text,) = parts_of(stream)
    assert isinstance(text, Text)
    assert (text.text, [(citation.url, citation.title) for citation in text.citations]) == (
        "Big!",
        [("https://a.test", "A")],
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


@pytest.mark.parametrize(
    ("word", "native", "stop"),
    [
        ("length", None, "length"),
        ("content_filter", None, "content_filter"),
        ("eos", None, "stop"),
        ("model_length", None, "context_window"),
        ("error", None, "error"),
        ("insufficient_system_resource", None, "error"),
        ("stop", "end_turn", "stop"),
        ("stop", "stop_sequence", "stop_sequence"),
        ("length", "MAX_TOKENS", "length"),
        ("content_filter", "refusal", "refusal"),
        ("never heard", None, "stop"),
    ],
)
def test_every_word_for_the_end_is_known_and_kept(word: str, native: str | None, stop: str) -> None:
    choice = {"index": 0, "delta": {"content": "x"}, "finish_reason": word, "native_finish_reason": native}
    found = answer_of(frame({"choices": [choice]}) + DONE).choices[0]
    assert (found.stop, found.native_stop) == (stop, native or word)


def test_an_end_without_a_reason_is_one_all_the_same() -> None:
    assert answer_of(deltas({"content": "x"}, finish="")).choices[0].stop == "stop"
    assert answer_of(DONE).choices[0].parts == []


def test_nothing_follows_the_end() -> None:
    decoder = CODEC.decoder()
    assert isinstance(list(decoder.feed(deltas({"content": "x"})))[-1], StreamEnded)
    assert list(decoder.feed(deltas({"content": "y"}))) == []
    assert list(decoder.close()) == []
