"""A stream on its way from one dialect into another.

Nothing is sent before the first event that means something: until then an error has its proper status.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from proxy.bookkeeping import PROGRESS_NS, write_progress
from proxy.call import Call
from proxy.canonical.events import Event, Failed, StreamEnded, TextDelta
from proxy.canonical.failure import Failure
from proxy.dialects.event_tap import EventTap
from proxy.dialects.naming import as_written
from proxy.errors import ProxyError
from proxy.memory import SignatureCollector
from proxy.stages.answer_head import foreign_headers, withhold
from proxy.stages.foreign import Foreign, make_encoder
from proxy.stages.foreign_answer import answer_failure, keep_streamed, remember, stream_type
from proxy.stages.settle import settle
from proxy.upstream.attempt import Attempt
from proxy.wire.content import Decoder as Inflater

LONGEST_REST_SECONDS = 1.0


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
            await answer_failure(call, self._attempt, self._foreign, self._failure)
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
