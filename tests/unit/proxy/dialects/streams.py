"""What a codec reads in a stream, wherever it is cut, and the stream that it writes of events."""

import random
from collections.abc import Iterable

from proxy.canonical.events import Event
from proxy.dialects.codec import Codec, Encoder


def decode_with(codec: Codec, stream: bytes, cuts: Iterable[int] = ()) -> list[Event]:
    decoder, start = codec.decoder(), 0
    events: list[Event] = []
    for cut in [*sorted(cuts), len(stream)]:
        events.extend(decoder.feed(stream[start:cut]))
        start = cut
    return [*events, *decoder.close()]


def encode_with(encoder: Encoder, events: Iterable[Event]) -> bytes:
    return b"".join(map(encoder.encode, events)) + encoder.close()


def assert_same_at_any_cut(codec: Codec, stream: bytes, dice: random.Random, mark: str) -> None:
    whole = decode_with(codec, stream)
    for width in (1, 3, 40):
        assert decode_with(codec, stream, dice.choices(range(len(stream)), k=width)) == whole, mark
