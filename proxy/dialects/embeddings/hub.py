"""What embedding means in any format: the request, the vectors, and the functions of a format's module."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import msgspec

from proxy.canonical.request import Rendered
from proxy.errors import Dialect
from proxy.records import Usage

Purpose = Literal[
    "", "query", "document", "similarity", "classification", "clustering", "question", "fact", "code_query"
]


class EmbedRequest(msgspec.Struct, omit_defaults=True):
    """`inputs` are texts, or OpenAI's lists of tokens. `rest` as in canonical.Request."""

    dialect: Dialect
    model: str
    inputs: list[str | list[int]]
    is_single: bool = False  # asked for one text, not for a list with one
    is_base64: bool = False  # OpenAI's compact form of the vectors
    dimensions: int | None = None
    purpose: Purpose = ""
    title: str = ""  # of a document
    user: str = ""
    rest: dict[str, Any] = {}


class Embeddings(msgspec.Struct):
    """One vector for each input, in their order."""

    dialect: Dialect
    vectors: list[list[float]]
    model: str = ""
    id: str = ""
    usage: Usage | None = None
    raw_usage: dict[str, Any] = {}


class EmbedCodec(Protocol):
    """A format's module. A request that cannot be said at all raises InvalidRequest."""

    def parse_request(self, body: Mapping[str, Any], model: str = "") -> EmbedRequest: ...

    def render_request(self, request: EmbedRequest) -> Rendered: ...

    def parse_answer(self, body: Mapping[str, Any], headers: Mapping[str, str]) -> Embeddings:
        """Header names in lower case: Bedrock counts there."""
        ...

    def render_answer(self, answer: Embeddings, request: EmbedRequest) -> dict[str, Any]: ...
