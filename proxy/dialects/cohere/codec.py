"""Cohere's chat, version 2, in both directions."""

from proxy.dialects.codec import Codec
from proxy.dialects.cohere.answers import parse_answer, render_answer
from proxy.dialects.cohere.decoder import CohereDecoder
from proxy.dialects.cohere.encoder import CohereEncoder
from proxy.dialects.cohere.failures import parse_failure, render_failure
from proxy.dialects.cohere.requests_in import parse_request
from proxy.dialects.cohere.requests_out import render_request

CODEC = Codec(
    name="cohere",
    parse_request=parse_request,
    render_request=render_request,
    parse_answer=parse_answer,
    render_answer=render_answer,
    decoder=CohereDecoder,
    encoder=CohereEncoder,
    parse_failure=parse_failure,
    render_failure=render_failure,
)
