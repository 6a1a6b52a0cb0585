"""Reads passed-through answers of dialects that few clients speak, by decoding them as a translation would.

Slower than a tap of its own, which looks only at what it needs: it may not be slower than translating.
"""

from collections.abc import Callable, Iterable

import orjson

from proxy.canonical.events import Event
from proxy.canonical.folding import unfold
from proxy.dialects.codec import Codec
from proxy.dialects.event_tap import EventTap
from proxy.dialects.reading import Reading, member
from proxy.dialects.registry import codec
from proxy.errors import Dialect

_ANSWERS = {"bedrock": "output", "cohere": "message"}  # the object that an answer has and an error has not


class DecodingReader:
    """A `StreamReader` over a dialect's decoder. Frames come whole."""

    __slots__ = ("_decoder", "_tap", "reading")

    def __init__(self, dialect: Dialect) -> None:
        self._decoder = codec(dialect).decoder()
        self._tap = EventTap()
        self.reading: Reading = self._tap.reading

    def read(self, block: bytes) -> int:
        _take(self._tap, self._decoder.feed(block))
        return 0


def body_reader_of(dialect: Dialect) -> Callable[[bytes], Reading]:
    """What reads a whole answer of this dialect, be it an error."""
    speaker, answer = codec(dialect), _ANSWERS[dialect]

    def read(body: bytes) -> Reading:
        try:
            content = orjson.loads(body)
        except orjson.JSONDecodeError:
            return Reading(is_complete=True)
        if isinstance(member(content, answer), dict):
            tap = EventTap()
            _take(tap, unfold(speaker.parse_answer(content)))
            tap.reading.is_complete = True
            return tap.reading
        return _read_failure(speaker, body)

    return read


def _read_failure(speaker: Codec, body: bytes) -> Reading:
    failure = speaker.parse_failure(0, {}, body)
    return Reading(is_complete=True, error_code=failure.code, error_message=failure.message)


def _take(tap: EventTap, events: Iterable[Event]) -> None:
    for event in events:
        tap.take(event)
