"""Cohere's chat: what its wire does otherwise than others."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.canonical.answer import Answer, Choice
from proxy.canonical.events import (
    CitationAdded,
    Event,
    Failed,
    MessageEnded,
    MessageStarted,
    NativeAdded,
    PartEnded,
    StreamEnded,
    TextDelta,
    ThinkingDelta,
    ToolArgsDelta,
    ToolCallStarted,
    UsageReported,
)
from proxy.canonical.failure import Failure, FailureKind
from proxy.canonical.folding import fold
from proxy.canonical.parts import Citation, Media, Native, Part, Text, Thinking, ToolCall, ToolResult
from proxy.canonical.request import Format, Message, NativeTool, Reasoning, Rendered, Request, Tool, ToolChoice
from proxy.dialects.codec import Opening
from proxy.dialects.cohere.codec import CODEC
from proxy.errors import InvalidRequest
from proxy.records import Usage

USAGE = {"billed_units": {"input_tokens": 5, "output_tokens": 7}, "tokens": {"input_tokens": 70, "output_tokens": 9}}
BILLED = Usage(input=5, output=7)


def frame(kind: str, **members: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind, **members}))


def said(kind: str, index: int | None = None, **message: Any) -> bytes:
    place = {} if index is None else {"index": index}
    return frame(kind, **place, delta={"message": message})


def ended(reason: str = "COMPLETE", **members: Any) -> bytes:
    return frame("message-end", delta={"finish_reason": reason, "usage": USAGE, **members})


def read(*pieces: bytes) -> list[Event]:
    decoder = CODEC.decoder()
    return [found for piece in pieces for found in decoder.feed(piece)] + list(decoder.close())


START = frame("message-start", id="abc", delta={"message": {"role": "assistant", "content": [], "tool_plan": ""}})
WHOLE = [
    START,
    said("content-start", 0, content={"type": "thinking", "thinking": ""}),
    said("content-delta", 0, content={"thinking": "Hm"}),
    frame("content-end", index=0),
    said("content-start", 1, content={"type": "text", "text": ""}),
    said("content-delta", 1, content={"text": "grüezi 🐻"}),
    frame("content-end", index=1),
    said("tool-plan-delta", tool_plan="I will look"),
    said("tool-call-start", 0, tool_calls={"id": "a", "type": "function", "function": {"name": "w", "arguments": ""}}),
    said("tool-call-delta", 0, tool_calls={"function": {"arguments": '{"a":1}'}}),
    frame("tool-call-end", index=0),
    said("tool-call-start", 1, tool_calls={"id": "b", "type": "function", "function": {"name": "v", "arguments": ""}}),
    frame("tool-call-end", index=1),
    ended("TOOL_CALL"),
    b"data: [DONE]\n\n",
]
EVENTS: list[Event] = [
    MessageStarted("abc"),
    ThinkingDelta(0, "Hm", made_by="cohere"),
    PartEnded(0),
    TextDelta(1, "grüezi 🐻"),
    PartEnded(1),
    ThinkingDelta(2, "I will look", made_by="cohere", item_id="tool_plan"),
    PartEnded(2),
    ToolCallStarted(3, "a", "w"),
    ToolArgsDelta(3, '{"a":1}'),
    PartEnded(3),
    ToolCallStarted(4, "b", "v"),
    PartEnded(4),
    UsageReported(BILLED, USAGE),
    MessageEnded("tool_calls", "TOOL_CALL"),
    StreamEnded(),
]


def test_contents_and_calls_are_numbered_apart_on_the_wire_and_together_here() -> None:
    assert read(*WHOLE) == EVENTS


@settings(deadline=None, max_examples=60)  # on a busy machine one example may take long
@given(st.lists(st.integers(0, 10_000), max_size=12), st.sampled_from([b"\n", b"\r\n", b"\r"]), st.booleans())
def test_any_cut_of_the_bytes_gives_the_same_events(places: list[int], end: bytes, is_commented: bool) -> None:
    data = b"".join(WHOLE).replace(b"\n", end)
    if is_commented:
        data = b": ping" + end * 2 + data
    edges = [0, *sorted(place % len(data) for place in places), len(data)]
    assert read(*[data[a:b] for a, b in zip(edges, edges[1:], strict=False)]) == EVENTS  # noqa: RUF007 - with empty ones


def test_arguments_that_never_came_are_an_empty_object() -> None:
    answer = fold(read(*WHOLE), "cohere")
    assert isinstance(answer, Answer)
    assert answer.choices[0].parts[-2:] == [ToolCall("a", "w", '{"a":1}'), ToolCall("b", "v", "{}")]


@pytest.mark.parametrize("count", range(1, len(WHOLE) - 1))
def test_a_stream_that_breaks_off_is_truncated(count: int) -> None:
    last = read(*WHOLE[:count])[-1]
    assert isinstance(last, Failed)
    assert last.failure.kind == "truncated"


def test_the_last_frame_may_lack_its_blank_line() -> None:
    assert read(START, ended().rstrip(b"\n"))[-1] == StreamEnded()


@pytest.mark.parametrize(("reason", "kind"), [("ERROR", "server"), ("TIMEOUT", "timeout")])
def test_an_answer_that_cohere_gives_up_is_a_failure_that_is_paid_for(reason: str, kind: FailureKind) -> None:
    events = read(START, said("content-delta", 0, content={"text": "Hi"}), ended(reason, error="It broke."))
    assert events[-2] == UsageReported(BILLED, USAGE)
    last = events[-1]
    assert isinstance(last, Failed)
    assert (last.failure.kind, last.failure.message, last.failure.code) == (kind, "It broke.", reason)


@pytest.mark.parametrize("body", [b'{"message":"overloaded"}', b'{"type":"error","error":{"message":"overloaded"}}'])
def test_an_error_inside_the_stream_is_a_failure(body: bytes) -> None:
    last = read(START, b"data: " + body + b"\n\n", ended())[-1]
    assert isinstance(last, Failed)
    assert last.failure.message == "overloaded"


def test_what_is_no_json_ends_the_stream() -> None:
    last = read(START, b"data: {oops\n\n", ended())[-1]
    assert isinstance(last, Failed)


def test_citations_go_to_their_text_and_those_of_the_plan_stand_alone() -> None:
    source = {"type": "document", "id": "d", "document": {"title": "T", "url": "https://example.com"}}
    cited = {"start": 0, "end": 2, "text": "Hi", "type": "TEXT_CONTENT", "sources": [source]}
    planned = {**cited, "type": "PLAN"}
    events = read(
        START,
        said("content-delta", 0, content={"text": "Hi"}),
        said("citation-start", 0, citations=cited),
        said("citation-start", 1, citations=planned),
        ended(),
    )
    assert events[2:4] == [
        CitationAdded(0, Citation("cohere", cited, "https://example.com", "T", "Hi")),
        NativeAdded(1, Native("cohere", {"citations": [planned]})),
    ]


def test_what_is_billed_counts_in_a_stream_and_in_a_whole_answer_alike() -> None:
    body = {"id": "a", "finish_reason": "COMPLETE", "message": {"role": "assistant", "content": []}, "usage": USAGE}
    whole = CODEC.parse_answer(body)
    streamed = fold(read(START, ended()), "cohere")
    assert isinstance(streamed, Answer)
    assert whole.usage == streamed.usage == BILLED
    assert whole.raw_usage == streamed.raw_usage == USAGE


def test_where_nothing_is_billed_the_tokens_count_and_those_of_the_cache_apart() -> None:
    usage = {"tokens": {"input_tokens": 70, "output_tokens": 9}, "cached_tokens": 64}
    answer = CODEC.parse_answer({"message": {"content": []}, "finish_reason": "COMPLETE", "usage": usage})
    assert answer.usage == Usage(input=6, cache_read=64, output=9)
    searched = {"billed_units": {"input_tokens": 1, "output_tokens": 2, "search_units": 3}}
    assert CODEC.parse_answer({"usage": searched}).usage == Usage(input=1, output=2, searches=3)


@pytest.mark.parametrize("body", [{}, {"message": None, "finish_reason": "ERROR"}])
def test_an_answer_without_a_message_is_no_clean_end(body: dict[str, Any]) -> None:
    (choice,) = CODEC.parse_answer(body).choices
    assert (choice.parts, choice.stop) == ([], "error")


def test_an_answer_of_another_dialect_is_told_in_coheres_words() -> None:
    parts: list[Part] = [Thinking("Hm", "sig", made_by="anthropic"), Text("Hi"), ToolCall("a", "w", '{"a":1}')]
    theirs = Answer("anthropic", "msg_1", "m", 0, [Choice(parts, "tool_calls", "tool_use")], Usage(input=3, output=4))
    assert CODEC.render_answer(theirs, Opening("call", "m")) == {
        "id": "msg_1",
        "finish_reason": "TOOL_CALL",
        "message": {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "Hi"}],
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "w", "arguments": '{"a":1}'}}],
        },
        "usage": {
            "billed_units": {"input_tokens": 3, "output_tokens": 4},
            "tokens": {"input_tokens": 3, "output_tokens": 4},
        },
    }


def test_a_failure_ends_the_stream_as_cohere_would() -> None:
    encoder = CODEC.encoder(Opening("call", "m"))
    stream = encoder.encode(MessageStarted()) + encoder.encode(Failed(Failure("rate_limit", "Slow down.")))
    last = read(stream)[-1]
    assert isinstance(last, Failed)
    assert last.failure.message == "Slow down."
    assert encoder.encode(StreamEnded()) == b""


def render(*messages: Message, model: str = "command-a-03-2025", **members: Any) -> Rendered:
    return CODEC.render_request(Request("openai", model, list(messages) or [Message("user", [Text("Hi")])], **members))


def names(rendered: Rendered) -> set[str]:
    return {loss.name for loss in rendered.losses}


def test_a_conversation_with_tools_keeps_its_order_and_ids() -> None:
    rendered = render(
        Message("developer", [Text("Rules")]),
        Message("user", [Text("Both?"), Media("image", "image/png", data="eA==", detail="low")]),
        Message(
            "assistant", [Thinking("Hm", "s", made_by="anthropic"), ToolCall("a", "w", ""), ToolCall("b", "v", "x")]
        ),
        Message("tool", [ToolResult("a", [Text("sun")]), ToolResult("b", [Text("1"), Text("2")])]),
    )
    assert rendered.body["messages"] == [
        {"role": "system", "content": "Rules"},
        {"role": "user", "content": [
            {"type": "text", "text": "Both?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,eA==", "detail": "low"}},
        ]},
        {"role": "assistant", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "w", "arguments": "{}"}},
            {"id": "b", "type": "function", "function": {"name": "v", "arguments": "x"}},
        ]},
        {"role": "tool", "tool_call_id": "a", "content": "sun"},
        {"role": "tool", "tool_call_id": "b", "content": [
            {"type": "text", "text": "1"}, {"type": "text", "text": "2"},
        ]},
    ]  # fmt: skip
    assert rendered.losses == []


@pytest.mark.parametrize(
    ("choice", "word", "offered"),
    [
        (ToolChoice("auto"), None, ["w", "v"]),
        (ToolChoice("none"), "NONE", ["w", "v"]),
        (ToolChoice("required"), "REQUIRED", ["w", "v"]),
        (ToolChoice("tool", ["v"]), "REQUIRED", ["v"]),
    ],
)
def test_a_choice_of_tools_is_made_in_coheres_words(choice: ToolChoice, word: str | None, offered: list[str]) -> None:
    rendered = render(tools=[Tool("w"), Tool("v", "V", {"type": "object"})], tool_choice=choice)
    assert rendered.body.get("tool_choice") == word
    assert [tool["function"]["name"] for tool in rendered.body["tools"]] == offered
    assert all(isinstance(tool["function"]["parameters"], dict) for tool in rendered.body["tools"])


def test_sampling_is_named_and_bounded_as_cohere_has_it() -> None:
    rendered = render(
        temperature=2, top_p=1, top_k=900, presence_penalty=-1, frequency_penalty=0.5, seed=7, max_tokens=3
    )
    expected = {
        "temperature": 1,
        "p": 0.99,
        "k": 500,
        "presence_penalty": 0,
        "frequency_penalty": 0.5,
        "seed": 7,
        "max_tokens": 3,
    }
    assert expected.items() <= rendered.body.items()
    assert names(rendered) == {"temperature", "top_p", "top_k", "presence_penalty"}


def test_documents_of_text_go_beside_the_messages_and_others_are_told() -> None:
    files = [
        Media("document", "text/plain", data="aGk=", name="a.txt"),
        Media("document", "application/pdf", data="eA=="),
    ]
    rendered = render(Message("user", [*files, Text("Sum up")]))
    assert rendered.body["documents"] == [{"id": "doc_0", "data": {"title": "a.txt", "text": "hi"}}]
    assert rendered.body["messages"][0]["content"][0] == {"type": "text", "text": "[document: application/pdf]"}
    assert names(rendered) == {"document"}


def test_a_form_is_demanded_alone_and_asked_for_beside_tools() -> None:
    form = Format("schema", {"type": "object"})
    assert render(format=form).body["response_format"] == {"type": "json_object", "json_schema": {"type": "object"}}
    asked = render(format=form, tools=[Tool("w")])
    assert "response_format" not in asked.body
    assert asked.body["messages"][0]["role"] == "system"
    assert names(asked) == {"response_format"}


@pytest.mark.parametrize(
    ("reasoning", "thinking"),
    [
        (Reasoning(effort="low"), {"type": "enabled", "token_budget": 2048}),
        (Reasoning(budget_tokens=77), {"type": "enabled", "token_budget": 77}),
        (Reasoning(effort="none"), {"type": "disabled"}),
        (Reasoning(is_adaptive=True), {"type": "enabled"}),
    ],
)
def test_effort_becomes_a_budget_where_the_model_thinks(reasoning: Reasoning, thinking: dict[str, Any]) -> None:
    assert render(model="command-a-reasoning-08-2025", reasoning=reasoning).body["thinking"] == thinking
    elsewhere = render(reasoning=reasoning)
    assert "thinking" not in elsewhere.body
    assert bool(elsewhere.losses) == (thinking["type"] == "enabled")


def test_what_cohere_cannot_say_is_told_in_the_clients_words() -> None:
    rendered = render(
        Message("user", [Text("Hi")], name="me"),
        Message("tool", [ToolResult("a", [Media("image", "image/png", data="eA==")], is_error=True)]),
        count=2, top_logprobs=3, user="me", verbosity="low", is_parallel=False, modalities=["audio"],
        stop=list("abcdef"), service_tier="flex",
        tools=[NativeTool("openai", {"type": "web_search"}), Tool("w", is_strict=True)],
        rest={"store": True},
    )  # fmt: skip
    assert names(rendered) == {
        "name", "is_error", "image", "n", "top_logprobs", "user", "verbosity", "parallel_tool_calls", "modalities",
        "stop", "service_tier", "web_search", "tools.strict", "store",
    }  # fmt: skip


def test_a_clients_own_request_keeps_what_only_cohere_knows() -> None:
    citation = {"start": 0, "end": 2, "text": "Hi", "sources": [], "type": "TEXT_CONTENT"}
    body = {
        "model": "command-a-03-2025",
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "tool_plan": "P", "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "w", "arguments": "{}"}},
            ]},
            {"role": "tool", "tool_call_id": "a", "content": [
                {"type": "document", "document": {"id": "1", "data": {"text": "x"}}},
            ]},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "T"}, {"type": "text", "text": "Hi"}],
             "citations": [citation]},
        ],
        "tools": [{"type": "function", "function": {"name": "w", "parameters": {"type": "object"}}}],
        "strict_tools": True, "documents": ["one"], "citation_options": {"mode": "FAST"}, "safety_mode": "STRICT",
        "response_format": {"type": "json_object", "json_schema": {"type": "object"}}, "stop_sequences": ["x"],
        "k": 3, "p": 0.5, "tool_choice": "REQUIRED", "thinking": {"type": "disabled"}, "priority": 1, "stream": True,
    }  # fmt: skip
    rendered = CODEC.render_request(CODEC.parse_request(body))
    assert rendered.body == body
    assert rendered.losses == []


@pytest.mark.parametrize("body", [{}, {"messages": "Hi"}, {"messages": [{"role": "robot"}]}, {"messages": [3]}])
def test_a_request_beyond_sense_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        CODEC.parse_request(body)


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "invalid request: tools", "invalid_request"),
        (400, "too many tokens: size limit exceeded by 5 tokens", "context_length"),
        (401, "invalid api token", "authentication"),
        (402, "pay", "quota"),
        (403, "no", "permission"),
        (404, "model 'x' not found", "not_found"),
        (422, "bad", "invalid_request"),
        (429, "Please wait and try again later", "rate_limit"),
        (429, "You are using a Trial key, which is limited to 1000 API calls / month.", "quota"),
        (429, "You are using a Trial key, which is limited to 20 API calls / minute.", "rate_limit"),
        (498, "invalid token", "content_filter"),
        (500, "internal", "server"),
        (503, "busy", "unavailable"),
        (504, "slow", "timeout"),
    ],
)
def test_an_errors_status_and_sentence_tell_its_kind(status: int, message: str, kind: FailureKind) -> None:
    failure = CODEC.parse_failure(status, {"retry-after": "4"}, orjson.dumps({"id": "i", "message": message}))
    assert (failure.kind, failure.message, failure.status) == (kind, message, status)
    assert failure.retry_after_seconds == 4


@pytest.mark.parametrize("body", [b"", b"null", b"<html>", b"\xff"])
def test_any_body_makes_a_failure(body: bytes) -> None:
    assert CODEC.parse_failure(502, {}, body).kind == "server"


def test_a_failure_is_told_with_status_and_read_again() -> None:
    status, body = CODEC.render_failure(Failure("rate_limit", "why"), "request")
    assert (status, body) == (429, {"id": "request", "message": "why"})
