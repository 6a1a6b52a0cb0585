import json
from typing import Any

import pytest

from proxy.canonical.answer import StopReason
from proxy.canonical.events import (
    CitationAdded,
    Event,
    Failed,
    LogprobsAdded,
    MediaAdded,
    MessageEnded,
    MessageStarted,
    NativeAdded,
    PartEnded,
    RefusalDelta,
    StreamEnded,
    TextDelta,
    ThinkingDelta,
    ToolArgsDelta,
    ToolCallStarted,
    UsageReported,
)
from proxy.canonical.failure import Failure
from proxy.canonical.parts import Citation, Media, Native
from proxy.canonical.request import Request
from proxy.dialects.codec import Opening
from proxy.dialects.openai.codec import CODEC
from proxy.records import Usage

END = [MessageEnded("stop"), StreamEnded()]
ASKED = Request("openai", "gpt", includes_usage=True)
SILENT = Request("openai", "gpt")


def encode(*events: Event, request: Request | None = SILENT, losses: list[Any] | None = None) -> list[Any]:
    """The data of each frame: JSON, or the word that ends them."""
    encoder = CODEC.encoder(Opening("call_1", "gpt", 7, request, [] if losses is None else losses))
    stream = b"".join(map(encoder.encode, events)) + encoder.close()
    frames = stream.decode().split("\n\n")
    assert frames.pop() == ""
    datas = [frame.removeprefix("data: ") for frame in frames]
    return [data if data == "[DONE]" else json.loads(data) for data in datas]


def deltas(*events: Event, request: Request | None = SILENT) -> list[Any]:
    """What is said between the first chunk, which names the role, and the last, which names the reason."""
    chunks = encode(*events, *END, request=request)
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert chunks[-1] == "[DONE]"
    return [chunk["choices"][0]["delta"] for chunk in chunks[1:-2]]


def test_a_stream_is_chunks_with_one_head_and_an_end() -> None:
    started = MessageStarted("msg_1", "claude", 9)
    head = {"id": "chatcmpl-msg_1", "object": "chat.completion.chunk", "created": 9, "model": "claude"}

    def chunk(delta: Any, reason: str | None = None) -> Any:
        return {**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]}

    assert encode(started, TextDelta(0, "Hel"), TextDelta(0, "lo"), UsageReported(Usage(3)), *END) == [
        chunk({"role": "assistant", "content": "", "refusal": None}),
        chunk({"content": "Hel"}),
        chunk({"content": "lo"}),
        chunk({}, "stop"),
        "[DONE]",
    ]


def test_a_head_that_comes_late_is_waited_for() -> None:
    chunks = encode(MessageStarted(), MessageStarted("chatcmpl-9", "m"), TextDelta(0, "a"), *END)
    assert {(chunk["id"], chunk["model"]) for chunk in chunks[:-1]} == {("chatcmpl-9", "m")}


def test_a_stream_without_a_head_has_our_own() -> None:
    chunks = encode(TextDelta(0, "a"), *END)
    assert {(chunk["id"], chunk["model"], chunk["created"]) for chunk in chunks[:-1]} == {("chatcmpl-call_1", "gpt", 7)}


