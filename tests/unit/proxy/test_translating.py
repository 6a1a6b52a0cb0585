"""Whole translations, from the outside: what goes in is a provider's wire format, and so is what comes out."""

import base64
import json
from collections.abc import Iterator
from itertools import product
from typing import Any

import orjson
import pytest

from proxy.canonical.answer import Answer
from proxy.canonical.failure import Failure
from proxy.canonical.folding import fold
from proxy.canonical.parts import Refusal, Text, ToolCall
from proxy.dialects.registry import codec
from proxy.errors import Dialect
from proxy.translating import Translation, UntranslatableError, dialect_of, translate
from tests.unit.proxy.dialects.recorded import exchanges_of, needs_recordings

CLIENTS: tuple[Dialect, ...] = ("openai", "responses", "anthropic", "gemini")
PROVIDERS: tuple[Dialect, ...] = (*CLIENTS, "bedrock", "cohere")
RECORDED: tuple[tuple[str, Dialect, tuple[str, ...]], ...] = (
    ("openai", "openai", ("chat_completions",)),
    ("openai", "responses", ("responses",)),
    ("anthropic", "anthropic", ("messages",)),
    ("gemini", "gemini", ("generate_content",)),
    ("bedrock", "bedrock", ("converse", "converse_stream")),
    ("cohere", "cohere", ("chat_v2",)),
    ("mistral", "openai", ("chat_completions",)),
    ("openrouter", "openai", ("chat_completions",)),
    ("groq", "openai", ("chat_completions",)),
)
MOST_UNLIKE = 0.005

CHAT_STREAM = b"".join(
    b"data: %b\n\n" % part
    for part in (
        b'{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":'
        b'{"role":"assistant","content":"Gr\xc3\xbc\xc3\x9f"},"finish_reason":null}]}',
        b'{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":'
        b'{"content":" dich"},"finish_reason":"stop"}]}',
        b'{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":'
        b'{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}}',
        b"[DONE]",
    )
)


def said(answer: Answer | Failure) -> tuple[Any, ...]:
    """What has to be the same in every dialect; words for ends that a dialect lacks have a common one."""
    assert isinstance(answer, Answer)
    choice = answer.choices[0]
    calls = [(one.name, _arguments(one)) for one in choice.parts if isinstance(one, ToolCall)]
    text = "".join(one.text for one in choice.parts if isinstance(one, Text | Refusal))
    usage = answer.usage
    counts = (
        (usage.input + usage.cache_read + usage.cache_write_5m + usage.cache_write_1h, usage.output) if usage else ()
    )
    return text, calls, _end(choice.stop), counts


def _arguments(call: ToolCall) -> object:
    """Custom tools take free text, which other dialects wrap."""
    try:
        read = json.loads(call.arguments)
    except ValueError:
        read = call.arguments
    return read["input"] if isinstance(read, dict) and set(read) == {"input"} else read or {}


def _end(stop: str) -> str:
    return {"stop_sequence": "stop", "context_window": "length", "refusal": "content_filter", "error": "content_filter",
            "pause": "stop"}.get(stop, stop)  # fmt: skip


def read(found: Translation, dialect: Dialect) -> Answer | Failure:
    if found.kind == "answer":
        return codec(dialect).parse_answer(orjson.loads(found.output))
    decoder = codec(dialect).decoder()
    return fold([*decoder.feed(found.output), *decoder.close()], dialect)


@pytest.mark.parametrize("target", PROVIDERS)
def test_a_stream_says_the_same_in_every_dialect(target: Dialect) -> None:
    found = translate(CHAT_STREAM, "openai", target, is_stream=True)

    assert found.kind == "stream"
    assert said(read(found, target)) == ("Grüß dich", [], "stop", (9, 4))


def test_without_a_change_of_dialect_the_bytes_pass() -> None:
    body = b'{ "model":"m",  "messages" :[], "x": 1.50}'

    assert translate(body, "openai", "openai").output is body
    assert translate(CHAT_STREAM, "openai", "openai", is_stream=True).output is CHAT_STREAM


@pytest.mark.parametrize(("source", "target"), list(product(CLIENTS, PROVIDERS)))
def test_a_request_goes_from_every_client_to_every_provider(source: Dialect, target: Dialect) -> None:
    asked = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Say Grüß dich"}]}
    body = orjson.dumps(asked)
    there = body if source == "openai" else translate(body, "openai", source).output

    found = translate(there, source, target, model="m")

    assert found.kind == "request"
    assert "Say Grüß dich" in found.output.decode()


def test_an_error_is_told_as_the_client_knows_errors() -> None:
    body = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'

    found = translate(body, "anthropic", "openai", status=529)

    assert found.kind == "error"
    assert found.status in {503, 529}
    assert orjson.loads(found.output)["error"]["message"] == "Overloaded"


def test_a_whole_answer_becomes_a_stream_when_one_is_asked_for() -> None:
    body = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}'

    found = translate(body, "openai", "anthropic", is_stream=True)

    assert b"event: message_stop" in found.output


@pytest.mark.parametrize("body", [b"7", b'{"colour":"red"}', b'{"object":"list","data":[]}'])
def test_what_is_nothing_of_the_dialect_is_refused(body: bytes) -> None:
    with pytest.raises(UntranslatableError):
        translate(body, "openai", "anthropic")


def test_dialects_are_known_by_the_names_of_their_endpoints_too() -> None:
    assert [dialect_of(name) for name in ("openai/chat-completions", "messages", "converse_stream", "Gemini")] == [
        "openai", "anthropic", "bedrock", "gemini",
    ]  # fmt: skip
    with pytest.raises(UntranslatableError, match="esperanto"):
        dialect_of("esperanto")


def recorded_answers(provider: str, apis: tuple[str, ...]) -> Iterator[tuple[str, bytes, bool]]:
    for one in exchanges_of(provider, *apis):
        answer = one["response"]
        if (answer.get("status") or 200) >= 400:
            continue
        if "sse_text" in answer:
            yield one["id"], answer["sse_text"].encode(), True
        elif "eventstream_b64" in answer:
            yield one["id"], base64.b64decode(answer["eventstream_b64"]), True
        elif isinstance(answer.get("body"), dict):
            yield one["id"], orjson.dumps(answer["body"]), False


@needs_recordings
@pytest.mark.parametrize("target", CLIENTS)
@pytest.mark.parametrize(("provider", "source", "apis"), RECORDED, ids=[one[0] + "/" + one[1] for one in RECORDED])
def test_recorded_answers_say_the_same_to_every_client(
    provider: str, source: Dialect, apis: tuple[str, ...], target: Dialect
) -> None:
    """But for one in two hundred: what Azure filtered, what a tool was asked in null."""
    unlike, count = [], 0
    for name, data, is_stream in recorded_answers(provider, apis):
        try:
            whole = translate(data, source, source, is_stream=is_stream)
        except UntranslatableError:
            continue  # recorded at another endpoint
        if whole.kind == "error":
            continue
        count += 1
        before, after = read(whole, source), read(translate(data, source, target, is_stream=is_stream), target)
        if isinstance(before, Failure) or isinstance(after, Failure):
            unlike += [name] * (type(before) is not type(after))
        elif not before.choices:
            unlike += [name] * any(choice.parts for choice in after.choices)
        elif said(before)[:3] != said(after)[:3] or (said(before)[3] and said(before)[3] != said(after)[3]):
            unlike.append(name)

    assert count
    assert len(unlike) <= max(1, MOST_UNLIKE * count), unlike
