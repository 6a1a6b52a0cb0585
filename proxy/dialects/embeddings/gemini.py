"""https://ai.google.dev/api/embeddings (November 2026): `embedContent` for one text, `batchEmbedContents` for several.

A request is rendered in the form of the second, whose path it needs.
"""

from collections.abc import Mapping
from typing import Any

from proxy.canonical.request import Loss, Rendered
from proxy.dialects.embeddings.codecs import texts_of
from proxy.dialects.embeddings.hub import Embeddings, EmbedRequest, Purpose
from proxy.dialects.reading import count_of, member, text_of
from proxy.errors import InvalidRequest
from proxy.records import Usage

_PURPOSES: dict[str, Purpose] = {
    "RETRIEVAL_QUERY": "query", "RETRIEVAL_DOCUMENT": "document", "SEMANTIC_SIMILARITY": "similarity",
    "CLASSIFICATION": "classification", "CLUSTERING": "clustering", "QUESTION_ANSWERING": "question",
    "FACT_VERIFICATION": "fact", "CODE_RETRIEVAL_QUERY": "code_query",
}  # fmt: skip
_WORDS = {purpose: word for word, purpose in _PURPOSES.items()}


def parse_request(body: Mapping[str, Any], model: str = "") -> EmbedRequest:
    """What differs from text to text within a batch has no place elsewhere: the first one's counts."""
    batch = body.get("requests")
    asked = batch if isinstance(batch, list) else [body]
    if not asked or not all(isinstance(member(one, "content"), dict) for one in asked):
        raise InvalidRequest("Each text to embed needs a 'content' with 'parts'.")
    first = asked[0]
    dimensions = _either(first, "outputDimensionality", "output_dimensionality")
    return EmbedRequest(
        "gemini",
        model or text_of(first.get("model") or body.get("model")).removeprefix("models/"),
        [_text(one["content"]) for one in asked],
        is_single=not isinstance(batch, list),
        dimensions=dimensions if isinstance(dimensions, int) else None,
        purpose=_PURPOSES.get(text_of(_either(first, "taskType", "task_type")), ""),
        title=text_of(first.get("title")),
    )


def _either(said: Mapping[str, Any], name: str, other: str) -> Any:
    """Google takes both spellings; `config` is where newer libraries put them."""
    for place in (said, said.get("config"), said.get("embedContentConfig")):
        value = member(place, name) if member(place, name) is not None else member(place, other)
        if value is not None:
            return value
    return None


def _text(content: Mapping[str, Any]) -> str:
    parts = content.get("parts")
    texts = [member(part, "text") for part in parts] if isinstance(parts, list) else []
    if not texts or not all(isinstance(text, str) for text in texts):
        raise InvalidRequest("Only texts can be embedded by this provider; another kind of part was sent.")
    return "".join(texts)


def render_request(request: EmbedRequest) -> Rendered:
    shared: dict[str, Any] = {"model": f"models/{request.model.removeprefix('models/')}"}
    if request.purpose:
        shared["taskType"] = _WORDS[request.purpose]
    if request.title and request.purpose == "document":
        shared["title"] = request.title
    if request.dimensions is not None:
        shared["outputDimensionality"] = request.dimensions
    asked = [{**shared, "content": {"parts": [{"text": text}]}} for text in texts_of(request)]
    lost = [*request.rest, *(["user"] if request.user else [])]
    return Rendered({"requests": asked}, [Loss(name, "Gemini's embeddings have no such parameter") for name in lost])


def parse_answer(body: Mapping[str, Any], headers: Mapping[str, str]) -> Embeddings:
    del headers
    several, one = body.get("embeddings"), body.get("embedding")
    found = several if isinstance(several, list) else [one] if isinstance(one, dict) else []
    usage = body.get("usageMetadata")
    return Embeddings(
        "gemini",
        [_vector(member(item, "values")) for item in found],
        usage=Usage(input=count_of(usage.get("promptTokenCount"))) if isinstance(usage, dict) else None,
        raw_usage=usage if isinstance(usage, dict) else {},
    )


def _vector(values: object) -> list[float]:
    return [float(one) for one in values if isinstance(one, int | float)] if isinstance(values, list) else []


def render_answer(answer: Embeddings, request: EmbedRequest) -> dict[str, Any]:
    found = [{"values": vector} for vector in answer.vectors]
    body: dict[str, Any] = {"embedding": found[0]} if request.is_single and found else {"embeddings": found}
    if answer.usage is not None:
        count = answer.usage.input + answer.usage.cache_read
        body["usageMetadata"] = {"promptTokenCount": count, "totalTokenCount": count}
    return body
