"""OpenAI's chat completions, which many providers speak: the one door to this dialect."""

from collections.abc import Mapping
from typing import Any

from proxy.canonical.answer import Answer
from proxy.canonical.failure import Failure
from proxy.canonical.request import Rendered, Request
from proxy.dialects.codec import Decoder, Encoder, Opening
from proxy.dialects.openai import answers, failures, requests_in, requests_out
from proxy.dialects.openai.decoder import OpenAIDecoder
from proxy.dialects.openai.encoder import OpenAIEncoder
from proxy.errors import Dialect


class OpenAICodec:
    """See `proxy.dialects.codec.Codec`."""

    name: Dialect = "openai"

    def parse_request(self, body: Mapping[str, Any], model: str = "", *, is_stream: bool | None = None) -> Request:
        return requests_in.parse_request(body, model, is_stream=is_stream)

    def render_request(self, request: Request) -> Rendered:
        return requests_out.render_request(request)

    def parse_answer(self, body: Mapping[str, Any]) -> Answer:
        return answers.parse_answer(body)

    def render_answer(self, answer: Answer, opening: Opening) -> dict[str, Any]:
        return answers.render_answer(answer, opening)

    def decoder(self) -> Decoder:
        return OpenAIDecoder()

    def encoder(self, opening: Opening) -> Encoder:
        return OpenAIEncoder(opening)

    def parse_failure(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        return failures.parse_failure(status, headers, body)

    def render_failure(self, failure: Failure, request_id: str) -> tuple[int, dict[str, Any]]:
        return failures.render_failure(failure, request_id)


CODEC = OpenAICodec()
