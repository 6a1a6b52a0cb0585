"""Server-sent events as bytes: where a frame ends, and what is in it.

https://html.spec.whatwg.org/multipage/server-sent-events.html (November 2026): lines end with CRLF, LF or CR, an empty
line ends a frame, `data` lines are joined with LF, a line that begins with a colon is a comment. Working on bytes, a
character that is split between two reads is never seen half.
"""

import re
from collections.abc import Iterator

_FRAME_END = re.compile(rb"(?:\r\n|\n|\r(?!\n)){2}")
_LINE_END = re.compile(rb"\r\n|\n|\r")
FRAME_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")
_BOM = b"\xef\xbb\xbf"


class FrameCutter:
    """Lets whole frames through and keeps back what is not yet one. What comes out, joined, is what went in."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> bytes:
        """The frames that this chunk completes, together; the chunk itself when it ends where a frame ends."""
        if self._rest:
            chunk = self._rest + chunk
        if b"\r" not in chunk:
            end = chunk.rfind(b"\n\n") + 2 if b"\n\n" in chunk else 0
        elif _has_crlf_only(chunk):
            end = chunk.rfind(b"\r\n\r\n") + 4 if b"\r\n\r\n" in chunk else 0
        else:
            end = max((match.end() for match in _FRAME_END.finditer(chunk)), default=0)
        self._rest = chunk[end:]
        return chunk[:end] if self._rest else chunk

    def close(self) -> bytes:
        """What stands after the last frame: empty, or a frame whose end never came."""
        rest, self._rest = self._rest, b""
        return rest


def looks_streamed(body: bytes) -> bool:
    """Is this a stream, whatever was said of it?"""
    return body.startswith((b"data:", b"event:"))


def split_frames(block: bytes) -> list[bytes]:
    """The frames in a block, each with the empty line that ends it."""
    if b"\r" not in block:
        frames = [frame + b"\n\n" for frame in block.split(b"\n\n")]
        last = frames.pop()[:-2]
        return [*frames, last] if last else frames
    frames, start = [], 0
    for match in _FRAME_END.finditer(block):
        frames.append(block[start : match.end()])
        start = match.end()
    if start < len(block):
        frames.append(block[start:])
    return frames


def join_data(block: bytes) -> bytes | None:
    """The data of all events, joined by commas: for a JSON parser, which sees whether that is what they are.

    None for a block that is not of the one form that providers of JSON events send. JSON holds no bare line break, so
    where the parser accepts the text every replaced one was the end of a frame.
    """
    if not block.startswith(b"data: "):
        return None
    if block.endswith(b"\n\n"):
        return block[6:-2].replace(b"\n\ndata: ", b",")
    if block.endswith(b"\r\n\r\n"):  # Google's
        return block[6:-4].replace(b"\r\n\r\ndata: ", b",")
    return None


def frames_with(block: bytes, mark: bytes) -> Iterator[tuple[int, int]]:
    """Where the frames stand that hold `mark`, the last one first, found without cutting all the others."""
    if b"\r" in block:
        end = len(block)
        for frame in reversed(split_frames(block)):
            if mark in frame:
                yield end - len(frame), end
            end -= len(frame)
        return
    at = block.rfind(mark)
    while at >= 0:
        start, end = block.rfind(b"\n\n", 0, at), block.find(b"\n\n", at)
        start, end = (start + 2 if start >= 0 else 0), (end + 2 if end >= 0 else len(block))
        yield start, end
        at = block.rfind(mark, 0, start)


def each_data(block: bytes) -> Iterator[bytes]:
    """What `parse_data` finds, one by one: for who needs the first event only."""
    if b"\r" in block:
        yield from parse_data(block)
        return
    start = 0
    while start < len(block):
        end = block.find(b"\n\n", start)
        if end >= 0 and block.startswith(b"data: ", start) and block.find(b"\n", start, end) < 0:
            yield block[start + 6 : end]
            start = end + 2
            continue
        end = end + 2 if end >= 0 else len(block)
        if data := _parse_frame(block[start:end]):
            yield data
        start = end


def parse_data(block: bytes) -> list[bytes]:
    """The data of each event in a block of frames; nothing for comments, `event`, `id` and `retry`."""
    if b"\r" in block and _has_crlf_only(block):
        block = block.replace(b"\r\n", b"\n")
    count = block.count(b"\n\n")
    if b"\r" not in block:  # the two forms that nearly every provider sends are cut without looking at lines
        lines = block.count(b"\n")
        if lines == 2 * count and block.startswith(b"data: "):
            found = block[6:-2].split(b"\n\ndata: ")
            if len(found) == count:
                return found
        elif lines == 3 * count and block.startswith(b"event: "):
            parts = [frame.partition(b"\ndata: ") for frame in block[:-2].split(b"\n\n")]
            if all(name.startswith(b"event: ") and data for name, _, data in parts):
                return [data for _, _, data in parts]
    return [data for data in map(_parse_frame, split_frames(block)) if data]


def _has_crlf_only(text: bytes) -> bool:
    """Whether every line ends the same way, as Google's do: then nothing has to be looked at line by line."""
    count = text.count(b"\r\n")
    return text.count(b"\r") == count == text.count(b"\n")


def _parse_frame(frame: bytes) -> bytes:
    data = []
    for line in _LINE_END.split(frame.removeprefix(_BOM)):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
    return b"\n".join(data)
