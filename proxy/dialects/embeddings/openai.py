"""https://platform.openai.com/docs/api-reference/embeddings (November 2026): also Azure, Mistral, Voyage, Ollama, vLLM.

`encoding_format: base64` is what OpenAI's own libraries ask for: little-endian 32-bit floats.
"""

import base64
import binascii
import struct
from collections.abc import Mapping
from typing import Any

from proxy.canonical.request import Loss, Rendered
from proxy.dialects.embeddings.hub import Embeddings, EmbedRequest, Purpose
from proxy.dialects.openai.usage import parse_usage
from proxy.dialects.reading import count_of, text_of
from proxy.errors import InvalidRequest
from proxy.records import Usage

_READ = {"model", "input", "encoding_format", "dimensions", "output_dimension", "user", "input_type"}
_PURPOSES: dict[str, Purpose] = {
    "query": "query", "document": "document", "passage": "document", "search_query": "query",
    "search_document": "document", "classification": "classification", "clustering": "clustering",
}  # fmt: skip


def parse_request(body: Mapping[str, Any], model: str = "") -> EmbedRequest:
    given = body.get("input")
    is_single = isinstance(given, str) or _are_tokens(given)
    inputs = [given] if is_single else given
    if (
        not isinstance(inputs, list)
        or not inputs
        or not all(isinstance(one, str) or _are_tokens(one) for one in inputs)
    ):
        raise InvalidRequest(f"'input' must be a text, tokens, or a list of them, not {given!r:.80}.")
    dimensions = body.get("dimensions") or body.get("output_dimension")
    return EmbedRequest(
        "openai",
        model or text_of(body.get("model")),
        inputs,
        is_single=is_single,
        is_base64=body.get("encoding_format") == "base64",
        dimensions=dimensions if isinstance(dimensions, int) else None,
        purpose=_PURPOSES.get(text_of(body.get("input_type")), ""),
        user=text_of(body.get("user")),
        rest={name: value for name, value in body.items() if name not in _READ and value is not None},
    )


def _are_tokens(given: object) -> bool:
    return isinstance(given, list) and bool(given) and all(type(token) is int for token in given)


def render_request(request: EmbedRequest) -> Rendered:
    is_own, losses = request.dialect == "openai", []
    body: dict[str, Any] = {
        "model": request.model,
        "input": request.inputs[0] if request.is_single and len(request.inputs) == 1 else request.inputs,
        "encoding_format": "base64" if request.is_base64 else "float",
    }
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    if request.user:
        body["user"] = request.user
    if is_own:
        body |= request.rest | ({"input_type": request.purpose} if request.purpose else {})
    else:
        said = {"purpose": request.purpose, "title": request.title, **request.rest}
        losses = [Loss(name, "OpenAI's embeddings have no such parameter") for name, value in said.items() if value]
    return Rendered(body, losses)


def parse_answer(body: Mapping[str, Any], headers: Mapping[str, str]) -> Embeddings:
    del headers
    found = body.get("data")
    items = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    items.sort(key=lambda one: count_of(one.get("index")))
    usage = body.get("usage")
    return Embeddings(
        "openai",
        [_vector(one.get("embedding")) for one in items],
        text_of(body.get("model")),
        text_of(body.get("id")),
        _usage(usage) if isinstance(usage, dict) else None,
        usage if isinstance(usage, dict) else {},
    )


def _usage(said: Mapping[str, Any]) -> Usage:
    """Voyage says the total only."""
    usage = parse_usage(said)
    return usage if usage.input or usage.cache_read else Usage(input=count_of(said.get("total_tokens")))


def _vector(said: object) -> list[float]:
    if isinstance(said, str):
        try:
            packed = base64.b64decode(said, validate=True)
        except binascii.Error:
            return []
        return list(struct.unpack(f"<{len(packed) // 4}f", packed[: len(packed) // 4 * 4]))
    return [float(one) for one in said if isinstance(one, int | float)] if isinstance(said, list) else []


def render_answer(answer: Embeddings, request: EmbedRequest) -> dict[str, Any]:
    usage = answer.usage or Usage()
    count = usage.input + usage.cache_read
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": at, "embedding": _packed(vector) if request.is_base64 else vector}
            for at, vector in enumerate(answer.vectors)
        ],
        "model": answer.model or request.model,
        "usage": {"prompt_tokens": count, "total_tokens": count},
    }


def _packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
