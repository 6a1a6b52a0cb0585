"""An answer of HTTP/1.1 that came in one piece, with a length and nothing unusual: most JSON answers do.

A parser calls back for each header; here lines that have been seen before, as most of a provider's are in each of its
answers, cost a look-up. Whatever is not plain to see is left to the parser, which knows all of
https://www.rfc-editor.org/rfc/rfc9112.
"""

import re

from proxy.errors import Headers

MOST_REMEMBERED = 4096  # lines; a provider's request ids are new each time
LONGEST_REMEMBERED = 200

_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PREFIX = b"HTTP/1.1 "
_UNUSUAL = frozenset((b"transfer-encoding", b"upgrade", b"trailer"))
_BODILESS = frozenset((b"204", b"304"))
_AFTER_STATUS = frozenset((b"", b" "))


class _Lines(dict[bytes, tuple[bytes, bytes] | None]):
    """Header lines as name and value; None for one that is not well-formed."""

    def __missing__(self, line: bytes) -> tuple[bytes, bytes] | None:
        name, colon, value = line.partition(b":")
        header = (name.lower(), value.strip(b" \t")) if colon and _NAME.fullmatch(name) else None
        if len(line) <= LONGEST_REMEMBERED:
            if len(self) >= MOST_REMEMBERED:
                self.clear()
            self[line] = header
        return header


class WholeAnswers:
    """Reads them, for one process. Remembers lines."""

    def __init__(self) -> None:
        self._lines = _Lines()

    def read(self, data: bytes) -> tuple[int, Headers, bytes] | None:
        """Status, headers with names in lower case, and body; None for an answer that has to be parsed."""
        end = data.find(b"\r\n\r\n")
        if end < 0 or not data.startswith(_PREFIX) or data.endswith(b"\n"):  # so ends a stream, or one of its chunks
            return None
        head = data[:end]
        first, *lines = head.split(b"\r\n")
        breaks = len(lines)
        if head.count(b"\n") != breaks or head.count(b"\r") != breaks or b"\0" in head:
            return None
        known = self._lines
        headers = [known[line] for line in lines]
        if None in headers:
            return None
        said: dict[bytes, bytes] = dict(headers)  # type: ignore[arg-type]  # none of them is None
        length = said.get(b"content-length", b"")
        if not length.isdigit() or len(data) - end - 4 != int(length[:18]) or not _is_plain(first, said, breaks):
            return None
        return int(first[9:12]), headers, data[end + 4 :]  # type: ignore[return-value]  # as above


def _is_plain(first: bytes, said: dict[bytes, bytes], count: int) -> bool:
    """One final answer with a body, nothing said twice, and the connection goes on."""
    status, rest = first[9:12], first[12:13]
    return (
        len(said) == count
        and _UNUSUAL.isdisjoint(said)
        and status.isdigit()
        and status >= b"200"
        and status not in _BODILESS
        and rest in _AFTER_STATUS
        and said.get(b"connection", b"keep-alive").lower() == b"keep-alive"
    )
