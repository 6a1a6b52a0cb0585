"""The bytes of a stream → events: server-sent events (`?alt=sse`), or an array that grows (without it).

Which of both it is, the first byte says. Nothing marks the end: a stream is whole when a reason for its end came.
"""

from collections.abc import Iterator

import orjson

from proxy.canonical.events import Event
from proxy.dialects.gemini.chunks import ChunkReader
from proxy.wire.json_array import ElementCutter, elements, split_elements
from proxy.wire.sse import FrameCutter, parse_data

_BLANK = b" \t\r\n\xef\xbb\xbf"


class GeminiDecoder:
    """Reads one stream."""

    def __init__(self) -> None:
        self._reader = ChunkReader()
        self._cutter: FrameCutter | ElementCutter | None = None
        self._head = b""

    def feed(self, data: bytes) -> list[Event]:
        if self._cutter is None:
            self._head += data
            begin = self._head.lstrip(_BLANK)
            if not begin:
                return []
            self._cutter = ElementCutter() if begin.startswith((b"[", b"{")) else FrameCutter()
            data, self._head = begin, b""
        return self._take(self._cutter.feed(data), is_cut=False)

    def close(self) -> list[Event]:
        rest = self._cutter.close() if self._cutter is not None else b""
        return [*self._take(rest, is_cut=True), *self._reader.end()]

    def _take(self, block: bytes, *, is_cut: bool) -> list[Event]:
        """What is left of a stream that was cut may be half a chunk: it is no error that it cannot be read."""
        events: list[Event] = []
        for chunk in self._chunks(block) if block else ():
            if chunk is not _UNREADABLE or not is_cut:
                events.extend(self._reader.take(chunk))
        return events

    def _chunks(self, block: bytes) -> Iterator[object]:
        if isinstance(self._cutter, ElementCutter):
            found = _loaded(elements(block))
            yield from found if isinstance(found, list) else map(_loaded, split_elements(block))
            return
        for text in parse_data(block):
            if text != b"[DONE]":  # no word of Google's, but of gateways before it
                yield _loaded(text)


_UNREADABLE = object()


def _loaded(text: bytes) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return _UNREADABLE
