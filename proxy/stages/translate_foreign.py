"""Translate, between dialects: whole or streamed, and errors.

Nothing is sent before the first event that means something: until then an error is answered with its proper status.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import orjson
from pointsman.contract import COST_HEADER

from proxy.bookkeeping import PROGRESS_NS, write_progress
from proxy.call import Call
from proxy.canonical.answer import Answer
from proxy.canonical.events import Event, Failed, StreamEnded, TextDelta
from proxy.canonical.failure import Failure
from proxy.canonical.folding import fold, unfold
from proxy.dialects.event_tap import EventTap
from proxy.dialects.naming import as_written
from proxy.dialects.responses.encoder import ResponsesEncoder
from proxy.errors import Headers, ProxyError, UpstreamFault, amazon_headers
from proxy.memory import SignatureCollector
from proxy.stages.adapt import note
from proxy.stages.answer_head import foreign_headers, headers_as_text, render_retry, withhold
from proxy.stages.conversation import keep
from proxy.stages.foreign import Foreign, make_encoder
from proxy.stages.settle import settle
from proxy.upstream.attempt import Attempt
from proxy.wire.content import Decoder as Inflater
from proxy.wire.content import plain

LONGEST_REST_SECONDS = 1.0

_STREAMS = (b"text/event-stream", b"application/vnd.amazon.eventstream")


async def translate_foreign(call: Call, attempt: Attempt, foreign: Foreign) -> None:
    """Answers in the client's dialect. Raises UpstreamFault when it is cut, RunRevoked when it is withheld."""
    said = dict(attempt.headers)
    is_streamed = said.get(b"content-type", b"").startswith(_STREAMS)
    encoding = said.get(b"content-encoding", b"").strip().lower()
    if attempt.status >= 400:
        body = plain(await attempt.read(), encoding)
        failure = foreign.provider.parse_failure(attempt.status, headers_as_text(attempt.headers), body)
        await _answer_failure(call, attempt, foreign, failure)
    elif is_streamed and call.head.stream is True:
        await _Relay(call, attempt, foreign, encoding).run()
    else:
        body = plain(await attempt.read(), encoding)
        events = _decode(foreign, body) if is_streamed else _parse_whole(foreign, attempt, body)
        await _answer_whole(call, attempt, foreign, events)


def _decode(foreign: Foreign, body: bytes) -> list[Event]:
    decoder = foreign.provider.decoder()
    return [*decoder.feed(body), *decoder.close()]


def _parse_whole(foreign: Foreign, attempt: Attempt, body: bytes) -> list[Event]:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as cause:
        raise UpstreamFault(f"Provider {attempt.provider!r} answered with something that is not JSON.") from cause
    if _is_error(content):
        failure = foreign.provider.parse_failure(attempt.status, headers_as_text(attempt.headers), body)
        failure.status = 0  # that it came with says nothing
        return [Failed(failure)]
    return list(unfold(foreign.provider.parse_answer(content)))


def _is_error(content: Any) -> bool:
    """An error that came with status 200: nothing else stands beside it."""
    first = content[0] if isinstance(content, list) and content else content
    if not isinstance(first, dict):
        return True
    answers = ("choices", "content", "candidates", "output", "message", "promptFeedback")
    return not any(first.get(name) for name in answers) and (bool(first.get("error")) or first.get("type") == "error")


async def _answer_whole(call: Call, attempt: Attempt, foreign: Foreign, events: list[Event]) -> None:
    tap, events = EventTap(), list(as_written(events, foreign.names))
    call.reading = tap.reading
    for event in events:
        tap.take(event)
    folded = fold(events, call.asked)
    if isinstance(folded, Failure):
        await _answer_failure(call, attempt, foreign, folded)
        return
    remember(call, folded)
    withhold(call)
    is_stream = call.head.stream is True
    body = _encode(call, foreign, events) if is_stream else _render(call, foreign, folded)
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


async def _answer_failure(call: Call, attempt: Attempt, foreign: Foreign, failure: Failure) -> None:
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
    is_array = call.dialect == "gemini" and b"alt=sse" not in call.query
    return b"application/json" if is_array else b"text/event-stream; charset=utf-8"


class _Relay:
    """A stream on its way from one dialect into another: whole frames go out, and its end decides the outcome."""

    def __init__(self, call: Call, attempt: Attempt, foreign: Foreign, encoding: bytes) -> None:
        self._call = call
        self._attempt = attempt
        self._foreign = foreign
        self._inflater = Inflater(encoding) if encoding not in {b"", b"identity"} else None
        self._decoder = foreign.provider.decoder()
        self._encoder = make_encoder(call, foreign)
        self._tap = EventTap()
        self._collector = SignatureCollector(call.asked)
        self._held: list[bytes] = []
        self._failure: Failure | None = None
        self._text_part = -1
        self._is_over = False
        call.reading = self._tap.reading
        call.progress_ns = call.answered_ns

    async def run(self) -> None:
        call, clock = self._call, self._call.shared.deps.clock
        while part := await self._attempt.next():
            self._take(self._decoder.feed(self._inflater.feed(part) if self._inflater else part))
            if self._is_over or self._attempt.is_complete:
                break
            if self._tap.has_begun and self._held:
                await self._write()
            now_ns = clock.monotonic_ns()
            if now_ns - call.progress_ns >= PROGRESS_NS:
                write_progress(call, now_ns)
        await self._close()

    def _take(self, events: Iterable[Event]) -> None:
        for event in as_written(events, self._foreign.names):
            self._tap.take(event)
            if type(event) is not TextDelta or event.part != self._text_part:  # most are more of the same text
                self._take_rare(event)
            if out := self._encoder.encode(event):
                self._held.append(out)
            if self._is_over:
                return

    def _take_rare(self, event: Event) -> None:
        self._collector.take(event)
        if type(event) is TextDelta:
            self._text_part = event.part
        elif isinstance(event, Failed):
            self._failure, self._is_over = event.failure, True
        elif isinstance(event, StreamEnded):
            self._is_over = True

    async def _write(self) -> None:
        call, out = self._call, b"".join(self._held)
        self._held.clear()
        if not call.is_committed:
            await self._commit()
        call.keep_part(out)
        await call.client.write(out)

    async def _close(self) -> None:
        call = self._call
        if not self._is_over:
            self._take(self._decoder.close())
        if self._failure is not None and not self._tap.has_begun:  # however the bytes were cut
            await _answer_failure(call, self._attempt, self._foreign, self._failure)
            return
        self._held.append(self._encoder.close())
        out = b"".join(self._held)
        if not call.is_committed:
            withhold(call)
            await self._commit()
        call.keep_part(out)
        remember(call, self._collector.answer)
        keep_streamed(call, self._foreign)
        self._conclude()
        settle(call)
        await call.client.end(out)
        await self._read_rest()

    async def _read_rest(self) -> None:
        """The end of HTTP comes right after the terminal event. Read to it, the connection serves the next call."""
        with suppress(ProxyError, TimeoutError):
            async with asyncio.timeout(LONGEST_REST_SECONDS):
                while await self._attempt.next():
                    pass

    async def _commit(self) -> None:
        call = self._call
        call.is_committed, call.status = True, self._attempt.status
        headers = foreign_headers(call, self._attempt)
        headers += [(b"content-type", stream_type(call)), (b"cache-control", b"no-cache")]
        await call.client.start(self._attempt.status, headers)

    def _conclude(self) -> None:
        call, failure = self._call, self._failure
        call.succeed()
        if failure is not None:
            call.outcome = "truncated" if failure.kind == "truncated" else "error"
            call.error_code = failure.code or failure.kind
