"""AWS's binary event stream: where a message ends, and what is in it.

A message: its length and that of its headers (big-endian, four bytes each), the CRC-32 of these eight bytes, headers,
payload, and the CRC-32 of all that stands before it. A header: the name behind its length in one byte, one byte for
the type, the value. https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html describes it;
https://smithy.io/2.0/aws/amazon-eventstream.html (November 2026) is the specification.
"""

import struct
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from uuid import UUID
from zlib import crc32

import msgspec

HeaderValue = bool | int | bytes | str | datetime | UUID
Headers = Mapping[str, HeaderValue]

_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_OVERHEAD = _PRELUDE.size + _CRC.size
# The SDKs' own limits (botocore.eventstream, November 2026): what is larger is not this format.
LONGEST_HEADERS = 128 * 1024
LONGEST_PAYLOAD = 24 * 1024**2
LONGEST_REMEMBERED = 256  # bytes of headers

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRUE, _FALSE, _BYTES, _STRING, _TIMESTAMP, _UUID = 0, 1, 6, 7, 8, 9
_INTEGERS = {2: struct.Struct(">b"), 3: struct.Struct(">h"), 4: struct.Struct(">i"), 5: struct.Struct(">q")}
_LONG = _INTEGERS[5]


class BrokenFraming(ValueError):  # noqa: N818 - it says what is broken, as the proxy's other errors do
    """The bytes are no event stream, or were changed on their way: nothing after them can be trusted."""


class AwsMessage(msgspec.Struct, frozen=True):
    """One message. `kind` is its `:message-type` (event, exception, error), `name` that event's or exception's type."""

    headers: Headers
    payload: bytes

    @property
    def kind(self) -> str:
        return str(self.headers.get(":message-type", "event"))

    @property
    def name(self) -> str:
        headers = self.headers
        return str(headers.get(":event-type") or headers.get(":exception-type") or headers.get(":error-code") or "")


class MessageCutter:
    """Bytes in any cut → whole messages."""

    __slots__ = ("_needed", "_rest")

    def __init__(self) -> None:
        self._rest = bytearray()
        self._needed = _PRELUDE.size  # less than this is no message yet: a long one is looked at once it is whole

    @property
    def is_inside(self) -> bool:
        """A message has begun whose end did not come."""
        return bool(self._rest)

    def feed(self, data: bytes) -> Iterator[AwsMessage]:
        """The messages that these bytes complete. Raises BrokenFraming where the first broken one stands."""
        rest = self._rest
        rest += data
        if len(rest) < self._needed:
            return
        block, start = bytes(rest), 0
        self._needed = _PRELUDE.size
        try:
            while len(block) - start >= _PRELUDE.size:
                length, headers_length = _check_prelude(block, start)
                end = start + length
                if end > len(block):
                    self._needed = length
                    break
                message = _parse_message(block, start, end, headers_length)
                start = end
                yield message
        finally:
            del rest[:start]


class BlockCutter:
    """Lets whole messages through, as `FrameCutter` does events. What comes out, joined, is what went in.

    From where the framing is broken everything passes at once: whoever reads it will say so.
    """

    __slots__ = ("_needed", "_rest")

    def __init__(self) -> None:
        self._rest = bytearray()
        self._needed = _PRELUDE.size

    def feed(self, chunk: bytes) -> bytes:
        rest = self._rest
        rest += chunk
        if len(rest) < self._needed:
            return b""
        self._needed, end = _PRELUDE.size, 0
        while len(rest) - end >= _PRELUDE.size:
            length = _PRELUDE.unpack_from(rest, end)[0]
            if not _OVERHEAD <= length <= LONGEST_HEADERS + LONGEST_PAYLOAD + _OVERHEAD:
                end = len(rest)
                break
            if length > len(rest) - end:
                self._needed = length
                break
            end += length
        block = bytes(rest[:end])
        del rest[:end]
        return block

    def close(self) -> bytes:
        """What stands after the last whole message: nothing, unless the stream was cut."""
        rest = bytes(self._rest)
        self._rest.clear()
        return rest


