"""Writes the records of calls, in the order of `proxy/records.py`, and names calls."""

import os

import msgspec
from pointsman.contract import IdPrefix

from proxy.ports import Clock, UsageSink
from proxy.records import Record

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [high + low for high in _CROCKFORD for low in _CROCKFORD]


class Journal:
    """The log of calls. A record handed to `write` survives a SIGKILL of this process once it returns."""

    def __init__(self, sink: UsageSink) -> None:
        self._sink = sink
        self._encode = msgspec.json.Encoder().encode

    def write(self, record: Record) -> None:
        self._sink.write(self._encode(record))

    def close(self) -> None:
        self._sink.close()


class CallIds:
    """Ids like `contract.new_id` makes them, ten times as fast: random once a millisecond, then counted.

    https://github.com/ulid/spec, "monotonicity": within one millisecond the random part is incremented.
    """

    def __init__(self, clock: Clock, prefix: str = IdPrefix.CALL) -> None:
        self._clock = clock
        self._prefix = prefix + "_"
        self._millisecond = -1
        self._random = 0
        self._head = ""  # what the ids of this millisecond begin with

    def next(self) -> str:
        millisecond = self._clock.now_ns() // 1_000_000
        if millisecond > self._millisecond:
            self._millisecond = millisecond
            # Half of the range is left to count in, and the rest of the millisecond never carries into the head.
            self._random = int.from_bytes(os.urandom(10), "big") & ~(1 << 39)
            head = (millisecond << 40) | (self._random >> 40)
            self._head = self._prefix + "".join(_PAIRS[(head >> shift) & 1023] for shift in range(80, -1, -10))
        else:
            self._random += 1
        r, pairs = self._random, _PAIRS
        tail = pairs[(r >> 30) & 1023] + pairs[(r >> 20) & 1023] + pairs[(r >> 10) & 1023] + pairs[r & 1023]
        return self._head + tail
