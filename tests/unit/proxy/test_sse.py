import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.sse import FrameCutter, each_data, frames_with, join_data, parse_data, split_frames

STREAMS = {
    "lf": b"data: one\n\nevent: x\ndata: two\n\n",
    "crlf": b"data: one\r\n\r\nevent: x\r\ndata: two\r\n\r\n",
    "cr": b"data: one\r\revent: x\rdata: two\r\r",
    "mixed": b"data: one\r\n\nevent: x\ndata: two\n\r\n",
    "comments": b": ping\n\ndata: one\n\n: keep-alive\n\nevent: x\n:c\ndata: two\n\n",
    "no space": b"data:one\n\ndata:two\n\n",
    "id and retry": b"id: 1\ndata: one\nretry: 5\n\ndata: two\n\n",
    "bom": b"\xef\xbb\xbfdata: one\n\ndata: two\n\n",
}


def read_in_pieces(stream: bytes, cuts: list[int]) -> tuple[list[bytes], bytes]:
    cutter, blocks, start = FrameCutter(), [], 0
    for cut in [*sorted(cuts), len(stream)]:
        blocks.append(cutter.feed(stream[start:cut]))
        start = cut
    return [data for block in blocks for data in parse_data(block)], b"".join(blocks) + cutter.close()


@pytest.mark.parametrize("name", STREAMS)
def test_every_cut_of_a_stream_gives_the_same_events_and_the_same_bytes(name: str) -> None:
    stream = STREAMS[name]
    for first in range(len(stream) + 1):
        for second in range(first, len(stream) + 1, 3):
            assert read_in_pieces(stream, [first, second]) == ([b"one", b"two"], stream)


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n")), min_size=1), st.data())
def test_text_survives_being_cut_in_the_middle_of_a_character(texts: list[str], data: st.DataObject) -> None:
    stream = "".join(f"data: {text}x\n\n" for text in texts).encode()
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=6))
    events, passed = read_in_pieces(stream, cuts)
    assert (events, passed) == ([f"{text}x".encode() for text in texts], stream)


def test_data_lines_of_one_event_are_joined() -> None:
    assert parse_data(b"data: one\ndata: two\n\n") == [b"one\ntwo"]
    assert parse_data(b"data: a\ndata: b\n\ndata: c\n\n: x\n\n") == [b"a\nb", b"c"]


def test_a_frame_without_its_end_is_kept_back() -> None:
    cutter = FrameCutter()
    assert cutter.feed(b"data: one\n\ndata: tw") == b"data: one\n\n"
    assert cutter.close() == b"data: tw"


def test_frames_are_split_with_the_empty_lines_that_end_them() -> None:
    assert split_frames(b"data: 1\n\n: c\n\n") == [b"data: 1\n\n", b": c\n\n"]
    assert split_frames(b"data: 1\r\n\r\ndata: 2\r\n\r\n") == [b"data: 1\r\n\r\n", b"data: 2\r\n\r\n"]


@pytest.mark.parametrize("name", STREAMS)
def test_events_read_one_by_one_are_those_read_together(name: str) -> None:
    assert list(each_data(STREAMS[name])) == parse_data(STREAMS[name])


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n"])
def test_frames_that_hold_a_mark_are_found_from_the_last_to_the_first(end: bytes) -> None:
    block = end.join([b"data: x1", b"data: 2", b"data: x3x", b"data: x4"]) + end
    assert [block[start:stop] for start, stop in frames_with(block, b"x")] == [
        b"data: x4" + end,
        b"data: x3x" + end,
        b"data: x1" + end,
    ]


def test_only_blocks_of_the_usual_form_are_joined_for_a_parser() -> None:
    assert join_data(b'data: {"a":1}\n\ndata: {"b":2}\n\n') == b'{"a":1},{"b":2}'
    assert join_data(b"event: x\ndata: 1\n\n") is None
    assert join_data(b"data: 1") is None
