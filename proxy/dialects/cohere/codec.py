"""Cohere's chat, version 2, in both directions."""

from collections.abc import Mapping
from typing import Any

from proxy.canonical.answer import Answer
from proxy.canonical.failure import Failure
from proxy.canonical.request import Rendered, Request
from proxy.dialects.codec import Decoder, Encoder, Opening
from proxy.dialects.cohere.answers import parse_answer, render_answer
from proxy.dialects.cohere.decoder import CohereDecoder
from proxy.dialects.cohere.encoder import CohereEncoder
from proxy.dialects.cohere.failures import parse_failure, render_failure
from proxy.dialects.cohere.requests_in import parse_request
from proxy.dialects.cohere.requests_out import render_request
from proxy.errors import Dialect


class CohereCodec:
    name: Dialect = "cohere"

    def parse_request(self, body: Mapping[str, Any], model: str = "", *, is_stream: bool | None = None) -> Request:
        return parse_request(body, model, is_stream=is_stream)

    def render_request(self, request: Request) -> Rendered:
        return render_request(request)

    def parse_answer(self, body: Mapping[str, Any]) -> Answer:
        return parse_answer(body)

    def render_answer(self, answer: Answer, opening: Opening) -> dict[str, Any]:
        return render_answer(answer, opening)

    def decoder(self) -> Decoder:
        return CohereDecoder()

    def encoder(self, opening: Opening) -> Encoder:
        return CohereEncoder(opening)

    def parse_failure(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        return parse_failure(status, headers, body)

    def render_failure(self, failure: Failure, request_id: str) -> tuple[int, dict[str, Any]]:
        return render_failure(failure, request_id)


CODEC = CohereCodec()
