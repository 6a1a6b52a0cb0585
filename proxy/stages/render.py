"""Render: the bytes for the provider. In the client's own dialect they are the client's, else a translation.

Credentials and hop-by-hop headers stay here. A member of the body changes only where the provider cannot do otherwise.
"""

import orjson

from proxy.call import Call
from proxy.errors import Headers, InvalidRequest
from proxy.said import Said
from proxy.stages.adapt import adapt_text
from proxy.stages.conversation import continued_elsewhere
from proxy.stages.embed import render_embed
from proxy.stages.foreign import render_foreign
from proxy.targets import DROPPED_PREFIXES, Target
from proxy.upstream.origin import render_passed
from proxy.wire.head import render_headers
from proxy.wire.json_patch import replace_member
from proxy.wire.multipart import find_field


def render(call: Call) -> None:
    """Sets the upstream request. Raises InvalidRequest for what cannot be sent, NoCredentials, or NotYet.

    Who has waited after NotYet calls it again: nothing was sent, and what it has set is set anew.
    """
    provider, is_native = call.provider, call.asked == call.dialect
    assert provider is not None  # noqa: S101 - route has run
    target = call.target = call.shared.targets.find(
        provider,
        call.where,
        call.asked,
        call.said.query if is_native else b"",
        call.model,
        is_stream=call.head.stream is True,
        method=call.said.method,
    )
    if is_native and target.credentials is None:
        call.request = render_passed(target.prefix, _passed_lines(call.said, target), _render_body(call, target))
        return
    if is_native:
        headers, body = _passed_headers(call.said, target), _render_body(call, target)
    elif call.where.operation == "embed":
        headers, body = render_embed(call, target)
    else:
        headers, body = render_foreign(call, target)
    if target.credentials is not None:
        now_ns = call.shared.deps.clock.now_ns()
        headers = [*headers, *target.credentials.headers(target, call.said.method, body, now_ns)]
    call.request = render_passed(target.prefix, _lines(headers), body)


def _passed_lines(said: Said, target: Target) -> bytes:
    """The client's headers as they go on to this target; mostly the same as the last time."""
    if said.passed is None or said.passed[0] is not target:
        said.passed = target, _lines(_passed_headers(said, target))
    return said.passed[1]


def _lines(headers: Headers) -> bytes:
    try:
        return render_headers(headers) + b"\r\n" if headers else b""
    except ValueError as cause:
        raise InvalidRequest(f"A header cannot be passed on: {cause}.") from cause


def _passed_headers(said: Said, target: Target) -> Headers:
    dropped = target.dropped
    connection = said.headers.get(b"connection")
    if connection is not None and connection.lower() not in {b"keep-alive", b"close"}:
        dropped = dropped.union(name.strip().lower() for name in connection.split(b","))
    return [
        header
        for header in said.sent_headers
        if header[0] not in dropped and not header[0].startswith(DROPPED_PREFIXES)
    ]


def _render_body(call: Call, target: Target) -> bytes:
    body, known, is_answer = call.body, target.known, call.where.operation == "generate"
    if call.model != call.head.model and call.model:  # asked for as 'provider/model'
        body = _with_model(call, body)
    if call.head.stream is True and call.asked == "openai" and known.asks_for_usage and is_answer:
        body, call.strips_usage = ask_for_usage(body, call.head.stream_options)
    if call.asked == "responses" and is_answer:
        body = continued_elsewhere(call, body)
    if known.unsupported or target.quirks:
        return adapt_text(call, target, body)
    return body


def _with_model(call: Call, body: bytes) -> bytes:
    if call.asked in {"gemini", "bedrock"}:
        return body  # it stands in the path
    content_type = call.headers.get(b"content-type", b"")
    if content_type.startswith(b"multipart/form-data"):
        span = find_field(body, content_type, b"model")
        return body[: span[0]] + call.model.encode() + body[span[1] :] if span else body
    return replace_member(body, "model", orjson.dumps(call.model))


def ask_for_usage(body: bytes, stream_options: object) -> tuple[bytes, bool]:
    """A streamed OpenAI request that asks for usage, and whether the client did not.

    https://platform.openai.com/docs/api-reference/chat/create#chat_create-stream_options (November 2026)
    """
    if isinstance(stream_options, dict):
        if stream_options.get("include_usage") is True:
            return body, False
        options = orjson.dumps({**stream_options, "include_usage": True})
    elif stream_options is None and b'"stream_options"' not in body:
        return body.rstrip()[:-1] + b',"stream_options":{"include_usage":true}}', True  # after its model, at least
    elif stream_options is None:
        options = b'{"include_usage":true}'
    else:
        return body, False  # the provider will say what is wrong with it
    return replace_member(body, "stream_options", options), True
