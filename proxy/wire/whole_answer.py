"""An answer of HTTP/1.1 that came in one piece, with a length and nothing unusual: most JSON answers do.

A parser calls back for each header; here a line that has been seen before, as most of a provider's are in each of its
answers, costs a look-up. Whatever is not plain to see is left to the parser, which knows all of
https://www.rfc-editor.org/rfc/rfc9112.
"""

import re
from typing import TypeVar

import msgspec

from proxy.errors import Headers
from proxy.memo import keep

MOST_REMEMBERED = 4096  # lines; a provider's request ids are new each time
LONGEST_REMEMBERED = 200

_STATUS = re.compile(rb"HTTP/1\.1 ([2-5][0-9]{2})(?: [^\r\n\0]*)?")
_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*)")
_T = TypeVar("_T")
_BODILESS = frozenset((204, 304))
_UNUSUAL = frozenset((b"transfer-encoding", b"upgrade", b"trailer"))


class WholeAnswer(msgspec.Struct, frozen=True):
    """Names in lower case."""

    status: int
    headers: Headers
    by_name: dict[bytes, bytes]
    body: bytes


class _NotPlainError(Exception):
    """It is for the parser."""


class _Statuses(dict[bytes, int]):
    """Status lines of final answers with a body, and their codes."""

    def __missing__(self, line: bytes) -> int:
        found = _STATUS.fullmatch(line)
        if found is None or int(found[1]) in _BODILESS:
            raise _NotPlainError
        return _kept(self, line, int(found[1]))


class _Lines(dict[bytes, tuple[bytes, bytes]]):
    """Header lines, as name and value."""

    def __missing__(self, line: bytes) -> tuple[bytes, bytes]:
        found = _LINE.fullmatch(line)
        if found is None:
            raise _NotPlainError
        name, value = found[1].lower(), found[2]
        if name in _UNUSUAL or (name == b"connection" and value.lower() != b"keep-alive"):
            raise _NotPlainError
        return _kept(self, line, (name, value))


class WholeAnswers:
    """Reads them. Remembers lines, so one for each provider."""

    def __init__(self) -> None:
        self._statuses = _Statuses()
        self._lines = _Lines()

    def read(self, data: bytes) -> WholeAnswer | None:
        """None for an answer that has to be parsed."""
        end = data.find(b"\r\n\r\n")
        if end < 0 or data.endswith(b"\n"):  # so ends a stream, or one of its chunks
            return None
        first, *lines = data[:end].split(b"\r\n")
        known = self._lines
        try:
            status = self._statuses[first]
            headers = [known[line] for line in lines]
        except _NotPlainError:
            return None
        by_name = dict(headers)
        length = by_name.get(b"content-length", b"")
        if len(by_name) != len(lines) or not length.isdigit() or int(length[:18]) != len(data) - end - 4:
            return None
        return WholeAnswer(status, headers, by_name, data[end + 4 :])


def _kept(known: dict[bytes, _T], line: bytes, meaning: _T) -> _T:
    return keep(known, line, meaning, MOST_REMEMBERED) if len(line) <= LONGEST_REMEMBERED else meaning
