"""The header lines of a request or an answer."""

from collections.abc import Iterable


def render_headers(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The lines without the last line's end. ValueError when a header would break out of its line."""
    return checked([name + b": " + value for name, value in headers])


def checked(lines: list[bytes]) -> bytes:
    """Joins lines. A header that smuggles in a line of its own is refused: then there are more breaks than lines."""
    block = b"\r\n".join(lines)
    if block.count(b"\n") != len(lines) - 1 or block.count(b"\r") != len(lines) - 1 or b"\0" in block:
        raise ValueError("a header's value holds a line break or a zero byte")
    return block
