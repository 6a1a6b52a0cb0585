"""Bedrock's InvokeModel for embeddings: Amazon's Titan takes one text a call, Cohere's models a list.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html and …-embed.html (November
2026). The model stands in the path, the count of tokens in a header.
"""

from collections.abc import Mapping
from typing import Any

from proxy.canonical.request import Loss, Rendered
from proxy.dialects.embeddings import cohere
from proxy.dialects.embeddings.codecs import texts_of
from proxy.dialects.embeddings.hub import Embeddings, EmbedRequest
from proxy.dialects.reading import count_of, text_of
from proxy.errors import InvalidRequest
from proxy.records import Usage

COUNT_HEADER = "x-amzn-bedrock-input-token-count"
_BY_TYPE = ("embed-v4",)  # Cohere's models that answer by type


def parse_request(body: Mapping[str, Any], model: str = "") -> EmbedRequest:
    text, dimensions = body.get("inputText"), body.get("dimensions")
    if not isinstance(text, str):
        request = cohere.parse_request(body, model)
        request.dialect = "bedrock"
        return request
    rest = {
        name: value for name, value in body.items() if name not in {"inputText", "dimensions"} and value is not None
    }
    size = dimensions if isinstance(dimensions, int) else None
    return EmbedRequest("bedrock", model, [text], is_single=True, dimensions=size, rest=rest)


def render_request(request: EmbedRequest) -> Rendered:
    if "cohere" in request.model:
        body, losses = cohere.render_texts(request)
        if any(mark in request.model for mark in _BY_TYPE):
            body["embedding_types"] = ["float"]
        return Rendered(body, losses)
    texts = texts_of(request)
    if len(texts) != 1:
        raise InvalidRequest(f"{request.model} embeds one text a call, not {len(texts)}: send them one by one.")
    body = {"inputText": texts[0]}
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    if request.dialect == "bedrock":
        return Rendered(body | request.rest)
    said = {**request.rest, "user": request.user, "title": request.title, "purpose": request.purpose}
    return Rendered(body, [Loss(name, "Titan has no such parameter") for name, value in said.items() if value])


def parse_answer(body: Mapping[str, Any], headers: Mapping[str, str]) -> Embeddings:
    one = body.get("embedding")
    vectors = cohere.parse_vectors([one] if isinstance(one, list) else body.get("embeddings"))
    header = headers.get(COUNT_HEADER, "")
    count = int(header) if header.isdigit() else body.get("inputTextTokenCount")
    usage = Usage(input=count_of(count)) if count is not None else None
    return Embeddings("bedrock", vectors, id=text_of(body.get("id")), usage=usage)


def render_answer(answer: Embeddings, request: EmbedRequest) -> dict[str, Any]:
    if request.is_single and answer.vectors:
        count = answer.usage.input if answer.usage else 0
        return {"embedding": answer.vectors[0], "inputTextTokenCount": count}
    return {"embeddings": {"float": answer.vectors}, "id": answer.id, "response_type": "embeddings_by_type"}
