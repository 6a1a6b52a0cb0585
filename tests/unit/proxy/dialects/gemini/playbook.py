"""A stream as a list of chunks, in both of its forms, and what is read in it."""

from functools import partial
from typing import Any

import orjson

from proxy.dialects.gemini.codec import CODEC
from tests.unit.proxy.dialects.streams import decode_with

decoded = partial(decode_with, CODEC)


def chunk(*parts: dict[str, Any], finish: str = "", **more: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    candidate.update(more.pop("candidate", {}))
    return {"candidates": [candidate], "modelVersion": "gemini-x", "responseId": "r1", **more}


def sse(*chunks: object, end: str = "\r\n\r\n") -> bytes:
    return b"".join(b"data: " + orjson.dumps(one) + end.encode() for one in chunks)


def array(*chunks: object) -> bytes:
    return b"[" + b"\n,\r\n".join(orjson.dumps(one, option=orjson.OPT_INDENT_2) for one in chunks) + b"\n]\n"
