"""The answer of a translated call as a whole, or the error instead of it."""

from collections.abc import Iterable

import orjson
from pointsman.contract import COST_HEADER

from proxy.call import Call
from proxy.canonical.answer import Answer
from proxy.canonical.events import Event
from proxy.canonical.failure import Failure
from proxy.canonical.folding import fold
from proxy.dialects.event_tap import EventTap
from proxy.dialects.naming import as_written
from proxy.dialects.responses.encoder import ResponsesEncoder
from proxy.errors import Headers, amazon_headers
from proxy.stages.adapt import note
from proxy.stages.answer_head import foreign_headers, render_retry, withhold
from proxy.stages.conversation import keep
from proxy.stages.foreign import Foreign, make_encoder
from proxy.stages.settle import settle
from proxy.upstream.attempt import Attempt


async def answer_whole(call: Call, attempt: Attempt, foreign: Foreign, events: list[Event]) -> None:
    tap, events = EventTap(), list(as_written(events, foreign.names))
    call.reading = tap.reading
    for event in events:
        tap.take(event)
    folded = fold(events, call.asked)
    if isinstance(folded, Failure):
        await answer_failure(call, attempt, foreign, folded)
        return
    remember(call, folded)
    withhold(call)
    is_stream = call.head.stream is True
    body = _encode(call, foreign, events) if is_stream else _render(call, foreign, folded)
    if is_stream:
        call.first_token_ns = call.shared.deps.clock.monotonic_ns()
    call.succeed()
    note(call, foreign.opening.losses)
    await _send(call, attempt.status, foreign_headers(call, attempt), body, is_stream=is_stream)


def _encode(call: Call, foreign: Foreign, events: Iterable[Event]) -> bytes:
    encoder = make_encoder(call, foreign)
    body = b"".join([*map(encoder.encode, events), encoder.close()])
    keep_streamed(call, foreign)
    return body


def _render(call: Call, foreign: Foreign, answer: Answer) -> bytes:
    content = foreign.client.render_answer(answer, foreign.opening)
    if foreign.expanded is not None:
        keep(call, foreign.expanded, content)
    return orjson.dumps(content)


def keep_streamed(call: Call, foreign: Foreign) -> None:
    """The response that the client of a conversation now has."""
    if foreign.expanded is not None and isinstance(foreign.encoder, ResponsesEncoder):
        keep(call, foreign.expanded, foreign.encoder.response)


def remember(call: Call, answer: Answer) -> None:
    """What was signed and cannot stand in the client's dialect, before the client can come back with the next turn."""
    assert call.caller is not None  # noqa: S101 - identify has run
    call.shared.memory.remember(call.caller.owner, answer)


async def send_whole(call: Call, attempt: Attempt, body: bytes) -> None:
    """An answer that is there, in the client's dialect."""
    await _send(call, attempt.status, foreign_headers(call, attempt), body)


async def answer_failure(call: Call, attempt: Attempt, foreign: Foreign, failure: Failure) -> None:
    """The provider's error as the client's library expects it. Not thrown: it is an answer."""
    withhold(call)
    status, content = foreign.client.render_failure(failure, call.call_id)
    call.outcome, call.error_code = "error", failure.code or failure.kind
    if failure.kind == "truncated":
        call.outcome = "truncated"
    headers = foreign_headers(call, attempt)
    if not any(name == b"retry-after" for name, _ in headers):
        headers.extend(render_retry(failure.retry_after_seconds))
    if call.dialect == "bedrock":
        headers.extend(amazon_headers(content["__type"], call.call_id))
    await _send(call, status, headers, orjson.dumps(content))


async def _send(call: Call, status: int, headers: Headers, body: bytes, *, is_stream: bool = False) -> None:
    call.status = status
    call.keep_part(body)
    settle(call)
    content_type = stream_type(call) if is_stream else b"application/json"
    headers = [
        (b"content-type", content_type),
        *headers,
        (COST_HEADER.encode(), b"%d" % call.cost_nano_usd),
        (b"content-length", b"%d" % len(body)),
    ]
    call.is_committed = True
    await call.client.answer(status, headers, body)


def stream_type(call: Call) -> bytes:
    """Google's clients that do not ask for events get an array, Amazon's a binary stream."""
    if call.dialect == "bedrock":
        return b"application/vnd.amazon.eventstream"
    is_array = call.dialect == "gemini" and b"alt=sse" not in call.said.query
    return b"application/json" if is_array else b"text/event-stream; charset=utf-8"
