"""A stream on its way from one dialect into another.

Nothing is sent before the first event that means something: until then an error has its proper status.
"""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import suppress

from proxy.bookkeeping import PROGRESS_NS, write_progress
from proxy.call import Call
from proxy.canonical.events import Event, Failed, StreamEnded, TextDelta
from proxy.canonical.failure import Failure
from proxy.dialects.event_tap import EventTap
from proxy.dialects.naming import as_written
from proxy.errors import Headers, ProxyError
from proxy.memory import SignatureCollector
from proxy.stages.answer_head import foreign_headers, withhold
from proxy.stages.foreign import Foreign, make_encoder
from proxy.stages.foreign_answer import answer, keep_streamed, make_failure, remember, stream_type
from proxy.stages.settle import settle
from proxy.stages.whole import Whole
from proxy.upstream.attempt import Attempt
from proxy.wire.content import Decoder as Inflater

LONGEST_REST_SECONDS = 1.0
MOST_PIECES = 8  # of one text in one read of the provider: beyond it, it was not written to be watched


class Relay:
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
        call, clock, reading = self._call, self._call.shared.deps.clock, self._tap.reading
        while part := await self._attempt.next():
            self._take(self._decoder.feed(self._inflater.feed(part) if self._inflater else part))
            if not call.first_token_ns and reading.has_begun:
                call.first_token_ns = clock.monotonic_ns()
            if self._is_over or self._attempt.is_complete:
                break
            if self._tap.has_begun and self._held:
                await self._write()
            now_ns = clock.monotonic_ns()
            if now_ns - call.progress_ns >= PROGRESS_NS:
                write_progress(call, now_ns)
        await self._close()

    def take_whole(self, data: bytes) -> Whole:
        """All of a stream that is there. Raises RunRevoked when it is withheld."""
        call, reading = self._call, self._tap.reading
        self._take(self._decoder.feed(data))
        if not self._is_over:
            self._take(self._decoder.close())
        if self._failure is not None and not self._tap.has_begun:
            return make_failure(call, self._attempt, self._foreign, self._failure)
        withhold(call)
        if reading.has_begun:
            call.first_token_ns = call.shared.deps.clock.monotonic_ns()
        call.status = self._attempt.status
        out = self._last_part()
        self._conclude(out)
        return Whole(self._headers(), out, is_stream=True)

    def _take(self, events: Iterable[Event]) -> None:
        for event in as_written(joined(events), self._foreign.names):
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
            await answer(call, make_failure(call, self._attempt, self._foreign, self._failure))
            return
        out = self._last_part()
        if not call.is_committed:
            withhold(call)
            await self._commit()
        self._conclude(out)
        settle(call)
        await call.client.end(out)
        await self._read_rest()

    def _last_part(self) -> bytes:
        return b"".join([*self._held, self._encoder.close()])

    async def _read_rest(self) -> None:
        """The end of HTTP comes right after the terminal event. Read to it, the connection serves the next call."""
        if self._attempt.is_complete:
            return
        with suppress(ProxyError, TimeoutError):
            async with asyncio.timeout(LONGEST_REST_SECONDS):
                while await self._attempt.next():
                    pass

    async def _commit(self) -> None:
        call = self._call
        call.is_committed, call.status = True, self._attempt.status
        await call.client.start(self._attempt.status, self._headers())

    def _headers(self) -> Headers:
        headers = foreign_headers(self._call, self._attempt)
        return [*headers, (b"content-type", stream_type(self._call)), (b"cache-control", b"no-cache")]

    def _conclude(self, out: bytes) -> None:
        """`out` is its last part."""
        call, failure = self._call, self._failure
        call.keep_part(out)
        remember(call, self._collector.answer)
        keep_streamed(call, self._foreign)
        call.succeed()
        if failure is not None:
            call.outcome = "truncated" if failure.kind == "truncated" else "error"
            call.error_code = failure.code or failure.kind


def joined(events: Iterable[Event]) -> Iterator[Event]:
    """Many pieces of one text that came together as one: each costs as much to write as all of them.

    A few are left as they came: a client may show them one after the other.
    """
    run: list[TextDelta] = []
    for event in events:
        if type(event) is not TextDelta:
            yield from _as_one(run)
            yield event
            run = []
        elif run and (event.part != run[0].part or event.choice != run[0].choice):
            yield from _as_one(run)
            run = [event]
        else:
            run.append(event)
    yield from _as_one(run)


def _as_one(run: list[TextDelta]) -> list[TextDelta]:
    if len(run) <= MOST_PIECES:
        return run
    return [TextDelta(run[0].part, "".join([piece.text for piece in run]), run[0].choice)]
