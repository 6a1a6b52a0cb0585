"""The published vectors are those of the AWS SDKs: aws-c-event-stream, tests (Apache-2.0)."""

import struct
from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.dialects.bedrock.lines import as_lines, from_lines
from proxy.readable import read_answer
from proxy.wire.aws_events import AwsMessage, BlockCutter, BrokenFraming, MessageCutter, render_message

NO_HEADERS_NO_PAYLOAD = bytes.fromhex("000000100000000005c248eb7d98c8ff")
PAYLOAD_ONLY = bytes.fromhex("0000001d00000000fd528c5a") + b"{'foo':'bar'}" + bytes.fromhex("c3653936")
ONE_INT32_HEADER = (
    bytes.fromhex("0000002d0000001041c424b8") + b"\x0aevent-type\x04" + bytes.fromhex("0000a00c")
    + b"{'foo':'bar'}" + bytes.fromhex("36f480a0")
)  # fmt: skip

EVENT = {":message-type": "event", ":event-type": "contentBlockDelta", ":content-type": "application/json"}
names = st.text(st.characters(max_codepoint=0x7E, min_codepoint=0x21), min_size=1, max_size=40)
values = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.binary(max_size=80),
    st.text(max_size=40),
    st.uuids(),
    st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 - zone beside
        lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    ),
)
messages = st.builds(AwsMessage, st.dictionaries(names, values, max_size=5), st.binary(max_size=200))


def read(pieces: list[bytes]) -> list[AwsMessage]:
    cutter = MessageCutter()
    found = [message for piece in pieces for message in cutter.feed(piece)]
    assert not cutter.is_inside
    return found


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def test_the_published_messages_are_read() -> None:
    assert read([NO_HEADERS_NO_PAYLOAD, PAYLOAD_ONLY, ONE_INT32_HEADER]) == [
        AwsMessage({}, b""),
        AwsMessage({}, b"{'foo':'bar'}"),
        AwsMessage({"event-type": 40972}, b"{'foo':'bar'}"),
    ]


def test_the_published_messages_are_written() -> None:
    assert render_message({}, b"") == NO_HEADERS_NO_PAYLOAD
    assert render_message({}, b"{'foo':'bar'}") == PAYLOAD_ONLY


@settings(deadline=None)  # on a busy machine one example may take long
@given(st.lists(messages, max_size=4), st.lists(st.integers(0, 10_000), max_size=8))
def test_what_was_written_is_read_again_at_any_cut_of_the_bytes(written: list[AwsMessage], places: list[int]) -> None:
    data = b"".join(render_message(message.headers, message.payload) for message in written)
    assert read(cut(data, places)) == written


@settings(deadline=None)
@given(messages, st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_is_never_read_as_a_message(message: AwsMessage, place: int, change: int) -> None:
    data = bytearray(render_message(message.headers, message.payload))
    data[place % len(data)] ^= change
    with pytest.raises(BrokenFraming):
        list(MessageCutter().feed(bytes(data)))


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_bytes_of_another_kind_break_the_framing_or_wait(data: bytes) -> None:
    cutter = MessageCutter()
    try:
        assert list(cutter.feed(data)) == []
    except BrokenFraming:
        return
    assert len(data) < 12


def test_what_came_before_a_broken_message_is_still_handed_out() -> None:
    good = render_message(EVENT, b"{}")
    found = MessageCutter().feed(good + b"\0" * 16)
    assert next(found) == AwsMessage(dict(EVENT), b"{}")
    with pytest.raises(BrokenFraming):
        next(found)


@pytest.mark.parametrize(
    "headers", [b"\x05a", b"\x01a\x63", b"\x01a\x07\xff\xffabc", b"\x01\xff\x00", b"\x01a\x05\0", b"\x01a\x09abc"]
)
def test_headers_that_cannot_be_read_break_the_framing_though_their_checksum_is_right(headers: bytes) -> None:
    lengths = struct.pack(">II", len(headers) + 16, len(headers))
    message = lengths + crc32(lengths).to_bytes(4, "big") + headers
    with pytest.raises(BrokenFraming):
        list(MessageCutter().feed(message + crc32(message).to_bytes(4, "big")))


def test_a_length_that_no_service_sends_is_not_waited_for() -> None:
    lengths = struct.pack(">II", 0xFFFF_FFFF, 0)
    with pytest.raises(BrokenFraming, match="claims"):
        list(MessageCutter().feed(lengths + crc32(lengths).to_bytes(4, "big")))


def test_a_message_says_what_it_is() -> None:
    failure = AwsMessage({":message-type": "exception", ":exception-type": "throttlingException"}, b"{}")
    assert (failure.kind, failure.name) == ("exception", "throttlingException")
    assert AwsMessage(dict(EVENT), b"").name == "contentBlockDelta"
    assert AwsMessage({"id": UUID(int=0)}, b"").name == ""


@given(st.lists(st.binary(max_size=40), max_size=5), st.integers(1, 50))
def test_a_block_cutter_lets_whole_messages_through_and_nothing_is_lost(payloads: list[bytes], width: int) -> None:
    messages = [render_message(EVENT, payload) for payload in payloads]
    data, cutter, ends = b"".join(messages), BlockCutter(), {0}
    for message in messages:
        ends.add(max(ends) + len(message))
    out = b""
    for start in range(0, len(data), width):
        out += cutter.feed(data[start : start + width])
        assert len(out) in ends
    assert (out, cutter.close()) == (data, b"")


def test_a_block_cutter_keeps_back_what_was_cut_and_passes_what_is_no_such_stream() -> None:
    half = PAYLOAD_ONLY[:-3]
    cutter = BlockCutter()
    assert cutter.feed(NO_HEADERS_NO_PAYLOAD + half) == NO_HEADERS_NO_PAYLOAD
    assert cutter.close() == half
    assert BlockCutter().feed(b"<html>No such thing</html>") == b"<html>No such thing</html>"


def test_a_recorded_stream_is_text_that_can_be_read_again() -> None:
    def event(name: str, payload: bytes) -> bytes:
        return render_message({**EVENT, ":event-type": name}, payload)

    said = event("contentBlockDelta", '{"contentBlockIndex":0,"delta":{"text":"Gr\u00fc\u00dfe"}}'.encode())
    text = as_lines(event("messageStart", b'{"role":"assistant"}') + said + said[:-5]).decode()

    assert text.splitlines() == [
        '{"messageStart":{"role":"assistant"}}',
        '{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"text":"Gr\u00fc\u00dfe"}}}',
    ]
    assert as_lines(from_lines(text)).decode() == text
    (part,) = read_answer("bedrock", text + '{"cut off')
    assert getattr(part, "text", "") == "Gr\u00fc\u00dfe"
