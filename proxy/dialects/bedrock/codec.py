"""Bedrock's Converse and ConverseStream, in both directions."""

from collections.abc import Mapping
from typing import Any

from proxy.canonical.answer import Answer
from proxy.canonical.failure import Failure
from proxy.canonical.request import Rendered, Request
from proxy.dialects.bedrock.answers import parse_answer, render_answer
from proxy.dialects.bedrock.decoder import BedrockDecoder
from proxy.dialects.bedrock.encoder import BedrockEncoder
from proxy.dialects.bedrock.failures import parse_failure, render_failure
from proxy.dialects.bedrock.requests_in import parse_request
from proxy.dialects.bedrock.requests_out import render_request
from proxy.dialects.codec import Decoder, Encoder, Opening
from proxy.errors import Dialect


class BedrockCodec:
    name: Dialect = "bedrock"

    def parse_request(self, body: Mapping[str, Any], model: str = "", *, is_stream: bool | None = None) -> Request:
        return parse_request(body, model, is_stream=is_stream)

    def render_request(self, request: Request) -> Rendered:
        return render_request(request)

    def parse_answer(self, body: Mapping[str, Any]) -> Answer:
        return parse_answer(body)

    def render_answer(self, answer: Answer, opening: Opening) -> dict[str, Any]:
        return render_answer(answer, opening)

    def decoder(self) -> Decoder:
        return BedrockDecoder()

    def encoder(self, opening: Opening) -> Encoder:
        return BedrockEncoder(opening)

    def parse_failure(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        return parse_failure(status, headers, body)

    def render_failure(self, failure: Failure, request_id: str) -> tuple[int, dict[str, Any]]:
        """The request's id stands in a header (x-amzn-requestid), which is the caller's business."""
        return render_failure(failure)


CODEC = BedrockCodec()
