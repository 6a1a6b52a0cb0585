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
