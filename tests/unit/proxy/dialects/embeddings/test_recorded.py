"""Embeddings that nobody of this project recorded: each is read as its JSON says, and written again as the same."""

import base64
import struct
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from proxy.dialects.embeddings.codecs import embed_codec
from proxy.dialects.embeddings.hub import EmbedRequest
from tests.unit.proxy.dialects.recorded import needs_recordings, recorded_at

OWN_FORMS = {"gemini": "gemini", "vertex": "gemini", "cohere": "cohere", "bedrock": "bedrock"}  # others share OpenAI's

pytestmark = needs_recordings


def recorded() -> Iterator[tuple[str, dict[str, Any]]]:
    """Without Ollama's own form and Vertex's old one."""
    for exchange in recorded_at("embeddings", "invoke_model"):
        path = (exchange["request"] or {}).get("path") or ""
        body = exchange["response"].get("body")
        is_one = exchange["api"] == "embeddings" or "embed" in path
        if not is_one or exchange["response"]["status"] != 200 or not isinstance(body, dict):
            continue
        if "predictions" not in body and (exchange["provider"] != "ollama" or "data" in body):
            yield OWN_FORMS.get(exchange["provider"], "openai"), exchange


def plain_vectors(dialect: str, body: dict[str, Any]) -> Any:
    if dialect == "openai":
        found = [one["embedding"] for one in body["data"]]
        return [unpacked(one) if isinstance(one, str) else one for one in found]
    if "embedding" in body:
        return [body["embedding"]["values"] if dialect == "gemini" else body["embedding"]]
    if dialect == "gemini":
        return [one["values"] for one in body["embeddings"]]
    return body["embeddings"]["float"] if isinstance(body["embeddings"], dict) else body["embeddings"]


def unpacked(text: str) -> list[float]:
    data = base64.b64decode(text)
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def test_recorded_vectors_are_read_as_they_are() -> None:
    count = 0
    for dialect, exchange in recorded():
        body, headers = exchange["response"]["body"], exchange["response"]["headers"]
        answer = embed_codec(dialect).parse_answer(body, headers)  # type: ignore[arg-type]  # a name of ours
        assert answer.vectors == plain_vectors(dialect, body), exchange["id"]
        if dialect == "openai" and body.get("usage"):
            assert answer.usage is not None
            assert answer.usage.input == body["usage"].get("prompt_tokens", body["usage"]["total_tokens"]), exchange[
                "id"
            ]
        again = embed_codec("gemini").parse_answer(
            embed_codec("gemini").render_answer(answer, EmbedRequest("gemini", "m", ["a"])), {}
        )
        assert again.vectors == answer.vectors, exchange["id"]
        count += 1
    assert count > 90


def test_recorded_requests_are_read_and_say_the_same_again() -> None:
    count = 0
    for dialect, exchange in recorded():
        body = (exchange["request"] or {}).get("body")
        if isinstance(body, dict):
            codec = embed_codec(dialect)  # type: ignore[arg-type]  # a name of ours
            path = unquote(exchange["request"]["path"])
            model = path.split("/model/")[1].split("/")[0] if "/model/" in path else body.get("model", "m")
            request = codec.parse_request(body, model)
            rendered = codec.render_request(request)
            assert rendered.losses == [], exchange["id"]
            again = codec.parse_request(rendered.body, model)
            again.is_single = request.is_single  # Google's is always rendered as a batch
            assert again == request, exchange["id"]
            count += 1
    assert count > 80
