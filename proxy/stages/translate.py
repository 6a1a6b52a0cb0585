"""Translate: the provider's answer to the client. Both speak one dialect, so the same bytes, read as they pass."""

from pointsman.contract import COST_HEADER, REQUEST_ID_HEADER, SIMULATED_HEADER

from proxy.bookkeeping import PROGRESS_NS, write_progress
from proxy.call import Call
from proxy.dialects.anthropic.tap import AnthropicStreamReader, read_anthropic_body
from proxy.dialects.openai.tap import OpenAIStreamReader, read_openai_body, without_usage
from proxy.dialects.reading import StreamReader
from proxy.errors import Headers, UpstreamCut
from proxy.stages.settle import settle
from proxy.upstream.attempt import Attempt
from proxy.wire.content import Decoder, plain
from proxy.wire.sse import FrameCutter

# Hop-by-hop, what the server adds itself, and cookies of the provider's own front, which are not the client's business.
_DROPPED = frozenset(
    name.encode()
    for name in (
        "connection", "keep-alive", "transfer-encoding", "content-length", "trailer", "upgrade", "date", "server",
        "set-cookie", "alt-svc", "proxy-authenticate", REQUEST_ID_HEADER, SIMULATED_HEADER, COST_HEADER,
    )
)  # fmt: skip
_REQUEST_ID = REQUEST_ID_HEADER.encode()
_UPSTREAM_REQUEST_ID = b"x-pointsman-upstream-request-id"


async def translate(call: Call) -> None:
    """Passes the answer on, whole or streamed. Raises UpstreamFault when it is cut, RunRevoked when it is withheld."""
    attempt = call.attempt
    assert attempt is not None  # noqa: S101 - send has run
    try:
        headers, content_type, encoding = _read_headers(call, attempt)
        if content_type.startswith(b"text/event-stream"):
            await _Relay(call, attempt, headers, encoding).run()
        else:
            await _pass_whole(call, attempt, headers, encoding)
    finally:
        attempt.release()


async def _pass_whole(call: Call, attempt: Attempt, headers: Headers, encoding: bytes) -> None:
    body = await attempt.read()
    read = read_anthropic_body if call.dialect == "anthropic" else read_openai_body
    text = plain(body, encoding)
    call.reading = read(text)
    _withhold(call)
    call.status = attempt.status
    call.succeed()
    if attempt.status >= 400:
        call.outcome, call.error_code = "error", call.reading.error_code or f"status_{attempt.status}"
    call.keep_part(text)
    settle(call)
    headers.append((COST_HEADER.encode(), b"%d" % call.cost_nano_usd))
    headers.append((b"content-length", b"%d" % len(body)))
    call.is_committed = True
    await call.client.answer(attempt.status, headers, body)


def _withhold(call: Call) -> None:
    """Raises RunRevoked when the answer is not for this client any more: paid, and kept if others may wait for it."""
    assert call.caller is not None  # noqa: S101 - identify has run
    if not call.is_detached and (error := call.shared.fence.withholds(call.caller)) is not None:
        raise error


class _Relay:
    """A stream on its way. What goes out ends at a frame's end, so that a cut never leaves half a frame behind."""

    def __init__(self, call: Call, attempt: Attempt, headers: Headers, encoding: bytes) -> None:
        self._call = call
        self._attempt = attempt
        self._headers = headers
        self._cutter = FrameCutter()
        self._reader: StreamReader = AnthropicStreamReader() if call.dialect == "anthropic" else OpenAIStreamReader()
        self._decoder = Decoder(encoding) if encoding not in {b"", b"identity"} else None
        call.reading = self._reader.reading
        call.progress_ns = call.answered_ns

    async def run(self) -> None:
        call, clock = self._call, self._call.shared.deps.clock
        while part := await self._attempt.next():
            out = self._feed(part)
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
            self._conclude()
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
            self._conclude()
            settle(call)
        await call.client.end(out)

    async def _commit(self) -> None:
        call = self._call
        call.is_committed, call.status = True, self._attempt.status
        await call.client.start(self._attempt.status, self._headers)

    def _conclude(self) -> None:
        """An error inside of a stream that began with 200: the client has it in its own dialect, the record says so."""
        self._call.succeed()
        if self._reader.reading.error_code:
            self._call.outcome, self._call.error_code = "error", self._reader.reading.error_code


def _read_headers(call: Call, attempt: Attempt) -> tuple[Headers, bytes, bytes]:
    """The headers for the client, and the answer's content type and encoding."""
    headers: Headers = []
    content_type = encoding = b""
    for header in attempt.headers:
        name, value = header
        if name not in _DROPPED:
            headers.append(header)
            if name == b"content-type":
                content_type = value
            elif name == b"content-encoding":
                encoding = value.strip().lower()
        elif name == _REQUEST_ID:
            headers.append((_UPSTREAM_REQUEST_ID, value))
    headers.append((_REQUEST_ID, call.call_id.encode()))
    if call.provider is not None and call.provider.is_simulated:
        headers.append((SIMULATED_HEADER.encode(), b"true"))
    return headers, content_type, encoding
