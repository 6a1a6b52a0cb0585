from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.canonical.answer import Answer, Choice
from proxy.canonical.events import (
    CitationAdded,
    Event,
    Failed,
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
from proxy.canonical.folding import fold, unfold
from proxy.canonical.parts import Citation, Part, Text, Thinking, ToolCall
from proxy.dialects.codec import Opening
from proxy.dialects.gemini.encoder import GeminiEncoder
from proxy.dialects.gemini.tap import GeminiStreamReader, read_gemini_body
from proxy.records import Usage
from tests.unit.proxy.dialects.gemini.playbook import array, chunk, decoded, sse
from tests.unit.proxy.dialects.streams import encode_with

USAGE = {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7}
RICH = (
    chunk({"text": "I think ünd 🎉", "thought": True}),
    chunk({"text": "hel"}, usageMetadata={"trafficType": "ON_DEMAND"}),
    chunk(
        {"text": 'lo "x"'},
        {"functionCall": {"id": "a", "name": "f", "args": {"k": "}]"}}, "thoughtSignature": "s" * 500},
    ),
    chunk({"functionCall": {"id": "b", "name": "f", "args": {}}}),
    chunk({"text": ""}, finish="STOP", usageMetadata=USAGE),
)
FORMS = {
    "sse": sse(*RICH),
    "sse with LF": sse(*RICH, end="\n\n"),
    "sse with CR": sse(*RICH, end="\r\r"),
    "array": array(*RICH),
}


def folded(*chunks: dict[str, Any]) -> Answer:
    answer = fold(decoded(sse(*chunks)), "gemini")
    assert isinstance(answer, Answer)
    return answer


@pytest.mark.parametrize("form", FORMS)
@given(cuts=st.lists(st.integers(0, 3000), max_size=20))
def test_any_cut_of_the_bytes_gives_the_same_events(form: str, cuts: list[int]) -> None:
    stream = FORMS[form]
    assert decoded(stream, [min(cut, len(stream)) for cut in cuts]) == decoded(FORMS["sse"])


def test_byte_by_byte_with_comments_and_without_a_last_blank_line() -> None:
    stream = b"\xef\xbb\xbf: hello\n\n" + sse(*RICH, end="\n\n").rstrip()
    assert decoded(stream, range(len(stream))) == decoded(FORMS["sse"])


def test_a_stream_in_order() -> None:
    assert decoded(sse(chunk({"text": "hel"}), chunk({"text": "lo"}), chunk(finish="STOP", usageMetadata=USAGE))) == [
        MessageStarted("r1", "gemini-x"),
        TextDelta(0, "hel"),
        TextDelta(0, "lo"),
        UsageReported(Usage(3, output=4), USAGE),
        PartEnded(0),
        MessageEnded("stop", "STOP"),
        StreamEnded(),
    ]


def test_the_end_may_come_in_a_chunk_of_its_own_behind_a_call() -> None:
    answer = folded(chunk({"functionCall": {"name": "f"}}), chunk({"text": ""}, finish="STOP"))
    assert answer.choices[0].stop == "tool_calls"


def test_a_stream_without_a_reason_for_its_end_is_truncated() -> None:
    for stream in (sse(chunk({"text": "hel"})), array(chunk({"text": "hel"}))[:-3], b"", b"[", b"data: {"):
        last = decoded(stream)[-1]
        assert isinstance(last, Failed)
        assert last.failure.kind == "truncated"


def test_one_of_two_candidates_without_an_end_is_truncated() -> None:
    first = {"content": {"parts": [{"text": "a"}]}, "index": 0, "finishReason": "STOP"}
    second = {"content": {"parts": [{"text": "b"}]}, "index": 1}
    assert isinstance(decoded(sse({"candidates": [first, second]}))[-1], Failed)


def test_candidates_are_choices_with_parts_of_their_own() -> None:
    both = [{"content": {"parts": [{"text": text}]}, "index": index} for index, text in enumerate("ab")]
    ends = [{"finishReason": "STOP", "index": 0}, {"finishReason": "MAX_TOKENS", "index": 1}]
    answer = folded({"candidates": both}, {"candidates": ends})
    assert answer.choices == [Choice([Text("a")], "stop", "STOP"), Choice([Text("b")], "length", "MAX_TOKENS")]


@pytest.mark.parametrize("wrap", [sse, array, lambda *chunks: orjson.dumps(chunks[-1])])
def test_an_error_inside_of_a_stream_is_one(wrap: Any) -> None:
    error = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
    last = decoded(wrap(chunk({"text": "hel"}), error))[-1]
    assert isinstance(last, Failed)
    assert (last.failure.kind, last.failure.message) == ("overloaded", "The model is overloaded.")


def test_nothing_follows_an_error() -> None:
    error = {"error": {"code": 500, "message": "x", "status": "INTERNAL"}}
    events = decoded(sse(error, chunk({"text": "more"}, finish="STOP")))
    assert [type(event) for event in events] == [Failed]


def test_a_chunk_that_nobody_can_read_is_an_error_of_the_provider() -> None:
    for stream in (b"data: {nonsense}\n\n", b"data: 5\n\n", b'[{"candidates":[]},{nonsense}]'):
        [failed] = [event for event in decoded(stream) if isinstance(event, Failed)]
        assert failed.failure.kind == "server"
        assert decoded(stream, range(len(stream))) == decoded(stream)


def test_a_signed_text_is_followed_by_its_signature() -> None:
    answer = folded(
        chunk({"text": "a"}), chunk({"text": "b", "thoughtSignature": "s"}), chunk({"text": "c"}, finish="STOP")
    )
    assert answer.choices[0].parts == [Text("abc"), Thinking("", "s", made_by="gemini")]


def test_a_signature_in_an_empty_text_belongs_to_the_text_before_it() -> None:
    answer = folded(chunk({"text": "a"}), chunk({"text": "", "thoughtSignature": "s"}, finish="STOP"))
    assert answer.choices[0].parts == [Text("a"), Thinking("", "s", made_by="gemini")]


def test_arguments_that_come_in_pieces_are_put_together() -> None:
    def piece(path: str, **value: Any) -> dict[str, Any]:
        return {"functionCall": {"partialArgs": [{"jsonPath": path, **value}], "willContinue": True}}

    answer = folded(
        chunk({"functionCall": {"name": "f", "willContinue": True}, "thoughtSignature": "s"}),
        chunk(piece("$.items[0].name", stringValue="Bos", willContinue=True)),
        chunk(piece("$.items[0].name", stringValue="ton")),
        chunk(piece("$.items[0].price", numberValue=0.5)),
        chunk(piece("$.items[1]", nullValue="NULL_VALUE")),
        chunk(piece("$['odd key']", boolValue=True)),
        chunk({"functionCall": {}}),
        chunk({"functionCall": {"name": "g", "willContinue": True}}),
        chunk({"text": ""}, finish="STOP"),
    )
    first, second = answer.choices[0].parts
    assert isinstance(first, ToolCall)
    assert isinstance(second, ToolCall)
    assert first.arguments == '{"items":[{"name":"Boston","price":0.5},null],"odd key":true}'
    assert (first.name, first.signature, second.name, second.arguments) == ("f", "s", "g", "{}")


def test_numbers_for_words_are_understood() -> None:
    answer = folded({"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": 2}]})
    assert (answer.choices[0].stop, answer.choices[0].native_stop) == ("length", "MAX_TOKENS")


