"""Receive: the bytes of the request, no more of them than we are willing to hold."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from pointsman.contract import ErrorCode

from proxy.call import Call
from proxy.errors import ClientLeft, InvalidRequest

Receive = Callable[[], Awaitable[Any]]


def check_head(call: Call) -> None:
    """Raises InvalidRequest for a body that we shall not read: 413 too large, 415 compressed."""
    limits = call.shared.deps.limits
    length = call.headers.get(b"content-length", b"0")
    if len(length) > 18 or int(length) > limits.body_bytes or len(call.body) > limits.body_bytes:
        raise _too_large(limits.body_bytes)
    encoding = call.headers.get(b"content-encoding")
    if encoding is not None and encoding.lower() != b"identity":
        raise InvalidRequest("The request is compressed. Send it without a content-encoding.", status=415)


async def receive(call: Call, source: Receive) -> None:
    """Reads the body. Raises InvalidRequest (413 too large, 408 too slow), ClientLeft or RunRevoked."""
    message = await source()
    if message["type"] == "http.disconnect":
        raise ClientLeft
    call.body = message["body"]
    if message["more_body"]:
        await _receive_rest(call, source)


async def _receive_rest(call: Call, source: Receive) -> None:
    limits = call.shared.deps.limits
    parts, size, has_more = [call.body], len(call.body), True
    try:
        async with asyncio.timeout(limits.receive_seconds):
            while has_more:
                message = await source()
                if message["type"] == "http.disconnect":
                    raise ClientLeft
                parts.append(message["body"])
                size += len(message["body"])
                if size > limits.body_bytes:
                    raise _too_large(limits.body_bytes)
                has_more = message["more_body"]
    except TimeoutError as cause:
        raise InvalidRequest("The request's body did not arrive in time.", status=408) from cause
    call.body = b"".join(parts)
    call.caller = call.shared.callers.find(call.headers, call.policy)  # a long upload must not outlive its run


def _too_large(limit: int) -> InvalidRequest:
    return InvalidRequest(
        f"The request is larger than {limit // 1024 // 1024} MiB. Send less, or refer to files by their id.",
        status=413,
        code=ErrorCode.REQUEST_TOO_LARGE,
        headers={"connection": "close"},
    )
