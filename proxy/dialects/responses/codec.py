"""The Responses API in both directions."""

from collections.abc import Mapping
from typing import Any

from proxy.canonical.answer import Answer
from proxy.canonical.failure import Failure
from proxy.canonical.request import Rendered, Request
from proxy.dialects.codec import Codec, Opening
from proxy.dialects.responses import answers, failures, requests_in, requests_out
from proxy.dialects.responses.decoder import ResponsesDecoder
from proxy.dialects.responses.encoder import ResponsesEncoder
from proxy.errors import Dialect


class ResponsesCodec:
    """Keeps nothing: `previous_response_id` and `item_reference` are resolved by `proxy/conversations.py` before."""

    name: Dialect = "responses"

    def parse_request(self, body: Mapping[str, Any], model: str = "", *, is_stream: bool | None = None) -> Request:
        return requests_in.parse_request(body, model, is_stream=is_stream)

    def render_request(self, request: Request) -> Rendered:
        return requests_out.render_request(request)

    def parse_answer(self, body: Mapping[str, Any]) -> Answer:
        return answers.parse_answer(body)

    def render_answer(self, answer: Answer, opening: Opening) -> dict[str, Any]:
        return answers.render_answer(answer, opening)

    def decoder(self) -> ResponsesDecoder:
        return ResponsesDecoder()

    def encoder(self, opening: Opening) -> ResponsesEncoder:
        return ResponsesEncoder(opening)

    def parse_failure(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        return failures.parse_failure(status, headers, body)

    def render_failure(self, failure: Failure, request_id: str) -> tuple[int, dict[str, Any]]:
        return failures.render_failure(failure)


CODEC: Codec = ResponsesCodec()
