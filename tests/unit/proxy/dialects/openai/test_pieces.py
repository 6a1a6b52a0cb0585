"""A stream read by its pieces says what it says when it is read as one block, and to the client it is the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.openai.pieces import FEWEST, read_pieces
from proxy.dialects.openai.tap import OpenAIStreamReader, without_usage
from proxy.dialects.reading import Reading
from proxy.records import Usage
from proxy.wire.sse import split_frames
from tests.unit.proxy.dialects.openai.playing import DONE, FIRST, STOP, UNUSUAL, USAGE, chunk
from tests.unit.proxy.dialects.recorded import needs_recordings, recorded_at, sample

TEXTS = ("one ", "two ", "", "drei ", "vi\u00e8r ", "five", "6") * 2


def said(reading: Reading) -> tuple[object, ...]:
    return (
        reading.digest(), reading.output_characters, reading.stop_reason, reading.usage, reading.is_complete,
        reading.error_code, reading.model, reading.response_id,
    )  # fmt: skip


def read_block(pieces: list[bytes], *, hides_usage: bool) -> tuple[tuple[object, ...], bytes]:
    block, reader = b"".join(pieces), OpenAIStreamReader()
    count = reader.read(block)
    return said(reader.reading), without_usage(block, count) if count and hides_usage else block


@pytest.mark.parametrize("hides_usage", [True, False])
def test_a_common_stream_is_read_by_its_pieces(hides_usage: bool) -> None:
    events = [FIRST, *(chunk({"content": text}) for text in TEXTS), STOP]
    found = read_pieces([*events, USAGE, DONE], hides_usage=hides_usage)
    assert found is not None
    reading, shown = found
    assert (reading.usage, reading.stop_reason, reading.model) == (Usage(input=3, output=2), "stop", "m")
    assert reading.output_characters == len("".join(TEXTS))
    assert shown == b"".join([*events, *([] if hides_usage else [USAGE]), DONE])


@given(
    texts=st.lists(st.text() | st.sampled_from(['","', "\\", '"', "\n\n", 'data: {"content":"', "\x00"]), max_size=20),
    others=st.lists(st.tuples(st.integers(0, 30), st.sampled_from(UNUSUAL)), max_size=3),
    cut=st.none() | st.integers(1, 3000),
    hides_usage=st.booleans(),
)
def test_whatever_is_in_the_pieces_is_read_as_in_one_block(
    texts: list[str], others: list[tuple[int, bytes]], cut: int | None, hides_usage: bool
) -> None:
    pieces = [FIRST, *(chunk({"content": text}) for text in (*TEXTS, *texts)), STOP, USAGE, DONE]
    for place, other in others:
        pieces.insert(min(place, len(pieces) - 1), other)
    if cut is not None:  # a piece that is not an event, and the next one neither
        place = cut % len(pieces)
        at = cut % len(pieces[place])
        pieces[place : place + 1] = [part for part in (pieces[place][:at], pieces[place][at:]) if part]
    found = read_pieces(pieces, hides_usage=hides_usage)
    if found is not None:
        assert (said(found[0]), found[1]) == read_block(pieces, hides_usage=hides_usage)


@pytest.mark.parametrize("place", range(FEWEST + 4))
@pytest.mark.parametrize("other", UNUSUAL)
def test_an_unusual_event_anywhere_changes_nothing_either(place: int, other: bytes) -> None:
    pieces = [FIRST, *(chunk({"content": text}) for text in TEXTS), STOP, USAGE, DONE]
    pieces.insert(place, other)
    found = read_pieces(pieces, hides_usage=True)
    if found is not None:
        assert (said(found[0]), found[1]) == read_block(pieces, hides_usage=True)


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [DONE],
        [FIRST, chunk({"content": "a"}), DONE],
        [FIRST, *(chunk({"content": text}) for text in TEXTS), STOP, USAGE],
        [FIRST, *(chunk({"reasoning_content": text}) for text in TEXTS), STOP, DONE],
        [FIRST.replace(b'"model":"m"', b'"model":""'), *(chunk({"content": text}) for text in TEXTS), STOP, DONE],
        [b"".join([FIRST, *(chunk({"content": text}) for text in TEXTS)]), *[STOP] * FEWEST, DONE],
    ],
)
def test_other_streams_are_left_to_who_reads_them_as_a_block(pieces: list[bytes]) -> None:
    assert read_pieces(pieces, hides_usage=True) is None


@needs_recordings
def test_recorded_streams_are_read_by_their_pieces_as_in_one_block() -> None:
    streams = [one["response"].get("sse_text", "").encode() for one in recorded_at("chat_completions")]
    read = 0
    for stream in sample([stream for stream in streams if stream]):
        pieces = split_frames(stream)
        for hides_usage in (True, False):
            found = read_pieces(pieces, hides_usage=hides_usage)
            if found is not None:
                read += 1
                assert (said(found[0]), found[1]) == read_block(pieces, hides_usage=hides_usage)
    assert read > 5  # most recorded ones are short, or calls of tools
