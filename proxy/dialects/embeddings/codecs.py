"""Dialect name → embedding format. Loaded when first asked for."""

from functools import cache
from importlib import import_module
from typing import cast

from proxy.dialects.embeddings.hub import EmbedCodec, EmbedRequest
from proxy.errors import Dialect, InvalidRequest

EMBEDDING_DIALECTS: frozenset[Dialect] = frozenset(("openai", "gemini", "cohere", "bedrock"))


@cache
def embed_codec(dialect: Dialect) -> EmbedCodec:
    """The format's module. KeyError for a dialect that has no embeddings."""
    if dialect not in EMBEDDING_DIALECTS:
        raise KeyError(dialect)
    return cast("EmbedCodec", import_module(f"proxy.dialects.embeddings.{dialect}"))


def texts_of(request: EmbedRequest) -> list[str]:
    """The inputs of a request for a provider that has no tokens of OpenAI's."""
    texts = [one for one in request.inputs if isinstance(one, str)]
    if len(texts) < len(request.inputs):
        raise InvalidRequest("'input' holds tokens, which this provider does not know: send the texts.")
    return texts
