"""https://docs.cohere.com/reference/embed (November 2026), version 2; answers of version 1 are read too.

`input_type` is required from version 3 of the models on: a text is a document unless the client says otherwise.
"""

from collections.abc import Mapping
from typing import Any

from proxy.canonical.request import Loss, Rendered
from proxy.dialects.embeddings.codecs import texts_of
from proxy.dialects.embeddings.hub import Embeddings, EmbedRequest, Purpose
from proxy.dialects.reading import count_of, member, text_of
from proxy.errors import InvalidRequest
from proxy.records import Usage

MOST_TEXTS = 96  # of one call
_PURPOSES: dict[str, Purpose] = {
    "search_query": "query", "search_document": "document", "classification": "classification",
    "clustering": "clustering",
}  # fmt: skip
# What Cohere has no word for is what comes nearest.
_WORDS: dict[Purpose, str] = {
    "": "search_document", "document": "search_document", "query": "search_query", "question": "search_query",
    "fact": "search_query", "code_query": "search_query", "similarity": "clustering", "clustering": "clustering",
    "classification": "classification",
}  # fmt: skip
_READ = {"model", "texts", "input_type", "embedding_types", "output_dimension"}


def parse_request(body: Mapping[str, Any], model: str = "") -> EmbedRequest:
    texts, dimensions = body.get("texts"), body.get("output_dimension")
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise InvalidRequest("'texts' must be a list of texts; pictures cannot be embedded by this provider.")
    return EmbedRequest(
        "cohere",
        model or text_of(body.get("model")),
        list(texts),
        dimensions=dimensions if isinstance(dimensions, int) else None,
        purpose=_PURPOSES.get(text_of(body.get("input_type")), ""),
        rest={name: value for name, value in body.items() if name not in _READ and value is not None},
    )


def render_request(request: EmbedRequest) -> Rendered:
    body, losses = render_texts(request)
    return Rendered({"model": request.model, **body, "embedding_types": ["float"]}, losses)


def render_texts(request: EmbedRequest) -> tuple[dict[str, Any], list[Loss]]:
    """What Bedrock's Cohere takes too, which has the model in the path."""
    texts = texts_of(request)
    if len(texts) > MOST_TEXTS:
        raise InvalidRequest(f"This provider embeds at most {MOST_TEXTS} texts a call, not {len(texts)}: send fewer.")
    body: dict[str, Any] = {"texts": texts, "input_type": _WORDS[request.purpose]}
    if request.dimensions is not None:
        body["output_dimension"] = request.dimensions
    if request.dialect in {"cohere", "bedrock"}:  # the same models in two places
        return body | request.rest, []
    said = {**request.rest, "user": request.user, "title": request.title}
    return body, [Loss(name, "Cohere's embeddings have no such parameter") for name, value in said.items() if value]


def parse_answer(body: Mapping[str, Any], headers: Mapping[str, str]) -> Embeddings:
    del headers
    billed = member(body.get("meta"), "billed_units")
    return Embeddings(
        "cohere",
        parse_vectors(body.get("embeddings")),
        id=text_of(body.get("id")),
        usage=Usage(input=count_of(billed.get("input_tokens"))) if isinstance(billed, dict) else None,
        raw_usage=billed if isinstance(billed, dict) else {},
    )


def parse_vectors(found: object) -> list[list[float]]:
    """By type, as version 2 has them, or bare."""
    vectors = member(found, "float") if isinstance(found, dict) else found
    if not isinstance(vectors, list):
        return []
    return [
        [float(one) for one in vector if isinstance(one, int | float)] for vector in vectors if isinstance(vector, list)
    ]


def render_answer(answer: Embeddings, request: EmbedRequest) -> dict[str, Any]:
    tokens = answer.usage.input + answer.usage.cache_read if answer.usage else 0
    return {
        "id": answer.id,
        "embeddings": {"float": answer.vectors},
        "texts": [one for one in request.inputs if isinstance(one, str)],
        "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": tokens}},
        "response_type": "embeddings_by_type",
    }
