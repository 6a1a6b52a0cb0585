"""Anthropic's messages as a codec."""

from proxy.dialects.anthropic.answers import parse_answer, render_answer
from proxy.dialects.anthropic.decoder import AnthropicDecoder
from proxy.dialects.anthropic.encoder import AnthropicEncoder
from proxy.dialects.anthropic.failures import parse_failure, render_failure
from proxy.dialects.anthropic.requests_in import parse_request
from proxy.dialects.anthropic.requests_out import render_request
from proxy.dialects.codec import Codec

CODEC = Codec(
    name="anthropic",
    parse_request=parse_request,
    render_request=render_request,
    parse_answer=parse_answer,
    render_answer=render_answer,
    decoder=AnthropicDecoder,
    encoder=AnthropicEncoder,
    parse_failure=parse_failure,
    render_failure=render_failure,
)
