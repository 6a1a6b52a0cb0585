"""Count: how many tokens a request has, where its provider does not count them in the client's dialect: an estimate."""

import orjson
from pointsman.contract import REQUEST_ID_HEADER

from proxy.call import Call
from proxy.dialects.anthropic.count import estimate_tokens
from proxy.dialects.registry import codec
from proxy.stages.foreign import loaded
from proxy.stages.settle import settle

ESTIMATED_HEADER = b"x-pointsman-estimated"  # the member that says so is lost in Google's typed libraries


async def count(call: Call) -> None:
    """Answers without asking anybody, so it costs nothing. Raises InvalidRequest."""
    body = loaded(call.body)
    if call.dialect == "gemini":
        body = body.get("generateContentRequest") or body
    tokens = estimate_tokens(codec(call.dialect).parse_request(body, call.model, is_stream=False))
    name = "totalTokens" if call.dialect == "gemini" else "input_tokens"
    content = orjson.dumps({name: tokens})
    headers = [
        (b"content-type", b"application/json"),
        (REQUEST_ID_HEADER.encode(), call.call_id.encode()),
        (ESTIMATED_HEADER, b"true"),
        (b"content-length", b"%d" % len(content)),
    ]
    call.status, call.is_committed = 200, True
    call.succeed()
    call.keep_part(content)
    settle(call)
    await call.client.answer(200, headers, content)
