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
    """Ids like those of `contract.new_id`, ten times as fast: the millisecond, then a random start that is counted on.

    https://github.com/ulid/spec, "monotonicity": an id is greater than the one before it. The start is the process's
    own; half of its last 40 bits are left to count in, more than it can live to use.
    """

    def __init__(self, clock: Clock, prefix: str = IdPrefix.CALL) -> None:
        drawn = int.from_bytes(os.urandom(10), "big")
        self._clock = clock
        self._prefix = prefix + "_"
        self._millisecond = -1
        self._head = ""  # what the ids of this millisecond begin with
        self._start = _spell(drawn >> 40, 8)
        self._count = drawn & ((1 << 39) - 1)

    def next(self) -> str:
        millisecond = self._clock.now_ns() // 1_000_000
        if millisecond > self._millisecond:
            self._millisecond = millisecond
            self._head = self._prefix + _spell(millisecond, 10) + self._start
        count = self._count = self._count + 1
        pairs = _PAIRS
        tail = pairs[(count >> 30) & 1023] + pairs[(count >> 20) & 1023] + pairs[(count >> 10) & 1023]
        return self._head + tail + pairs[count & 1023]


def _spell(number: int, characters: int) -> str:
    return "".join(_PAIRS[(number >> shift) & 1023] for shift in range(characters * 5 - 10, -1, -10))
