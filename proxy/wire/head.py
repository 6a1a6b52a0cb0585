"""The header lines of a request or an answer."""

from collections.abc import Sequence


def render_headers(headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """The lines without the last line's end. ValueError when a header would break out of its line."""
    return _checked(b"\r\n".join(map(b": ".join, headers)), len(headers))


def checked(lines: list[bytes]) -> bytes:
    """Joins lines. A header that smuggles in a line of its own is refused: then there are more breaks than lines."""
    return _checked(b"\r\n".join(lines), len(lines))


def _checked(block: bytes, lines: int) -> bytes:
    if block.count(b"\n") != lines - 1 or block.count(b"\r") != lines - 1 or b"\0" in block:
        raise ValueError("a header's value holds a line break or a zero byte")
    return block