def _check_prelude(block: bytes, start: int) -> tuple[int, int]:
    length, headers_length, checksum = _PRELUDE.unpack_from(block, start)
    if crc32(block[start : start + _PRELUDE.size - _CRC.size]) != checksum:
        raise BrokenFraming("The checksum of a message's prelude is wrong.")
    if headers_length > LONGEST_HEADERS or not 0 <= length - headers_length - _OVERHEAD <= LONGEST_PAYLOAD:
        raise BrokenFraming(f"A message claims {length} bytes, {headers_length} of them headers.")
    return length, headers_length


def _parse_message(block: bytes, start: int, end: int, headers_length: int) -> AwsMessage:
    end -= _CRC.size
    if crc32(block[start:end]) != _CRC.unpack_from(block, end)[0]:
        raise BrokenFraming("The checksum of a message is wrong.")
    start += _PRELUDE.size
    split = start + headers_length
    parse = _remembered_headers if headers_length <= LONGEST_REMEMBERED else _parse_headers
    return AwsMessage(parse(block[start:split]), block[split:end])


def _parse_headers(data: bytes) -> Headers:
    headers: dict[str, HeaderValue] = {}
    at = 0
    try:
        while at < len(data):
            start = at + 1
            at = start + data[at]
            name = data[start:at].decode()
            headers[name], at = _parse_value(data, data[at], at + 1)
    except (IndexError, struct.error, ValueError, OverflowError) as error:
        raise BrokenFraming("The headers of a message cannot be read.") from error
    return MappingProxyType(headers)


# A stream says the same headers over and over.
_remembered_headers = lru_cache(maxsize=128)(_parse_headers)


def _parse_value(data: bytes, kind: int, at: int) -> tuple[HeaderValue, int]:
    """The value, and where it ends."""
    if kind in {_STRING, _BYTES}:
        start = at + 2
        end = start + int.from_bytes(data[at:start], "big")
        value = data[start:end]
        if len(value) != end - start:
            raise BrokenFraming("A header ends before its value does.")
        return (value.decode() if kind == _STRING else value), end
    if kind in {_TRUE, _FALSE}:
        return kind == _TRUE, at
    if integer := _INTEGERS.get(kind):
        return integer.unpack_from(data, at)[0], at + integer.size
    if kind == _TIMESTAMP:
        return _EPOCH + timedelta(milliseconds=_LONG.unpack_from(data, at)[0]), at + _LONG.size
    if kind == _UUID:
        return UUID(bytes=data[at : at + 16]), at + 16
    raise BrokenFraming(f"A header is of the unknown type {kind}.")


def render_message(headers: Headers, payload: bytes) -> bytes:
    """One message. A whole number becomes a long."""
    rendered = b"".join(_render_header(name, value) for name, value in headers.items())
    lengths = struct.pack(">II", len(rendered) + len(payload) + _OVERHEAD, len(rendered))
    message = lengths + _CRC.pack(crc32(lengths)) + rendered + payload
    return message + _CRC.pack(crc32(message))


def _render_header(name: str, value: HeaderValue) -> bytes:
    named = bytes([len(name.encode())]) + name.encode()
    if isinstance(value, bool):
        return named + bytes([_TRUE if value else _FALSE])
    if isinstance(value, int):
        return named + b"\x05" + _LONG.pack(value)
    if isinstance(value, datetime):
        return named + bytes([_TIMESTAMP]) + _LONG.pack((value - _EPOCH) // timedelta(milliseconds=1))
    if isinstance(value, UUID):
        return named + bytes([_UUID]) + value.bytes
    kind, content = (_STRING, value.encode()) if isinstance(value, str) else (_BYTES, value)
    return named + bytes([kind]) + len(content).to_bytes(2, "big") + content
