"""Gemini's wire format in both directions."""

from collections.abc import Mapping
from typing import Any

from proxy.canonical.answer import Answer
from proxy.canonical.failure import Failure
from proxy.canonical.request import Rendered, Request
from proxy.dialects.codec import Opening
from proxy.dialects.gemini.answers import parse_answer, render_answer
from proxy.dialects.gemini.decoder import GeminiDecoder
from proxy.dialects.gemini.encoder import GeminiEncoder
from proxy.dialects.gemini.failures import parse_failure, render_failure
from proxy.dialects.gemini.requests_in import parse_request
from proxy.dialects.gemini.requests_out import render_request
from proxy.errors import Dialect


class GeminiCodec:
    """See `proxy/dialects/codec.py`."""

    name: Dialect = "gemini"

    def parse_request(self, body: Mapping[str, Any], model: str = "", *, is_stream: bool | None = None) -> Request:
        return parse_request(body, model, is_stream=is_stream)

    def render_request(self, request: Request) -> Rendered:
        return render_request(request)

    def parse_answer(self, body: Mapping[str, Any] | list[Any]) -> Answer:
        """Also the array of chunks that a stream without `alt=sse` is, read as a whole."""
        return parse_answer(body)

    def render_answer(self, answer: Answer, opening: Opening) -> dict[str, Any]:
        return render_answer(answer, opening)

    def decoder(self) -> GeminiDecoder:
        return GeminiDecoder()

    def encoder(self, opening: Opening, *, is_array: bool = False) -> GeminiEncoder:
        """`is_array` for clients that stream without `alt=sse`."""
        return GeminiEncoder(opening, is_array=is_array)

    def parse_failure(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        return parse_failure(status, headers, body)

    def render_failure(self, failure: Failure, request_id: str) -> tuple[int, dict[str, Any]]:
        return render_failure(failure, request_id)


CODEC = GeminiCodec()
