"""Streams written by hand, and what a decoder makes of them."""

import json
from functools import partial
from typing import Any

from proxy.canonical.answer import Answer
from proxy.canonical.failure import Failure
from proxy.canonical.folding import fold
from proxy.canonical.parts import Part
from proxy.dialects.openai.codec import CODEC
from tests.unit.proxy.dialects.streams import decode_with

DONE = b"data: [DONE]\n\n"


decode = partial(decode_with, CODEC)


def frame(chunk: Any) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def chunk(
    delta: dict[str, Any], finish: str | None = None, *, index: int = 0, is_ascii: bool = False, **rest: Any
) -> bytes:
    """A frame with one choice, written as closely as servers write it."""
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    said = {"id": "chatcmpl-1", "model": "m", "choices": [choice], **rest}
    return f"data: {json.dumps(said, ensure_ascii=is_ascii, separators=(',', ':'))}\n\n".encode()


FIRST = chunk({"role": "assistant", "content": ""})
STOP = chunk({}, "stop")
USAGE = b'data: {"id":"chatcmpl-1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n'
UNUSUAL = [
    chunk({"content": ""}),
    chunk({"content": 'a "quoted" word'}),
    chunk({"content": "back\\slash"}),
    chunk({"content": "half"}).replace(b"half", b"\\ud83d"),
    chunk({"content": "raw"}).replace(b"raw", b"\x01"),
    chunk({"content": "raw"}).replace(b"raw", b"\xff"),
    chunk({"content": "raw"}).replace(b"raw", b'a","b'),
    chunk({"content": "raw"}).replace(b"raw", b"a\\"),
    chunk({"content": "a", "refusal": "no"}),
    chunk({"content": "a"}, error={"code": "broken", "message": "broken"}),
    chunk({"content": "a"}, "length"),
    chunk({"content": "a"}, usage={"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}),
    chunk({"content": "a"}, index=1),
    chunk({"content": "a"}, service_tier="flex"),
    chunk({"content": "a"}) + chunk({"content": "b"}),
    chunk({"content": "a"}).replace(b"\n\n", b"\r\n\r\n"),
    chunk({"tool_calls": [{"index": 0, "id": "call_1", "function": {"name": "f", "arguments": '{"content":"x"}'}}]}),
    chunk({"reasoning_content": "hm"}),
    b'data: {"choices":[{"index":0,"delta":{"content":"a","content":"b"}}]}\n\n',
    b'data: {"error":{"code":"overloaded"}}\n\n',
    b": keep-alive\n\n",
    b"event: message\ndata: {}\n\n",
    b"data: not json\n\n",
    b"data: {\n\n",
    b"data: ",
    b"\n\n",
    USAGE,
    STOP,
    DONE,
]


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
