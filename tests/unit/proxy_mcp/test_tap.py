"""Reading an answer as it passes."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.mcp.tap import StreamTap, parse_response

PROGRESS = b'event: message\r\ndata: {"jsonrpc":"2.0","method":"notifications/progress","params":{}}\r\n\r\n'
OTHER = b'data: {"jsonrpc":"2.0","id":8,"result":{}}\n\n'
ANSWER = {"jsonrpc": "2.0", "id": 7, "result": {"content": [{"type": "text", "text": "a\nb"}]}}
STREAM = b": ping\r\n\r\n" + PROGRESS + OTHER + b"data: " + orjson.dumps(ANSWER) + b"\r\n\r\n"


def tapped(chunks: list[bytes], most_bytes: int = 10_000) -> StreamTap:
    tap = StreamTap(7, most_bytes)
    for chunk in chunks:
        tap.feed(chunk)
    return tap


@given(st.lists(st.integers(0, 2 * len(STREAM)), max_size=12).map(sorted), st.sampled_from([b"\r\n", b"\n", b"\r"]))
def test_a_cut_of_the_bytes_anywhere_gives_the_same_answer(cuts, line_end):
    stream = STREAM.replace(b"\r\n", b"\n").replace(b"\n", line_end)
    tap = tapped([stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)])
    tap.close()
    assert tap.message == ANSWER


def test_the_answer_is_known_with_its_last_byte_and_not_before():
    tap = tapped([STREAM[:-1]])
    assert tap.message is None
    tap.feed(STREAM[-1:])
    assert tap.message == ANSWER


def test_data_over_several_lines_is_one_message():
    tap = tapped([b'data: {"jsonrpc":"2.0",\ndata:"id":7,\ndata: "result":{}}\n\n'])
    assert tap.message == {"jsonrpc": "2.0", "id": 7, "result": {}}


def test_a_cut_stream_leaves_no_message():
    tap = tapped([STREAM[:-30]])
    tap.close()
    assert tap.message is None


def test_a_message_that_is_too_large_is_let_pass_unread():
    tap = tapped([PROGRESS, b"data: " + b"x" * 500, b"\n\n", STREAM], most_bytes=400)
    tap.close()
    assert tap.message is None


def test_a_plain_answer_is_the_response_to_the_request_or_an_error_for_nobody():
    for message in (ANSWER, {"jsonrpc": "2.0", "id": None, "error": {"code": -32700}}):
        assert parse_response(orjson.dumps(message), 7) == message


@pytest.mark.parametrize(
    "data",
    [b"<html>", b"[]", b'{"id":8,"result":{}}', b'{"id":7}', b'{"id":null,"result":{}}', b'{"id":7,"method":"x"}', b""],
)
def test_anything_else_is_no_answer(data):
    assert parse_response(data, 7) is None
