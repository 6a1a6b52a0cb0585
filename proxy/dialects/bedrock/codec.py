"""Bedrock's Converse and ConverseStream, in both directions."""

from proxy.dialects.bedrock.answers import parse_answer, render_answer
from proxy.dialects.bedrock.decoder import BedrockDecoder
from proxy.dialects.bedrock.encoder import BedrockEncoder
from proxy.dialects.bedrock.failures import parse_failure, render_failure
from proxy.dialects.bedrock.requests_in import parse_request
from proxy.dialects.bedrock.requests_out import render_request
from proxy.dialects.codec import Codec

CODEC = Codec(
    name="bedrock",
    parse_request=parse_request,
    render_request=render_request,
    parse_answer=parse_answer,
    render_answer=render_answer,
    decoder=BedrockDecoder,
    encoder=BedrockEncoder,
    parse_failure=parse_failure,
    render_failure=render_failure,
)
