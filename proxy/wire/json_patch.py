"""Changes one member of a JSON object in its text and leaves every other byte as it was.

A body that is decoded and encoded again loses its key order and its number forms, and with them the provider's prompt
cache. Only for bodies that a real JSON parser has accepted before.
"""

import re
from collections.abc import Iterator

import orjson

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]', re.DOTALL)


def replace_member(body: bytes, key: str, value: bytes) -> bytes:
    """`body` with the value of the top-level `key` replaced, or appended as its last member."""
    may_be_there = orjson.dumps(key) in body or b"\\u" in body
    span = find_member(body, key) if may_be_there else None
    if span is not None:
        return body[: span[0]] + value + body[span[1] :]
    end = body.rindex(b"}")
    comma = b"" if body[:end].rstrip().endswith(b"{") else b","
    return body[:end] + comma + orjson.dumps(key) + b":" + value + body[end:]


def find_member(body: bytes, key: str) -> tuple[int, int] | None:
    """Where the value of the top-level `key` stands; the last one when it is there twice, as parsers read it."""
    found = None
    for name, start, end in _members(body):
        if name == key:
            found = (start, end)
    return found


def _members(body: bytes) -> Iterator[tuple[str, int, int]]:
    depth, key, start, last = 0, "", -1, b""
    for match in _TOKEN.finditer(body):
        token = match.group()
        if depth == 1 and token in {b",", b"}"} and start >= 0:
            yield key, *_trimmed(body, start, match.start())
            start = -1
        if token in {b"{", b"["}:
            depth += 1
        elif token in {b"}", b"]"}:
            depth -= 1
        elif depth == 1 and token == b":" and start < 0:
            key, start = orjson.loads(last), match.end()
        last = token


def _trimmed(body: bytes, start: int, end: int) -> tuple[int, int]:
    text = body[start:end]
    return start + len(text) - len(text.lstrip()), end - len(text) + len(text.rstrip())
