"""Reading an answer as it passes."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from proxy.mcp.tap import AnswerTap

PROGRESS = b'event: message\r\ndata: {"jsonrpc":"2.0","method":"notifications/progress","params":{}}\r\n\r\n'
OTHER = b'data: {"jsonrpc":"2.0","id":8,"result":{}}\n\n'
ANSWER = {"jsonrpc": "2.0", "id": 7, "result": {"content": [{"type": "text", "text": "a\nb"}]}}
STREAM = b": ping\r\n\r\n" + PROGRESS + OTHER + b"data: " + orjson.dumps(ANSWER) + b"\r\n\r\n"


def tapped(chunks: list[bytes], is_stream: bool, most_bytes: int = 10_000) -> AnswerTap:
    tap = AnswerTap(7, is_stream, most_bytes)
    for chunk in chunks:
        tap.feed(chunk)
    return tap


@given(st.lists(st.integers(0, len(STREAM)), max_size=12).map(sorted), st.sampled_from([b"\r\n", b"\n", b"\r"]))
def test_a_cut_of_the_bytes_anywhere_gives_the_same_answer(cuts, line_end):
    chunks = [STREAM[start:end] for start, end in zip([0, *cuts], [*cuts, len(STREAM)], strict=True)]
    translated = b"".join(chunks).replace(b"\r\n", b"\n").replace(b"\n", line_end)
    pieces = [translated[start:end] for start, end in zip([0, *cuts], [*cuts, len(translated)], strict=True)]
    tap = tapped(pieces, is_stream=True)
    tap.close()
    assert tap.message == ANSWER


def test_the_answer_is_known_with_its_last_byte_and_not_before():
    tap = tapped([STREAM[:-1]], is_stream=True)
    assert tap.message is None
    tap.feed(STREAM[-1:])
    assert tap.message == ANSWER


def test_data_over_several_lines_is_one_message():
    tap = tapped([b'data: {"jsonrpc":"2.0",\ndata:"id":7,\ndata: "result":{}}\n\n'], is_stream=True)
    assert tap.message == {"jsonrpc": "2.0", "id": 7, "result": {}}


def test_a_plain_answer_is_read_at_its_end():
    tap = tapped([orjson.dumps(ANSWER)[:20], orjson.dumps(ANSWER)[20:]], is_stream=False)
    tap.close()
    assert tap.message == ANSWER


def test_a_cut_answer_leaves_no_message():
    for is_stream, raw in ((True, STREAM[:-30]), (False, orjson.dumps(ANSWER)[:-3])):
        tap = tapped([raw], is_stream)
        tap.close()
        assert tap.message is None


def test_a_message_that_is_too_large_is_let_pass_unread():
    tap = tapped([PROGRESS, b"data: " + b"x" * 500, b"\n\n", STREAM], is_stream=True, most_bytes=400)
    tap.close()
    assert tap.message is None