def test_grounding_that_every_chunk_repeats_is_cited_once() -> None:
    grounding = {"groundingChunks": [{"web": {"uri": "https://a"}}]}
    more = {"candidate": {"groundingMetadata": grounding}}
    events = decoded(sse(chunk({"text": "a"}, **more), chunk({"text": "b"}, finish="STOP", **more)))
    assert len([event for event in events if isinstance(event, CitationAdded)]) == 1


def encoded(events: list[Event], *, is_array: bool = False) -> bytes:
    return encode_with(GeminiEncoder(Opening("call_1", "asked"), is_array=is_array), events)


def test_an_encoded_stream_is_what_google_would_send() -> None:
    events: list[Event] = [
        MessageStarted("msg_1", "claude"),
        ThinkingDelta(0, "hm", made_by="anthropic"),
        ThinkingDelta(0, "", "foreign", made_by="anthropic"),
        TextDelta(1, "hi"),
        ToolCallStarted(2, "toolu_1", "f"),
        ToolArgsDelta(2, '{"a":'),
        ToolArgsDelta(2, "1}"),
        PartEnded(2),
        MessageEnded("tool_calls", "tool_use"),
        UsageReported(Usage(3, output=4)),
        StreamEnded(),
    ]
    frames = [orjson.loads(frame.removeprefix(b"data: ")) for frame in encoded(events).split(b"\r\n\r\n")[:-1]]
    assert [one["candidates"][0]["content"]["parts"] for one in frames] == [
        [{"text": "hm", "thought": True}],
        [{"text": "hi"}],
        [{"functionCall": {"id": "toolu_1", "name": "f", "args": {"a": 1}}}],
        [{"text": ""}],
    ]
    assert frames[-1]["candidates"][0]["finishReason"] == "STOP"
    assert frames[-1]["usageMetadata"] == USAGE
    assert all((one["modelVersion"], one["responseId"]) == ("claude", "msg_1") for one in frames)


