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
    """Ids like `contract.new_id` makes them, five times as fast: random once a millisecond, then counted.

    https://github.com/ulid/spec, "monotonicity": within one millisecond the random part is incremented.
    """

    def __init__(self, clock: Clock, prefix: str = IdPrefix.CALL) -> None:
        self._clock = clock
        self._prefix = prefix + "_"
        self._millisecond = -1
        self._random = 0

    def next(self) -> str:
        millisecond = self._clock.now_ns() // 1_000_000
        if millisecond > self._millisecond:
            self._millisecond = millisecond
            self._random = int.from_bytes(os.urandom(10), "big") >> 1  # half the range is left to count in
        else:
            self._random += 1
        number = (self._millisecond << 80) | self._random
        pairs = _PAIRS
        return self._prefix + "".join(
            [pairs[(number >> shift) & 1023] for shift in (120, 110, 100, 90, 80, 70, 60, 50, 40, 30, 20, 10, 0)]
        )
