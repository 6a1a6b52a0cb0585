"""Any cut of the bytes gives the same events, whatever line ends, comments and characters stand in them."""

import json
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.canonical.events import StreamEnded
from proxy.dialects.openai.codec import CODEC
from proxy.errors import InvalidRequest
from tests.unit.proxy.dialects.streams import decode_with


def frame(chunk: dict[str, Any]) -> str:
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"


def said(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "suche", "arguments": ""}}
PIECE = {"index": 0, "function": {"arguments": '{"wort":"größer 🌍"}'}}
USAGE = {"id": "chatcmpl-1", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}}
PLAIN = (
    frame(said({"role": "assistant", "content": ""}))
    + frame(said({"reasoning_content": "Überlegen …"}))
    + frame(said({"content": "Grüße, 世界 🌍"}))
    + frame(said({"tool_calls": [CALL]}))
    + frame(said({"tool_calls": [PIECE]}))
    + frame(said({}, "tool_calls"))
    + frame(USAGE)
    + "data: [DONE]\n\n"
)
PRETTY = "".join(
    f"data: {line}\n"
    for line in json.dumps(said({"content": "über\nZeilen"}), indent=1, ensure_ascii=False).split("\n")
)
STREAMS = {
    "LF": PLAIN,
    "CRLF": PLAIN.replace("\n", "\r\n"),
    "CR": PLAIN.replace("\n", "\r"),
    "mixed": PLAIN.replace("\n\n", "\r\n\n", 3),
    "comments": ": hello\n\n" + PLAIN.replace("data:", ": ping\nid: 7\nevent: message\ndata:"),
    "no blank at the end": PLAIN.rstrip("\n"),
    "no space": PLAIN.replace("data: ", "data:"),
    "mark of byte order": "\ufeff" + PLAIN,
    "blanks before": "\n\n  " + PLAIN,
    "several lines": PRETTY + "\n" + frame(said({}, "stop")) + "data: [DONE]\n\n",
    "an error": frame(said({"content": "ä"})) + 'event: error\ndata: {"error":{"message":"Nein, ö"}}\n\n',
    "broken off": PLAIN[: len(PLAIN) // 2],
    "a body": json.dumps({"error": {"message": "für nichts", "code": "rate_limit_exceeded"}}, ensure_ascii=False),
    "a page": "<html>\n<title>Ünavailable</title>\n</html>",
}


decode = partial(decode_with, CODEC)


@pytest.mark.parametrize("name", STREAMS)
@given(cuts=st.lists(st.integers(0, 2000), max_size=12))
@settings(max_examples=30, deadline=None)
def test_any_cut_gives_the_same_events(name: str, cuts: list[int]) -> None:
    stream = STREAMS[name].encode()
    assert decode(stream, [cut for cut in cuts if cut < len(stream)]) == decode(stream, [])


@pytest.mark.parametrize("name", STREAMS)
def test_byte_by_byte_gives_the_same_events(name: str) -> None:
    stream = STREAMS[name].encode()
    assert decode(stream, list(range(len(stream)))) == decode(stream, [])


@pytest.mark.parametrize(
    "name", ["CRLF", "CR", "mixed", "comments", "no blank at the end", "no space", "blanks before"]
)
def test_the_form_of_the_lines_changes_nothing(name: str) -> None:
    assert decode(STREAMS[name].encode(), []) == decode(PLAIN.encode(), [])
    assert isinstance(decode(PLAIN.encode(), [])[-1], StreamEnded)


@given(st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_no_bytes_make_the_decoder_fall_over(noise: bytes) -> None:
    assert decode(noise, [])
    decode(PLAIN.encode()[:300] + noise, [150])
    decode(b"data: " + noise + b"\n\ndata: [DONE]\n\n", [])


NAMES = st.sampled_from([
    "id", "choices", "index", "delta", "message", "content", "text", "type", "tool_calls", "function", "name", "usage",
    "arguments", "error", "code", "finish_reason", "reasoning_details", "refusal", "audio", "annotations",
    "function_call", "logprobs", "images", "x_groq", "citations", "prompt_tokens", "custom", "detail", "errors",
    "role", "messages", "tools", "tool_choice", "stop", "response_format", "json_schema", "reasoning", "thinking",
    "effort",
    "model", "functions", "stream", "max_tokens", "temperature", "image_url", "file", "input_audio", "stream_options",
])  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 500) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(chunks=st.lists(JSON, max_size=4), delta=st.dictionaries(NAMES, JSON, max_size=4))
@settings(max_examples=150, deadline=None)
def test_no_json_makes_the_codec_fall_over(chunks: list[Any], delta: dict[str, Any]) -> None:
    odd = [*chunks, {"choices": [{"index": 0, "delta": delta, **delta}]}]
    stream = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in odd)
    decode(stream.encode(), [])
    for chunk in odd:
        if isinstance(chunk, dict):
            CODEC.parse_answer(chunk)
            CODEC.parse_answer({"choices": [{"message": chunk, **chunk}], **chunk})
        CODEC.parse_failure(429, {}, json.dumps(chunk).encode())


@given(
    JSON.filter(lambda value: isinstance(value, dict)), st.lists(st.dictionaries(NAMES, JSON, max_size=5), max_size=3)
)
@settings(max_examples=150, deadline=None)
def test_no_json_makes_a_request_anything_but_read_or_refused(body: Any, messages: list[dict[str, Any]]) -> None:
    for role in ("user", "assistant", "tool"):
        asked = {"messages": [{"role": role, **message} for message in messages], **body}
        with suppress(InvalidRequest):
            request = CODEC.parse_request(asked)
            json.dumps(CODEC.render_request(request).body)
            request.dialect = "anthropic"
            json.dumps(CODEC.render_request(request).body)
