"""`:countTokens`: the request in, a number out. https://ai.google.dev/api/tokens (November 2026).

The Gemini API takes `contents` alone, or a whole request in `generateContentRequest`; Vertex takes the members of the
request as they are.
"""

from collections.abc import Mapping
from typing import Any

from proxy.canonical.request import Request
from proxy.dialects.gemini.requests_in import parse_request
from proxy.dialects.gemini.requests_out import render_request
from proxy.dialects.gemini.spelling import members
from proxy.dialects.reading import count_of


def parse_count_request(body: Mapping[str, Any], model: str = "") -> Request:
    """Raises InvalidRequest."""
    said = members(body)
    inner = said.get("generateContentRequest")
    return parse_request(inner if isinstance(inner, dict) else said, model)


def render_count_request(request: Request, *, is_vertex: bool = False) -> dict[str, Any]:
    body = render_request(request).body
    if is_vertex:
        return body
    return {"generateContentRequest": {"model": f"models/{request.model.removeprefix('models/')}", **body}}


def parse_count_answer(body: Mapping[str, Any]) -> int:
    return count_of(members(body).get("totalTokens"))


def render_count_answer(tokens: int) -> dict[str, Any]:
    return {"totalTokens": tokens, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}]}
