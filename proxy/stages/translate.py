"""Translate: the provider's answer to the client. Where both speak one dialect the same bytes, read as they pass."""

from typing import Protocol

from proxy.bookkeeping import PROGRESS_NS, write_progress
from proxy.call import Call
from proxy.dialects.openai.tap import without_usage
from proxy.dialects.reading import StreamReader
from proxy.dialects.taps import stream_reader
from proxy.dialects.usage_only import UsageReader
from proxy.errors import Headers, UpstreamCut
from proxy.stages.answer_head import read_headers
from proxy.stages.pass_bytes import pass_bytes
from proxy.stages.settle import settle
from proxy.stages.translate_foreign import translate_foreign
from proxy.stages.whole import complete_headers, conclude_stream, read_whole
from proxy.upstream.attempt import Attempt
from proxy.wire.aws_events import BlockCutter
from proxy.wire.content import Decoder
from proxy.wire.json_array import ElementCutter
from proxy.wire.sse import FrameCutter


class Cutter(Protocol):
    """Lets what is whole through, keeps the rest back."""

    def feed(self, chunk: bytes) -> bytes: ...

    def close(self) -> bytes: ...


async def translate(call: Call) -> None:
    """Passes the answer on, whole or streamed. Raises UpstreamFault when it is cut, RunRevoked when it is withheld."""
    attempt = call.attempt
    assert attempt is not None  # noqa: S101 - send has run
    try:
        if call.foreign is not None:
            await translate_foreign(call, attempt, call.foreign)
            return
        headers, content_type, encoding = read_headers(call, attempt)
        if content_type.startswith(b"text/event-stream"):
            await _Relay(call, attempt, headers, encoding).run()
        elif content_type.startswith(b"application/vnd.amazon.eventstream"):
            await _Relay(call, attempt, headers, encoding, BlockCutter()).run()
        elif call.where.operation == "other" and b"json" not in content_type:
            await pass_bytes(call, attempt, headers)
        elif call.asked == "gemini" and call.head.stream is True and attempt.status < 400:
            await _Relay(call, attempt, headers, encoding, ElementCutter()).run()
        else:
            await _pass_whole(call, attempt, headers, encoding)
    finally:
        attempt.release()


async def _pass_whole(call: Call, attempt: Attempt, headers: Headers, encoding: bytes) -> None:
    body = await attempt.read()
    whole = read_whole(call, attempt, headers, encoding, body)
    settle(call)
    call.is_committed = True
    await call.client.answer(attempt.status, complete_headers(call, whole), body)


class _Relay:
    """A stream on its way. What goes out ends at a frame's end, so that a cut never leaves half a frame behind."""

    def __init__(
        self, call: Call, attempt: Attempt, headers: Headers, encoding: bytes, cutter: Cutter | None = None
    ) -> None:
        self._call = call
        self._attempt = attempt
        self._headers = headers
        self._cutter = cutter or FrameCutter()
        is_answer = call.where.operation == "generate"
        self._reader: StreamReader = stream_reader(call.asked)() if is_answer else UsageReader()
        self._decoder = Decoder(encoding) if encoding not in {b"", b"identity"} else None
        call.reading = self._reader.reading
        call.progress_ns = call.answered_ns

    async def run(self) -> None:
        call, clock, reading = self._call, self._call.shared.deps.clock, self._reader.reading
        while part := await self._attempt.next():
            out = self._feed(part)
            if not call.first_token_ns and reading.has_begun:
                call.first_token_ns = clock.monotonic_ns()
            if self._attempt.is_complete:  # its end came with this part: so goes ours, in one write
                await self._close(out)
                return
            if out:
                await self._write(out)
            now_ns = clock.monotonic_ns()
            if now_ns - call.progress_ns >= PROGRESS_NS and not call.is_settled:
                write_progress(call, now_ns)
        await self._close(b"")

    def _feed(self, part: bytes) -> bytes:
        """What of the stream may go out now."""
        if self._decoder is not None:  # compressed although we asked for plain: it passes as it is, we read a copy
            self._reader.read(self._cutter.feed(self._decoder.feed(part)))
            return part
        block = self._cutter.feed(part)
        usage_only = self._reader.read(block)
        return without_usage(block, usage_only) if usage_only and self._call.strips_usage else block

    async def _write(self, out: bytes) -> None:
        call, reading = self._call, self._reader.reading
        if not call.is_committed:
            await self._commit()
        call.keep_part(out)
        if reading.is_complete and not call.is_settled:
            conclude_stream(call, reading)
            settle(call)
        await call.client.write(out)

    async def _close(self, out: bytes) -> None:
        """The provider's stream ended as HTTP; whether it is whole, its own last event says. `out` is still to go."""
        call, reading = self._call, self._reader.reading
        rest = self._cutter.close()
        if rest:
            self._reader.read(rest)
        if not (reading.is_complete or reading.stop_reason or reading.error_code):
            if out:
                await self._write(out)
            raise UpstreamCut(f"Provider {self._attempt.provider!r} ended its stream without its last event.")
        if self._decoder is None:
            out += rest
        if not call.is_committed:
            await self._commit()
        if not call.is_settled:
            call.keep_part(out)
            conclude_stream(call, reading)
            settle(call)
        await call.client.end(out)

    async def _commit(self) -> None:
        call = self._call
        call.is_committed, call.status = True, self._attempt.status
        await call.client.start(self._attempt.status, self._headers)
