"""ConverseStream, read and written."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.canonical.events import (
    CitationAdded,
    Event,
    Failed,
    LogprobsAdded,
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
from proxy.canonical.parts import Citation, Native
from proxy.dialects.bedrock.codec import CODEC
from proxy.dialects.codec import Opening
from proxy.records import Usage
from proxy.wire.aws_events import MessageCutter, render_message

USAGE = {"inputTokens": 5, "outputTokens": 7, "totalTokens": 12}


def event(name: str, **payload: Any) -> bytes:
    return render_message({":event-type": name, ":message-type": "event"}, orjson.dumps({**payload, "p": "abc"}))


def start(index: int, **kind: Any) -> bytes:
    return event("contentBlockStart", contentBlockIndex=index, start=kind)


def delta(index: int, **kind: Any) -> bytes:
    return event("contentBlockDelta", contentBlockIndex=index, delta=kind)


def stop(index: int) -> bytes:
    return event("contentBlockStop", contentBlockIndex=index)


def ended(reason: str = "end_turn", **usage: int) -> bytes:
    return event("messageStop", stopReason=reason) + event("metadata", usage={**USAGE, **usage})


def exception(name: str, **payload: Any) -> bytes:
    return render_message({":message-type": "exception", ":exception-type": name}, orjson.dumps(payload))


def read(*pieces: bytes) -> list[Event]:
    decoder = CODEC.decoder()
    return [found for piece in pieces for found in decoder.feed(piece)] + list(decoder.close())


START = event("messageStart", role="assistant")
WHOLE = [
    START,
    delta(0, reasoningContent={"text": "Hm"}),
    delta(0, reasoningContent={"signature": "sig"}),
    stop(0),
    delta(1, text="grüezi "),
    delta(1, text="🐻"),
    stop(1),
    start(2, toolUse={"toolUseId": "a", "name": "weather"}),
    start(3, toolUse={"toolUseId": "b", "name": "noon"}),
    delta(2, toolUse={"input": '{"city":'}),
    delta(2, toolUse={"input": '"Bern"}'}),
    stop(3),
    stop(2),
    ended("tool_use", cacheReadInputTokens=3, cacheWriteInputTokens=4, cacheDetails=[{"ttl": "1h", "inputTokens": 1}]),  # type: ignore[arg-type] # a list
]
EVENTS: list[Event] = [
    MessageStarted(),
    ThinkingDelta(0, "Hm", made_by="bedrock"),
    ThinkingDelta(0, signature="sig", made_by="anthropic"),
    PartEnded(0),
    TextDelta(1, "grüezi "),
    TextDelta(1, "🐻"),
    PartEnded(1),
    ToolCallStarted(2, "a", "weather"),
    ToolCallStarted(3, "b", "noon"),
    ToolArgsDelta(2, '{"city":'),
    ToolArgsDelta(2, '"Bern"}'),
    PartEnded(3),
    PartEnded(2),
    UsageReported(
        Usage(input=5, output=7, cache_read=3, cache_write_5m=3, cache_write_1h=1),
        {
            **USAGE,
            "cacheReadInputTokens": 3,
            "cacheWriteInputTokens": 4,
            "cacheDetails": [{"ttl": "1h", "inputTokens": 1}],
        },
    ),
    MessageEnded("tool_calls", "tool_use"),
    StreamEnded(),
]


def test_a_stream_is_read_with_its_usage_before_its_end() -> None:
    assert read(*WHOLE) == EVENTS


@settings(deadline=None, max_examples=60)  # on a busy machine one example may take long
@given(st.lists(st.integers(0, 10_000), max_size=12))
def test_any_cut_of_the_bytes_gives_the_same_events(places: list[int]) -> None:
    data = b"".join(WHOLE)
    edges = [0, *sorted(place % len(data) for place in places), len(data)]
    assert read(*[data[a:b] for a, b in zip(edges, edges[1:], strict=False)]) == EVENTS  # noqa: RUF007 - with empty ones


def test_a_stream_without_metadata_ends_with_its_usage_unknown() -> None:
    events = read(START, delta(0, text="Hi"), event("messageStop", stopReason="max_tokens"))
    assert events[-2:] == [MessageEnded("length", "max_tokens"), StreamEnded()]


def test_usage_that_comes_before_the_end_is_told_too() -> None:
    events = read(START, event("metadata", usage=USAGE), event("messageStop", stopReason="end_turn"))
    assert [type(one) for one in events] == [MessageStarted, UsageReported, MessageEnded, StreamEnded]


@pytest.mark.parametrize("count", range(1, len(WHOLE)))
def test_a_stream_that_breaks_off_is_truncated(count: int) -> None:
    last = read(*WHOLE[:count])[-1]
    assert isinstance(last, Failed)
    assert last.failure.kind == "truncated"


def test_a_message_that_breaks_off_inside_is_truncated_though_the_answer_was_whole() -> None:
    last = read(b"".join(WHOLE)[:-3])[-1]
    assert isinstance(last, Failed)


def test_a_wrong_checksum_ends_the_stream() -> None:
    data = bytearray(b"".join(WHOLE))
    data[len(START) + 20] ^= 1
    events = read(bytes(data))
    assert events[0] == MessageStarted()
    assert isinstance(events[1], Failed)
    assert len(events) == 2


@pytest.mark.parametrize(
    ("name", "payload", "kind"),
    [
        ("throttlingException", {"message": "Too many requests, wait 3 seconds."}, "rate_limit"),
        ("modelStreamErrorException", {"message": "x", "originalStatusCode": 500}, "server"),
        ("internalServerException", {"message": "x"}, "server"),
        ("serviceUnavailableException", {"message": "x"}, "unavailable"),
        ("validationException", {"message": "Input is too long for requested model."}, "context_length"),
        ("modelTimeoutException", {"message": "x"}, "timeout"),
        ("somethingNewException", {}, "server"),
    ],
)
def test_an_exception_inside_the_stream_is_a_failure(name: str, payload: dict[str, Any], kind: str) -> None:
    events = read(START, delta(0, text="Hi"), exception(name, **payload), ended())
    last = events[-1]
    assert isinstance(last, Failed)
    assert (last.failure.kind, last.failure.code, last.failure.status) == (kind, name, 0)
    assert last.failure.message


def test_an_error_message_of_the_framing_is_a_failure() -> None:
    headers = {":message-type": "error", ":error-code": "InternalFailure", ":error-message": "Broken."}
    (failed,) = read(render_message(headers, b""))
    assert isinstance(failed, Failed)
    assert (failed.failure.kind, failed.failure.message) == ("server", "Broken.")


def test_server_tools_and_their_results_are_told_whole() -> None:
    events = read(
        START,
        start(0, toolUse={"toolUseId": "s", "name": "nova_grounding", "type": "server_tool_use"}),
        delta(0, toolUse={"input": '{"q":1}'}),
        stop(0),
        start(1, toolResult={"toolUseId": "s", "type": "nova_result", "status": "success"}),
        delta(1, toolResult=[{"json": {"a": 1}}]),
        delta(1, toolResult=[{"text": "found"}]),
        stop(1),
        ended(),
    )
    use = {"toolUseId": "s", "name": "nova_grounding", "type": "server_tool_use", "input": {"q": 1}}
    content = [{"json": {"a": 1}}, {"text": "found"}]
    result = {"toolUseId": "s", "type": "nova_result", "status": "success", "content": content}
    assert [one for one in events if isinstance(one, NativeAdded)] == [
        NativeAdded(0, Native("bedrock", {"toolUse": use})),
        NativeAdded(1, Native("bedrock", {"toolResult": result}, '{"a":1}\nfound')),
    ]


def test_a_citation_belongs_to_the_text_before_it() -> None:
    raw = {"title": "T", "location": {"web": {"url": "https://example.com"}}, "sourceContent": [{"text": "s"}]}
    events = read(START, delta(0, text="Hi"), delta(0, citation=raw), ended())
    assert events[2] == CitationAdded(0, Citation("bedrock", raw, "https://example.com", "T", "s"))


def test_what_is_unknown_is_passed_over() -> None:
    assert read(START, event("somethingNew", a=1), delta(0, somethingElse={}), start(1), ended())[-1] == StreamEnded()


def write(*events: Event, opening: Opening | None = None) -> list[tuple[str, dict[str, Any]]]:
    encoder = CODEC.encoder(opening or Opening("call", "model"))
    data = b"".join(encoder.encode(one) for one in events) + encoder.close()
    return [(message.name, orjson.loads(message.payload)) for message in MessageCutter().feed(data)]


def test_blocks_are_numbered_as_they_begin_and_closed_at_the_end() -> None:
    written = write(
        MessageStarted("id", "model"),
        TextDelta(7, "Hi"),
        ToolCallStarted(3, "a", "weather"),
        ToolArgsDelta(3, "{}"),
        UsageReported(Usage(input=1, output=2)),
        MessageEnded("tool_calls", "tool_calls"),
        StreamEnded(),
    )
    assert written == [
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"delta": {"text": "Hi"}, "contentBlockIndex": 0}),
        (
            "contentBlockStart",
            {"start": {"toolUse": {"toolUseId": "a", "name": "weather"}}, "contentBlockIndex": 1},
        ),
        ("contentBlockDelta", {"delta": {"toolUse": {"input": "{}"}}, "contentBlockIndex": 1}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("contentBlockStop", {"contentBlockIndex": 1}),
        ("messageStop", {"stopReason": "tool_use"}),
        (
            "metadata",
            {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}, "metrics": {"latencyMs": 0}},
        ),
    ]


def test_a_failure_ends_the_stream_with_an_exception_and_nothing_follows() -> None:
    encoder = CODEC.encoder(Opening("call", "model"))
    data = encoder.encode(MessageStarted()) + encoder.encode(Failed(Failure("rate_limit", "Slow down.")))
    assert encoder.encode(StreamEnded()) == encoder.close() == b""
    last = list(MessageCutter().feed(data))[-1]
    assert (last.kind, last.name) == ("exception", "throttlingException")
    assert orjson.loads(last.payload) == {"message": "Slow down."}


def test_what_the_stream_cannot_say_is_noted() -> None:
    opening = Opening("call", "model")
    write(
        TextDelta(0, "Hi"),
        TextDelta(1, "Ho", choice=1),
        LogprobsAdded([{}]),
        CitationAdded(0, Citation("openai", {})),
        NativeAdded(2, Native("openai", {"type": "web_search_call"})),
        RefusalDelta(3, "No"),
        opening=opening,
    )
    assert {loss.name for loss in opening.losses} == {"choices", "logprobs", "citations", "web_search_call"}
