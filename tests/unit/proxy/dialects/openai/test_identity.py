"""What the codec writes it reads again as the same: whole answers, streams, requests, failures."""

import json
from typing import get_args

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.canonical.answer import Answer, Choice
from proxy.canonical.failure import Failure, FailureKind
from proxy.canonical.folding import fold, unfold
from proxy.canonical.parts import Citation, Media, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from proxy.canonical.request import Format, Message, Reasoning, Request, Tool, ToolChoice
from proxy.dialects.codec import Opening
from proxy.dialects.openai.codec import CODEC
from proxy.records import Usage

words = st.text(st.characters(codec="utf-8"), max_size=10)
some = st.text(st.characters(codec="utf-8"), min_size=1, max_size=10)
names = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)
ids = st.from_regex(r"call_[a-z0-9]{6}", fullmatch=True)
objects = st.dictionaries(names, st.integers(0, 9) | words, max_size=2)
arguments = objects.map(json.dumps)
functions = st.builds(ToolCall, ids, names, arguments)
customs = st.builds(ToolCall, ids, names, words, st.just("custom"))
links = st.builds(
    lambda url, title: Citation(
        "openai", {"type": "url_citation", "url_citation": {"url": url, "title": title}}, url, title
    ),
    some,
    words,
)
texts = st.builds(Text, some, st.lists(links, max_size=2))
signed = st.builds(Thinking, some, some, st.just(""), st.just("openai"), words, st.just(False), st.just("claude-v1"))
hidden = st.builds(Thinking, st.just(""), st.just(""), some, st.just("openai"), words)
summed = st.builds(Thinking, some, st.just(""), st.just(""), st.just("openai"), words, st.just(True))
plain = st.builds(Thinking, some, made_by=st.just("openai"))
thoughts = st.just([]) | st.tuples(plain).map(list) | st.lists(signed | hidden | summed, min_size=1, max_size=2)
pictures = st.builds(Media, st.just("image"), st.just("image/png"), st.just("YWJj"))
calls = st.lists(functions | customs, max_size=3, unique_by=lambda call: call.id)
usages = st.builds(
    Usage, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), output=st.integers(5, 9),
    reasoning=st.integers(0, 5), searches=st.integers(0, 2),
)  # fmt: skip


@st.composite
def choices(draw: st.DrawFn) -> Choice:
    """In the order that the format has: thoughts, text, pictures, calls."""
    tools = draw(calls)
    said: list[Part] = [
        *draw(thoughts), *draw(st.lists(texts, max_size=1)), *draw(st.lists(pictures, max_size=1)), *tools,
    ]  # fmt: skip
    stop = "tool_calls" if tools else draw(st.sampled_from(["stop", "length", "content_filter", "error"]))
    return Choice(
        said, stop, draw(st.sampled_from([stop, "its own word"])), logprobs=draw(st.none() | st.just([{"token": "a"}]))
    )


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    found = draw(st.lists(choices(), min_size=1, max_size=2))
    usage = draw(st.none() | usages)
    return Answer("openai", "chatcmpl-1", "m", draw(st.integers(1, 9)), found, usage, rest={"service_tier": "flex"})


def without_raw(answer: Answer) -> Answer:
    """The raw usage is what was just written, not what there was."""
    return msgspec.structs.replace(answer, raw_usage={})


@given(answers())
@settings(max_examples=80, deadline=None)
def test_a_whole_answer_reads_as_it_was_written(answer: Answer) -> None:
    body = json.loads(json.dumps(CODEC.render_answer(answer, Opening("call_1", "other"))))
    assert without_raw(CODEC.parse_answer(body)) == answer


@given(answers())
@settings(max_examples=80, deadline=None)
def test_a_stream_reads_as_it_was_written(answer: Answer) -> None:
    encoder, decoder = CODEC.encoder(Opening("call_1", "other")), CODEC.decoder()
    stream = b"".join(map(encoder.encode, unfold(answer))) + encoder.close()
    again = fold([*decoder.feed(stream), *decoder.close()], "openai")
    assert isinstance(again, Answer)
    assert without_raw(again) == answer


media = st.sampled_from([
    Media("image", url="https://a.test/a.png", detail="low"),
    Media("image", "image/jpeg", "YWJj"),
    Media("audio", "audio/wav", "YWJj"),
    Media("document", "application/pdf", "YWJj", name="a.pdf"),
    Media("document", file_id="file-1"),
])  # fmt: skip
inputs = st.lists(st.builds(Text, some) | media, min_size=1, max_size=3)
results = st.builds(ToolResult, ids, st.builds(Text, some).map(lambda text: [text]))
messages = st.one_of(
    st.builds(Message, st.just("system"), st.builds(Text, some).map(lambda text: [text]), st.just("") | names),
    st.builds(Message, st.just("user"), inputs, st.just("") | names),
    st.builds(
        lambda said, tools: Message("assistant", [*said, *tools]), st.lists(st.builds(Text, some), max_size=1), calls
    ),
    st.builds(lambda no: Message("assistant", [Refusal(no)]), some),
    st.builds(lambda result: Message("tool", [result]), results),
)
schemas = st.just({"type": "object", "properties": {}})
tools = st.lists(
    st.builds(Tool, names, words, st.none() | schemas, st.none() | st.booleans()),
    max_size=2,
    unique_by=lambda tool: tool.name,
)
formats = (
    st.none()
    | st.builds(Format, st.sampled_from(["text", "json"]))
    | st.builds(Format, st.just("schema"), schemas, names, words, st.none() | st.booleans())
)
requests = st.builds(
    Request, st.just("openai"), st.sampled_from(["gpt-4o", "gpt-5-mini", "mistral-large"]),
    st.lists(messages, max_size=4),
    is_stream=st.booleans(), max_tokens=st.none() | st.integers(1, 99), temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1), top_k=st.none() | st.integers(1, 9), stop=st.lists(some, max_size=2),
    seed=st.none() | st.integers(0, 9), count=st.none() | st.integers(1, 3), logprobs=st.none() | st.booleans(),
    format=formats, user=words, rest=st.dictionaries(st.just("metadata") | st.just("store"), objects, max_size=2),
    reasoning=st.none() | st.builds(Reasoning, st.sampled_from(["low", "high"])),
)  # fmt: skip


@given(requests, tools, st.sampled_from(["auto", "none", "required"]) | names)
@settings(max_examples=80, deadline=None)
def test_a_request_reads_as_it_was_written(request: Request, offered: list[Tool], choice: str) -> None:
    request.tools = list(offered)
    if offered:
        request.tool_choice = (
            ToolChoice(choice) if choice in {"auto", "none", "required"} else ToolChoice("tool", [choice])
        )
        request.is_parallel = False
    request.includes_usage = request.is_stream
    rendered = CODEC.render_request(request)
    assert rendered.losses == []
    assert CODEC.parse_request(json.loads(json.dumps(rendered.body))) == request


@given(st.sampled_from(get_args(FailureKind)), some)
def test_a_failure_keeps_its_kind_and_its_sentence(kind: FailureKind, sentence: str) -> None:
    status, body = CODEC.render_failure(Failure(kind, sentence), "req_1")
    again = CODEC.parse_failure(status, {}, json.dumps(body).encode())
    assert again.message == sentence
    assert again.kind in {kind, "unavailable" if kind == "truncated" else kind}
