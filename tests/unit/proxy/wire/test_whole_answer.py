"""What is read without a parser is what a parser would have read, and nothing else is read."""

import httptools
import pytest

from proxy.wire.whole_answer import MOST_REMEMBERED, WholeAnswers

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id:  req_1 \r\nContent-Length: 2\r\n"


class Parsed:
    """By the parser that reads all other answers."""

    def __init__(self, data: bytes) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.is_complete = False
        parser = httptools.HttpResponseParser(self)
        parser.feed_data(data)
        self.status = parser.get_status_code()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_body(self, part: bytes) -> None:
        self.body += part

    def on_message_complete(self) -> None:
        self.is_complete = True


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"\r\n{}",
        HEAD + b"Connection: Keep-Alive\r\n\r\n{}",
        HEAD + b"x-empty:\r\nx-long: " + b"y" * 500 + b"\r\n\r\n{}",
        HEAD.replace(b"200 OK", b"429 Too Many Requests") + b"\r\n{}",
        HEAD.replace(b"200 OK", b"599") + b"\r\n{}",
    ],
)
def test_a_plain_answer_is_read_as_the_parser_reads_it_the_first_time_and_again(data: bytes) -> None:
    answers, parsed = WholeAnswers(), Parsed(data)
    for _ in range(2):
        answer = answers.read(data)
        assert answer is not None
        assert (answer.status, answer.headers, answer.body) == (parsed.status, parsed.headers, parsed.body)
        assert answer.by_name == dict(parsed.headers)
    assert parsed.is_complete


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEAD,
        HEAD + b"\r\n",
        HEAD + b"\r\n{",
        HEAD + b"\r\n{}x",
        HEAD + b"\r\n{}HTTP/1.1 200 OK\r\n\r\n",
        HEAD + b"Connection: close\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n{}",
        HEAD + b"Trailer: x-sum\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\n\r\n{}",
        HEAD + b"x-folded: a\r\n b\r\n\r\n{}",
        HEAD + b"x-split: a\nx-evil: b\r\n\r\n{}",
        HEAD + b"x-bare: a\rb\r\n\r\n{}",
        HEAD + b"x-zero: a\0b\r\n\r\n{}",
        HEAD + b"x no token: a\r\n\r\n{}",
        HEAD + b"nothing\r\n\r\n{}",
        HEAD.replace(b"Length: 2", b"Length: +2") + b"\r\n{}",
        HEAD.replace(b"Length: 2", b"Length: 2, 2") + b"\r\n{}",
        HEAD.replace(b"Content-Length: 2\r\n", b"") + b"\r\n{}",
        HEAD.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n{}",
        HEAD.replace(b"200 OK", b"100 Continue") + b"\r\n{}",
        HEAD.replace(b"200 OK", b"204 No Content") + b"\r\n{}",
        HEAD.replace(b"200 OK", b"304 Not Modified") + b"\r\n{}",
        HEAD.replace(b"200 OK", b"2000 OK") + b"\r\n{}",
        HEAD.replace(b"200 OK", b"200").replace(b"HTTP/1.1 ", b"HTTP/1.1  ") + b"\r\n{}",
        b"SSH-2.0-OpenSSH\r\n\r\n",
    ],
)
def test_whatever_is_not_plain_to_see_is_left_to_the_parser(data: bytes) -> None:
    answers = WholeAnswers()
    assert answers.read(data) is None
    assert answers.read(HEAD + b"\r\n{}") is not None
    assert answers.read(data) is None


def test_no_more_lines_are_remembered_than_may_be() -> None:
    answers = WholeAnswers()
    for number in range(MOST_REMEMBERED * 2):
        assert answers.read(HEAD + b"x-n: %d\r\n\r\n{}" % number) is not None
    assert len(answers._lines) <= MOST_REMEMBERED
