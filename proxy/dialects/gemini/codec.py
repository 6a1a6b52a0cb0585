"""Gemini's wire format in both directions."""

from proxy.dialects.codec import Codec
from proxy.dialects.gemini.answers import parse_answer, render_answer
from proxy.dialects.gemini.decoder import GeminiDecoder
from proxy.dialects.gemini.encoder import GeminiEncoder
from proxy.dialects.gemini.failures import parse_failure, render_failure
from proxy.dialects.gemini.requests_in import parse_request
from proxy.dialects.gemini.requests_out import render_request

CODEC = Codec(
    name="gemini",
    parse_request=parse_request,
    render_request=render_request,
    parse_answer=parse_answer,
    render_answer=render_answer,
    decoder=GeminiDecoder,
    encoder=GeminiEncoder,
    parse_failure=parse_failure,
    render_failure=render_failure,
)
