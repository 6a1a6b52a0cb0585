"""OpenAI's chat completions, which many providers speak: the one door to this dialect."""

from proxy.dialects.codec import Codec
from proxy.dialects.openai.answers import parse_answer, render_answer
from proxy.dialects.openai.decoder import OpenAIDecoder
from proxy.dialects.openai.encoder import OpenAIEncoder
from proxy.dialects.openai.failures import parse_failure, render_failure
from proxy.dialects.openai.requests_in import parse_request
from proxy.dialects.openai.requests_out import render_request

CODEC = Codec(
    name="openai",
    parse_request=parse_request,
    render_request=render_request,
    parse_answer=parse_answer,
    render_answer=render_answer,
    decoder=OpenAIDecoder,
    encoder=OpenAIEncoder,
    parse_failure=parse_failure,
    render_failure=render_failure,
)
