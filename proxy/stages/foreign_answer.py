"""The answer of a translated call as a whole, or the error instead of it."""

from collections.abc import Iterable

import orjson

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
from proxy.stages.whole import Whole, complete_headers
from proxy.upstream.attempt import Attempt

_JSON = b"application/json"


def make_whole(call: Call, attempt: Attempt, foreign: Foreign, events: list[Event]) -> Whole:
    """The answer that these events come to, or the error. Raises RunRevoked when it is withheld."""
    tap, events = EventTap(), list(as_written(events, foreign.names))
    call.reading = tap.reading
    for event in events:
        tap.take(event)
    folded = fold(events, call.asked)
    if isinstance(folded, Failure):
        return make_failure(call, attempt, foreign, folded)
    remember(call, folded)
    withhold(call)
    is_stream = call.head.stream is True
    body = _encode(call, foreign, events) if is_stream else _render(call, foreign, folded)
    if is_stream:
        call.first_token_ns = call.shared.deps.clock.monotonic_ns()
    call.succeed()
    note(call, foreign.opening.losses)
    content_type = stream_type(call) if is_stream else _JSON
    return _made(call, attempt.status, content_type, foreign_headers(call, attempt), body)


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
    await answer(call, _made(call, attempt.status, _JSON, foreign_headers(call, attempt), body))


def make_failure(call: Call, attempt: Attempt, foreign: Foreign, failure: Failure) -> Whole:
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
    return _made(call, status, _JSON, headers, orjson.dumps(content))


def _made(call: Call, status: int, content_type: bytes, headers: Headers, body: bytes) -> Whole:
    call.status = status
    call.keep_part(body)
    return Whole([(b"content-type", content_type), *headers], body, is_stream=False)


async def answer(call: Call, whole: Whole) -> None:
    settle(call)
    call.is_committed = True
    await call.client.answer(call.status, complete_headers(call, whole), whole.body)


def stream_type(call: Call) -> bytes:
    """Google's clients that do not ask for events get an array, Amazon's a binary stream."""
    if call.dialect == "bedrock":
        return b"application/vnd.amazon.eventstream"
    is_array = call.dialect == "gemini" and b"alt=sse" not in call.said.query
    return b"application/json" if is_array else b"text/event-stream; charset=utf-8"