def test_calls_that_interleave_come_out_whole_in_the_order_of_their_ends() -> None:
    events: list[Event] = [
        ToolCallStarted(0, "a", "f"),
        ToolCallStarted(1, "b", "g"),
        ToolArgsDelta(1, '{"y":2}'),
        ToolArgsDelta(0, '{"x":1}'),
        MessageEnded("tool_calls"),
        StreamEnded(),
    ]
    answer = fold(decoded(encoded(events)), "gemini")
    assert isinstance(answer, Answer)
    assert answer.choices[0].parts == [ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", '{"y":2}')]


@pytest.mark.parametrize("is_array", [False, True])
def test_a_failure_is_written_and_read_as_one(is_array: bool) -> None:
    stream = encoded(
        [TextDelta(0, "a"), Failed(Failure("rate_limit", "slow down", retry_after_seconds=2.5))], is_array=is_array
    )
    last = decoded(stream)[-1]
    assert isinstance(last, Failed)
    assert (last.failure.kind, last.failure.message, last.failure.retry_after_seconds) == (
        "rate_limit",
        "slow down",
        2.5,
    )


def test_an_array_is_an_array_even_if_nothing_came() -> None:
    assert encoded([], is_array=True) == b"[]"
    assert len(orjson.loads(encoded([TextDelta(0, "a"), TextDelta(0, "b")], is_array=True))) == 2


PARTS: st.SearchStrategy[Part] = st.one_of(
    st.builds(Text, st.text(min_size=1)),
    st.builds(Thinking, st.text(min_size=1), st.sampled_from(["", "sig"]), made_by=st.just("gemini")),
    st.builds(
        ToolCall, st.text("abc", min_size=1), st.text("fgh", min_size=1), st.sampled_from(["{}", '{"a":[1,{"b":"ü"}]}'])
    ),
)


@given(st.lists(PARTS, max_size=6), st.booleans())
def test_what_is_encoded_is_decoded_again(parts: list[Part], is_array: bool) -> None:
    events = list(unfold(Answer("gemini", "r", "m", 5, [Choice(parts, "length", "MAX_TOKENS")], Usage(1, output=2))))
    found = fold(decoded(encoded(events, is_array=is_array)), "gemini")
    assert isinstance(found, Answer)

    def joined(turn: list[Part]) -> list[tuple[str, str]]:
        flat: list[tuple[str, str]] = []
        for part in turn:
            kind, text = type(part).__name__, part.text if isinstance(part, Text | Thinking) else str(part)
            if flat and flat[-1][0] == kind != "ToolCall":
                flat[-1] = kind, flat[-1][1] + text
            else:
                flat.append((kind, text))
        return flat

    assert joined(found.choices[0].parts) == joined(parts)
    assert (found.id, found.model, found.created, found.usage) == ("r", "m", 5, Usage(1, output=2))


@pytest.mark.parametrize("stream", [sse(*RICH), array(*RICH)])
def test_a_passing_stream_is_read_in_either_form(stream: bytes) -> None:
    reader = GeminiStreamReader()
    assert reader.read(stream) == 0
    reading = reader.reading
    assert reading.usage == Usage(3, output=4)
    assert (reading.stop_reason, reading.model, reading.response_id, reading.is_complete) == (
        "STOP",
        "gemini-x",
        "r1",
        True,
    )
    assert reading.digest()


def test_a_passing_body_that_is_an_error_says_so_in_a_list_too() -> None:
    error = {"error": {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED"}}
    for body in (orjson.dumps(error), orjson.dumps([error])):
        reading = read_gemini_body(body)
        assert (reading.error_code, reading.error_message) == ("RESOURCE_EXHAUSTED", "slow")
    assert not read_gemini_body(b"<html>").is_complete


def test_a_citation_of_others_is_told_with_the_end() -> None:
    cited: list[Event] = [
        TextDelta(0, "grün"),
        CitationAdded(0, Citation("anthropic", {}, "https://a", "A")),
        MessageEnded("stop"),
        StreamEnded(),
    ]
    [*_, last] = orjson.loads(encoded(cited, is_array=True))
    assert last["candidates"][0]["groundingMetadata"]["groundingSupports"] == [
        {"segment": {"endIndex": 5}, "groundingChunkIndices": [0]}
    ]
