"""Answers in the client's dialect that are there as a whole: read, and ready to be sent once they are settled."""

import msgspec
from pointsman.contract import COST_HEADER

from proxy.call import Call
from proxy.dialects.openai.pieces import read_pieces
from proxy.dialects.openai.tap import without_usage
from proxy.dialects.reading import Reading
from proxy.dialects.taps import body_reader, stream_reader
from proxy.dialects.usage_only import read_usage
from proxy.errors import Headers
from proxy.stages.answer_head import doubt_credentials, read_headers, retry_headers, withhold
from proxy.upstream.attempt import Attempt
from proxy.wire.content import plain
from proxy.wire.sse import FRAME_ENDS, looks_streamed

_COST = COST_HEADER.encode()


class Whole(msgspec.Struct, frozen=True):
    """An answer that is there as a whole and has been read: to be sent once it is settled."""

    headers: Headers
    body: bytes
    is_stream: bool


def take_whole(call: Call, attempt: Attempt) -> Whole | None:
    """Of a complete answer in the client's dialect, without waiting; None for what `translate` has to look at.

    Raises RunRevoked when it is withheld.
    """
    headers, content_type, encoding = read_headers(call, attempt)
    if content_type.startswith(b"text/event-stream"):
        return None if encoding else _take_stream(call, attempt, headers)
    if not content_type.startswith(b"application/json") or (call.asked == "gemini" and call.head.stream is True):
        return None
    return read_whole(call, attempt, headers, encoding, attempt.take())


def _take_stream(call: Call, attempt: Attempt, headers: Headers) -> Whole | None:
    """None for one that is cut: what the client gets of it and what it costs is not for here."""
    pieces = attempt.take_pieces()
    found = read_pieces(pieces, hides_usage=call.strips_usage) if call.asked == "openai" else None
    found = found or _read_block(call, b"".join(pieces))
    if found is None:
        attempt.put_back(pieces)
        return None
    reading, out = found
    call.reading = reading
    if reading.has_begun:
        call.first_token_ns = call.shared.deps.clock.monotonic_ns()
    call.status = attempt.status
    call.keep_part(out)
    conclude_stream(call, reading)
    return Whole(headers, out, is_stream=True)


def _read_block(call: Call, block: bytes) -> tuple[Reading, bytes] | None:
    """As `read_pieces`, however it is cut and whatever is in it; None for one that is not complete."""
    reader = stream_reader(call.asked)()
    usage_only = reader.read(block)
    if not reader.reading.is_complete or not block.endswith(FRAME_ENDS):
        return None
    return reader.reading, without_usage(block, usage_only) if usage_only and call.strips_usage else block


def conclude_stream(call: Call, reading: Reading) -> None:
    """An error inside of a stream that began with 200: the client has it in its own dialect, the record says so."""
    call.succeed()
    if reading.error_code:
        call.outcome, call.error_code = "error", reading.error_code


def complete_headers(call: Call, whole: Whole) -> Headers:
    """With what is known only when the call is settled."""
    return [
        *whole.headers,
        (_COST, b"%d" % call.cost_nano_usd),
        (b"content-length", b"%d" % len(whole.body)),
    ]


def read_whole(call: Call, attempt: Attempt, headers: Headers, encoding: bytes, body: bytes) -> Whole:
    """Raises RunRevoked when the answer is withheld."""
    read = body_reader(call.asked) if call.where.operation == "generate" else read_usage
    text = plain(body, encoding)
    call.reading = _read_events(call, text) if looks_streamed(text) else read(text)
    withhold(call)
    call.status = attempt.status
    call.succeed()
    if attempt.status >= 400:
        call.outcome, call.error_code = "error", call.reading.error_code or f"status_{attempt.status}"
        headers.extend(retry_headers(call, attempt, text))
        doubt_credentials(call)
    call.keep_part(text)
    return Whole(headers, body, is_stream=False)


def _read_events(call: Call, text: bytes) -> Reading:
    """A stream that came under another type."""
    reader = stream_reader(call.asked)()
    reader.read(text)
    return reader.reading
