"""Render: the bytes for the provider: the client's own, but for credentials and hop-by-hop headers."""

import orjson

from proxy.call import Call
from proxy.errors import InvalidRequest
from proxy.targets import DROPPED_PREFIXES
from proxy.upstream.origin import render_request
from proxy.wire.json_patch import replace_member


def render(call: Call) -> None:
    """Sets the upstream request. Raises InvalidRequest for a header that cannot be sent."""
    provider = call.provider
    assert provider is not None  # noqa: S101 - route has run
    target = call.target = call.shared.targets.find(provider, call.endpoint.removeprefix("/v1"), call.query)
    dropped = target.dropped
    connection = call.headers.get(b"connection")
    if connection is not None and connection.lower() not in {b"keep-alive", b"close"}:
        dropped = dropped.union(name.strip().lower() for name in connection.split(b","))
    headers = [
        header
        for header in call.sent_headers
        if header[0] not in dropped and not header[0].startswith(DROPPED_PREFIXES)
    ]
    try:
        call.request = render_request(target.prefix, headers, _render_body(call))
    except ValueError as cause:
        raise InvalidRequest(f"A header cannot be passed on: {cause}.") from cause


def _render_body(call: Call) -> bytes:
    body = call.body
    if call.model != call.head.model:  # asked for as 'provider/model'
        body = replace_member(body, "model", orjson.dumps(call.model))
    if call.dialect == "openai" and call.head.stream is True:
        body, call.strips_usage = ask_for_usage(body, call.head.stream_options)
    return body


def ask_for_usage(body: bytes, stream_options: object) -> tuple[bytes, bool]:
    """A streamed OpenAI request that asks for usage, and whether the client did not.

    https://platform.openai.com/docs/api-reference/chat/create#chat_create-stream_options (November 2026)
    """
    if isinstance(stream_options, dict):
        if stream_options.get("include_usage") is True:
            return body, False
        options = orjson.dumps({**stream_options, "include_usage": True})
    elif stream_options is None:
        options = b'{"include_usage":true}'
    else:
        return body, False  # the provider will say what is wrong with it
    return replace_member(body, "stream_options", options), True
