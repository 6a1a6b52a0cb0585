"""Claude at Bedrock (`invoke`) and at Vertex (`rawPredict`): Anthropic's own bodies, with what is said elsewhere moved.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html
https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude (November 2026)
"""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import orjson

from proxy.dialects.anthropic.failures import failure_in_stream, render_failure

BEDROCK_VERSION = "bedrock-2023-05-31"
VERTEX_VERSION = "vertex-2023-10-16"


def bedrock_body(body: Mapping[str, Any], beta: str = "") -> dict[str, Any]:
    """Model and streaming stand in the path; `beta`, the header `anthropic-beta`, becomes a member."""
    moved = {name: value for name, value in body.items() if name not in {"model", "stream"}}
    moved.setdefault("anthropic_version", BEDROCK_VERSION)
    known = moved.get("anthropic_beta")
    said = [*(known if isinstance(known, list) else ()), *(one.strip() for one in beta.split(","))]
    if betas := list(dict.fromkeys(one for one in said if one)):
        moved["anthropic_beta"] = betas
    return moved


def vertex_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """The model stands in the path; `stream` stays, and the header `anthropic-beta` is taken as it is."""
    moved = {name: value for name, value in body.items() if name != "model"}
    moved.setdefault("anthropic_version", VERTEX_VERSION)
    return moved


def from_chunk(payload: bytes) -> bytes:
    """The payload of one `chunk` of Bedrock's event stream → one frame as Anthropic sends it; b'' for what is none.

    A chunk is `{"bytes": base64 of Anthropic's event, "p": padding}`. The metrics that Bedrock puts into the last one
    stay: clients ignore members that they do not know.
    """
    try:
        event = b64decode(orjson.loads(payload)["bytes"])
        kind = orjson.loads(event)["type"]
    except (orjson.JSONDecodeError, binascii.Error, KeyError, TypeError):
        return b""
    return b"event: %b\ndata: %b\n\n" % (str(kind).encode(), event)


def from_exception(name: str, payload: bytes, request_id: str = "") -> bytes:
    """An exception inside Bedrock's event stream → Anthropic's error event."""
    try:
        sentence = orjson.loads(payload).get("message")
    except (orjson.JSONDecodeError, AttributeError):
        sentence = None
    kind = _ERRORS.get(name, "api_error")
    failure = failure_in_stream({"error": {"type": kind, "message": sentence or name}})
    return b"event: error\ndata: " + orjson.dumps(render_failure(failure, request_id)[1]) + b"\n\n"


_ERRORS = {
    "throttlingException": "rate_limit_error",
    "modelTimeoutException": "timeout_error",
    "serviceUnavailableException": "overloaded_error",
    "validationException": "invalid_request_error",
}
