"""A JSON array that comes in pieces: Google's streams without `alt=sse`, `[{…},\\r\\n{…}]`.

https://cloud.google.com/apis/docs/streaming (November 2026). Only brackets and strings are looked at; whether what
stands between them is JSON is for a parser to say. An object that stands alone is an element, too: so errors come.
"""

import re
from collections.abc import Iterator

# Possessive, so that a string whose end has not come yet is not tried in every other way.
_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_PLAIN = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)  # up to a bracket or half a string
_BETWEEN = b" \t\r\n,[]"


class ElementCutter:
    """Lets whole elements through and keeps back what is not yet one. What comes out, joined, is what went in.

    The same as `FrameCutter` is for server-sent events. `is_complete` when the array's last bracket has passed.
    """

    __slots__ = ("_base", "_depth", "_is_escaped", "_is_in_string", "_rest", "is_complete")

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._depth = 0
        self._base = 0  # the depth between elements: 1 in an array, 0 where an object stands alone
        self._is_in_string = False
        self._is_escaped = False  # the last byte was a backslash in a string
        self.is_complete = False

    def feed(self, chunk: bytes) -> bytes:
        """The elements that this chunk completes, with what stands between them."""
        end = max(self.ends(chunk), default=0)
        if not end:
            self._rest.append(chunk)
            return b""
        block = b"".join((*self._rest, chunk[:end]))
        self._rest = [chunk[end:]] if end < len(chunk) else []
        return block

    def close(self) -> bytes:
        """What stands after the last element: nothing but white space, unless the stream was cut."""
        rest, self._rest = b"".join(self._rest), []
        return rest

    def ends(self, chunk: bytes) -> Iterator[int]:
        """Behind each byte of the chunk that closes an element or the array."""
        at = 0
        while at < len(chunk):
            if self._is_in_string:
                at = self._skip_string(chunk, at)
                continue
            match = _PLAIN.match(chunk, at)
            at = match.end() + 1 if match else at + 1
            if at <= len(chunk) and self._take(chunk[at - 1 : at]):
                yield at

    def _skip_string(self, chunk: bytes, at: int) -> int:
        if self._is_escaped:
            self._is_escaped = False
            at += 1
        match = _STRING.match(chunk, at)
        at = match.end() if match else at
        if at < len(chunk):
            self._is_escaped = chunk[at : at + 1] == b"\\"  # the chunk's last byte: what it escapes comes next
            self._is_in_string = self._is_escaped
            at += 1
        return at

    def _take(self, mark: bytes) -> bool:
        """Whether this mark closes an element, or the array."""
        if mark == b'"':
            self._is_in_string = True
        elif mark in {b"{", b"["}:
            if not self._depth and mark == b"[":
                self._base = 1
            self._depth += 1
        elif self._depth:
            self._depth -= 1
            self.is_complete = self._base == 1 and not self._depth
            return self._depth <= self._base
        return False


def elements(block: bytes) -> bytes:
    """An array of the elements in a block that a cutter let through: for a JSON parser."""
    return b"[%b]" % block.strip(_BETWEEN)


def split_elements(block: bytes) -> list[bytes]:
    """The elements one by one: for a block that holds one which no parser accepts."""
    cutter, start, found = ElementCutter(), 0, []
    inside = b"[" + block.strip(_BETWEEN)
    for end in cutter.ends(inside):
        found.append(inside[start:end].strip(_BETWEEN))
        start = end
    rest = inside[start:].strip(_BETWEEN)
    return [*found, rest] if rest else found
