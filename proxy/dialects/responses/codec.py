"""The Responses API in both directions.

It keeps nothing: `previous_response_id` and `item_reference` are resolved by `proxy/conversations.py` before.
"""

from proxy.dialects.codec import Codec
from proxy.dialects.responses.answers import parse_answer, render_answer
from proxy.dialects.responses.decoder import ResponsesDecoder
from proxy.dialects.responses.encoder import ResponsesEncoder
from proxy.dialects.responses.failures import parse_failure, render_failure
from proxy.dialects.responses.requests_in import parse_request
from proxy.dialects.responses.requests_out import render_request

CODEC = Codec(
    name="responses",
    parse_request=parse_request,
    render_request=render_request,
    parse_answer=parse_answer,
    render_answer=render_answer,
    decoder=ResponsesDecoder,
    encoder=ResponsesEncoder,
    parse_failure=parse_failure,
    render_failure=render_failure,
)
