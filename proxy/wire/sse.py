"""Server-sent events as bytes: where a frame ends, and what is in it.

https://html.spec.whatwg.org/multipage/server-sent-events.html (November 2026): lines end with CRLF, LF or CR, an empty
line ends a frame, `data` lines are joined with LF, a line that begins with a colon is a comment. Working on bytes, a
character that is split between two reads is never seen half.
"""

import re
from typing import NamedTuple

_FRAME_END = re.compile(rb"(?:\r\n|\n|\r(?!\n)){2}")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """One dispatched event; `data` is empty for a frame of comments only."""

    name: bytes
    data: bytes


class FrameCutter:
    """Cuts a stream into frames, each with the empty line that ends it. Joined again they are the very bytes fed."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    @property
    def is_between_frames(self) -> bool:
        return not self._rest

    def feed(self, chunk: bytes) -> list[bytes]:
        """The frames that this chunk completes."""
        if self._rest:
            chunk = self._rest + chunk
        if b"\r" not in chunk:
            frames = [part + b"\n\n" for part in chunk.split(b"\n\n")]
            self._rest = frames.pop()[:-2]
            return frames
        frames, start = [], 0
        for match in _FRAME_END.finditer(chunk):
            frames.append(chunk[start : match.end()])
            start = match.end()
        self._rest = chunk[start:]
        return frames

    def close(self) -> bytes:
        """What stands after the last frame: empty, or a frame whose end never came."""
        rest, self._rest = self._rest, b""
        return rest


def parse_frame(frame: bytes) -> Event:
    """The event in a frame. Its `id` and `retry` lines are for browsers and ignored."""
    if frame.startswith(b"data: ") and frame.find(b"\n") == len(frame) - 2 and b"\r" not in frame:
        return Event(b"", frame[6:-2])  # nearly every frame there is
    name, data = b"", []
    for line in _LINE_END.split(frame.removeprefix(_BOM)):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return Event(name, b"\n".join(data))
