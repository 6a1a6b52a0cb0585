from hypothesis import given
from hypothesis import strategies as st

from proxy.canonical.answer import Answer, Choice
from proxy.canonical.events import (
    Failed,
    MediaAdded,
    MessageEnded,
    MessageStarted,
    StreamEnded,
    TextDelta,
    ThinkingDelta,
    ToolArgsDelta,
    ToolCallStarted,
    UsageReported,
)
from proxy.canonical.failure import Failure
from proxy.canonical.folding import Folder, fold, unfold
from proxy.canonical.parts import Citation, Media, Native, Refusal, Text, Thinking, ToolCall
from proxy.records import Usage

words = st.text(max_size=12)
dialects = st.sampled_from(["openai", "responses", "anthropic", "gemini", "bedrock", "cohere"])
objects = st.dictionaries(words, st.integers(), max_size=2)
citations = st.builds(Citation, dialects, objects, words, words, words)
functions = st.builds(
    ToolCall, words, words, st.text(min_size=1), st.just("function"), words, dialects, words, extra=objects
)
customs = st.builds(ToolCall, words, words, words, st.just("custom"), words, dialects, words)
parts = st.one_of(
    st.builds(Text, words, st.lists(citations, max_size=2)),
    st.builds(Thinking, words, words, words, st.none() | dialects, words, st.booleans(), words),
    functions,
    customs,
    st.builds(Refusal, words),
    st.builds(Media, st.sampled_from(["image", "audio"]), words, words),
    st.builds(Native, dialects, objects, words),
)
stops = st.sampled_from(
    ["stop", "stop_sequence", "length", "tool_calls", "content_filter", "refusal", "pause", "error"]
)
logprobs = st.none() | st.lists(objects, max_size=2)
choices = st.builds(Choice, st.lists(parts, max_size=4), stops, words, st.none() | words, logprobs)
usages = st.builds(Usage, st.integers(0, 9), st.integers(0, 9), output=st.integers(0, 9))


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    usage = draw(st.none() | usages)
    return Answer(
        draw(dialects), draw(words), draw(words), draw(st.integers(0, 9)), draw(st.lists(choices, max_size=3)),
        usage, draw(objects) if usage else {}, draw(objects),
    )  # fmt: skip


@given(answers())
def test_an_answer_that_is_unfolded_folds_to_itself(answer: Answer) -> None:
    assert fold(unfold(answer), answer.dialect) == answer


def test_interleaved_parts_are_told_apart_by_their_numbers() -> None:
    events = [
        MessageStarted(),
        MessageStarted("chatcmpl-1", "m", 7, {"service_tier": "flex"}),
        ToolCallStarted(4, "call_a", "first"),
        ToolCallStarted(9, "call_b", "second"),
        ToolArgsDelta(9, '{"b"'),
        ToolArgsDelta(4, '{"a":1}'),
        ToolArgsDelta(9, ":2}"),
        ToolCallStarted(5, "call_c", "third"),
        UsageReported(Usage(1)),
        UsageReported(Usage(2), {"prompt_tokens": 2}),
        MessageEnded("tool_calls", "tool_calls"),
        StreamEnded(),
    ]
    calls = [
        ToolCall("call_a", "first", '{"a":1}'),
        ToolCall("call_b", "second", '{"b":2}'),
        ToolCall("call_c", "third", "{}"),
    ]
    assert fold(events, "openai") == Answer(
        "openai", "chatcmpl-1", "m", 7, [Choice(calls, "tool_calls", "tool_calls")],
        Usage(2), {"prompt_tokens": 2}, {"service_tier": "flex"},
    )  # fmt: skip


def test_a_signature_that_comes_after_the_thought_belongs_to_it() -> None:
    events = [ThinkingDelta(0, "so "), ThinkingDelta(0, "be it"), ThinkingDelta(0, signature="s", made_by="anthropic")]
    answer = fold(events, "anthropic")
    assert isinstance(answer, Answer)
    assert answer.choices[0].parts == [Thinking("so be it", "s", made_by="anthropic")]


def test_the_last_picture_of_a_growing_one_stays() -> None:
    blurred, sharp = Media("image", data="YQ=="), Media("image", data="Yg==")
    answer = fold([MediaAdded(0, blurred, is_partial=True), MediaAdded(0, sharp)], "responses")
    assert isinstance(answer, Answer)
    assert answer.choices[0].parts == [sharp]


def test_a_stream_that_failed_folds_to_its_failure_and_keeps_what_was_said() -> None:
    failure = Failure("truncated", "The stream broke off.")
    folder = Folder("openai")
    for event in (TextDelta(0, "half a"), Failed(failure)):
        folder.take(event)
    assert folder.failure == failure
    assert not folder.is_complete
    assert folder.answer.choices[0].parts == [Text("half a")]
    assert fold([TextDelta(0, "half a"), Failed(failure)], "openai") == failure
