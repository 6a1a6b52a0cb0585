"""The head of a request that was read before: what follows it is its body, or it is for the parser."""

import pytest

from proxy.begin import read_said
from proxy.endpoints import Endpoint
from proxy.front_calls import KnownHead, know_head

BEFORE = b"POST /v1/chat/completions HTTP/1.1\r\nHost: proxy\r\nContent-Length: "
AFTER = b"\r\nAuthorization: Bearer k\r\n\r\n"


def asked(body: bytes, length: bytes | None = None) -> bytes:
    return BEFORE + (b"%d" % len(body) if length is None else length) + AFTER + body


def known(body: bytes = b"{}") -> KnownHead:
    sent = [(b"host", b"proxy"), (b"content-length", b"%d" % len(body)), (b"authorization", b"Bearer k")]
    found = know_head(asked(body), body, read_said(Endpoint("/v1/chat/completions", "openai"), "POST", b"", sent))
    assert found is not None
    return found


@pytest.mark.parametrize("body", [b"{}", b'{"model":"m"}', b"x" * 100_000, b"", b"\r\n\r\n"])
def test_the_same_head_with_a_body_of_any_length_is_known(body: bytes) -> None:
    assert known().body_in(asked(body)) == body


@pytest.mark.parametrize(
    "data",
    [
        b"",
        asked(b"{}")[:-1],
        asked(b"{}") + b" ",
        asked(b"{}") * 2,
        asked(b"{}", b""),
        asked(b"{}", b"+2"),
        asked(b"{}", b" 2"),
        asked(b"{}", b"2_"),
        asked(b"{}", b"0" * 30 + b"2"),
        asked(b"{}", b"2\r\nTransfer-Encoding: chunked"),
        asked(b"{}").replace(b"Bearer k", b"Bearer l"),
        asked(b"{}").replace(b"chat/", b"Chat/"),
        asked(b"{}").replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"),
    ],
)
def test_another_head_or_more_or_less_than_one_request_is_for_the_parser(data: bytes) -> None:
    assert known().body_in(data) is None


def test_what_is_known_says_nothing_of_one_bodys_length() -> None:
    said = known().said
    assert b"content-length" not in said.headers
    assert [name for name, _ in said.sent_headers] == [b"host", b"authorization"]


def test_a_head_is_not_known_by_a_part_of_what_came() -> None:
    said = read_said(Endpoint("/v1/chat/completions", "openai"), "POST", b"", [])
    assert know_head(asked(b"{}") + asked(b"{}"), b"{}", said) is None
    assert know_head(BEFORE[:-16] + AFTER[2:] + b"{}", b"{}", said) is None