def test_usage_comes_last_and_only_to_who_asked() -> None:
    usage = UsageReported(Usage(input=5, cache_read=3, cache_write_5m=2, output=4, reasoning=1))
    early = UsageReported(Usage(input=1))
    chunks = encode(early, TextDelta(0, "a"), usage, *END, request=ASKED)
    assert all(chunk["usage"] is None for chunk in chunks[:-2])
    assert chunks[-2]["choices"] == []
    assert chunks[-2]["usage"] == {
        "prompt_tokens": 10,
        "completion_tokens": 4,
        "total_tokens": 14,
        "prompt_tokens_details": {"cached_tokens": 3, "audio_tokens": 0, "cache_write_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 1, "audio_tokens": 0},
    }
    assert not any("usage" in chunk for chunk in encode(TextDelta(0, "a"), usage, *END)[:-1])


def test_interleaved_calls_are_numbered_as_they_begin() -> None:
    assert deltas(
        TextDelta(0, "I look."),
        ToolCallStarted(7, "toolu_1", "look"),
        ToolArgsDelta(7, '{"at"'),
        ToolCallStarted(9, "toolu_2", "now"),
        ToolArgsDelta(7, ":1}"),
        PartEnded(7),
        PartEnded(9),
    ) == [
        {"content": "I look."},
        {
            "tool_calls": [
                {"index": 0, "id": "toolu_1", "type": "function", "function": {"name": "look", "arguments": ""}}
            ]
        },
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"at"'}}]},
        {
            "tool_calls": [
                {"index": 1, "id": "toolu_2", "type": "function", "function": {"name": "now", "arguments": ""}}
            ]
        },
        {"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
    ]


def test_arguments_that_nobody_said_are_an_empty_object_also_at_the_end() -> None:
    assert deltas(ToolCallStarted(0, "a", "now"))[-1] == {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}


def test_a_custom_tool_gets_free_text() -> None:
    begun = {"index": 0, "id": "a", "type": "custom", "custom": {"name": "calc", "input": ""}}
    assert deltas(ToolCallStarted(0, "a", "calc", "custom"), ToolArgsDelta(0, "1+1"), PartEnded(0)) == [
        {"tool_calls": [begun]},
        {"tool_calls": [{"index": 0, "custom": {"input": "1+1"}}]},
    ]


def test_a_client_that_speaks_in_functions_is_answered_so() -> None:
    request = Request("openai", "gpt", has_functions=True)
    events = [ToolCallStarted(0, "a", "look"), ToolArgsDelta(0, "{}"), MessageEnded("tool_calls", "tool_use")]
    chunks = encode(*events, request=request)
    assert [chunk["choices"][0]["delta"] for chunk in chunks[1:]] == [
        {"function_call": {"name": "look", "arguments": ""}},
        {"function_call": {"arguments": "{}"}},
        {},
    ]
    assert chunks[-1]["choices"][0]["finish_reason"] == "function_call"


def test_thoughts_are_shown_and_foreign_signatures_are_not() -> None:
    assert deltas(
        ThinkingDelta(0, "Hm", made_by="anthropic"),
        ThinkingDelta(0, signature="c2ln", made_by="anthropic"),
        ThinkingDelta(1, redacted="b3BhcXVl", made_by="anthropic"),
        TextDelta(2, "Yes"),
    ) == [{"reasoning_content": "Hm"}, {"content": "Yes"}]


@pytest.mark.parametrize(
    ("stop", "native", "said"),
    [
        ("stop", "", {"finish_reason": "stop"}),
        ("stop", "stop", {"finish_reason": "stop"}),
        ("stop", "end_turn", {"finish_reason": "stop", "native_finish_reason": "end_turn"}),
        ("stop_sequence", "stop_sequence", {"finish_reason": "stop", "native_finish_reason": "stop_sequence"}),
        ("length", "MAX_TOKENS", {"finish_reason": "length", "native_finish_reason": "MAX_TOKENS"}),
        ("context_window", "", {"finish_reason": "length"}),
        ("tool_calls", "tool_use", {"finish_reason": "tool_calls", "native_finish_reason": "tool_use"}),
        ("content_filter", "SAFETY", {"finish_reason": "content_filter", "native_finish_reason": "SAFETY"}),
        ("refusal", "refusal", {"finish_reason": "content_filter", "native_finish_reason": "refusal"}),
        ("error", "ERROR", {"finish_reason": "error", "native_finish_reason": "ERROR"}),
    ],
)
def test_every_end_has_a_word_and_keeps_the_native_one(stop: StopReason, native: str, said: dict[str, str]) -> None:
    last = encode(TextDelta(0, "a"), MessageEnded(stop, native), StreamEnded())[-2]["choices"][0]
    assert {name: value for name, value in last.items() if name not in {"index", "delta", "logprobs"}} == said


def test_a_refusal_has_its_own_member_and_ends_plainly() -> None:
    chunks = encode(RefusalDelta(0, "No."), MessageEnded("refusal"), StreamEnded())
    assert chunks[1]["choices"][0]["delta"] == {"refusal": "No."}
    assert chunks[2]["choices"][0]["finish_reason"] == "stop"


def test_links_say_where_they_stand_and_others_are_a_loss() -> None:
    losses: list[Any] = []
    link = Citation("anthropic", {"type": "web_search_result_location"}, "https://a.test", "A")
    page = Citation("anthropic", {"type": "page_location"}, text="p. 3")
    chunks = encode(
        TextDelta(0, "Said. "), PartEnded(0), TextDelta(1, "Cited"), CitationAdded(1, link), CitationAdded(1, page),
        *END,
        losses=losses,
    )  # fmt: skip
    annotation = {"url": "https://a.test", "title": "A", "start_index": 6, "end_index": 11}
    assert chunks[3]["choices"][0]["delta"] == {"annotations": [{"type": "url_citation", "url_citation": annotation}]}
    assert [loss.name for loss in losses] == ["citations"]


def test_pictures_are_sent_when_they_are_sharp_and_foreign_blocks_are_a_loss() -> None:
    losses: list[Any] = []
    blurred, sharp = Media("image", "image/png", "YQ=="), Media("image", "image/png", "Yg==")
    search = Native("anthropic", {"type": "server_tool_use", "name": "web_search"})
    chunks = encode(
        MediaAdded(0, blurred, is_partial=True), MediaAdded(0, sharp), NativeAdded(1, search), *END, losses=losses
    )
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,Yg=="}}
    assert [chunk["choices"][0]["delta"] for chunk in chunks[1:-2]] == [{"images": [picture]}]
    assert [loss.name for loss in losses] == ["server_tool_use"]


def test_logprobs_stand_beside_the_delta() -> None:
    chunks = encode(TextDelta(0, "a"), LogprobsAdded([{"token": "a"}]), *END)
    assert chunks[2]["choices"][0]["logprobs"] == {"content": [{"token": "a"}], "refusal": None}


def test_each_choice_begins_and_ends_for_itself() -> None:
    chunks = encode(
        TextDelta(0, "a"), TextDelta(1, "b", 1), MessageEnded("stop"), MessageEnded("length", choice=1), StreamEnded()
    )
    said = [(chunk["choices"][0]["index"], chunk["choices"][0]["finish_reason"]) for chunk in chunks[:-1]]
    assert said == [(0, None), (0, None), (1, None), (1, None), (0, "stop"), (1, "length")]


def test_a_failure_is_the_last_frame_and_no_clean_end() -> None:
    chunks = encode(TextDelta(0, "a"), Failed(Failure("overloaded", "Too much.", code="overloaded_error")))
    assert chunks[-1] == {
        "error": {"message": "Too much.", "type": "server_error", "param": None, "code": "overloaded"},
    }


def test_an_empty_answer_is_a_turn_all_the_same() -> None:
    chunks = encode(MessageStarted("x"), *END)
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]] == [None, "stop"]
