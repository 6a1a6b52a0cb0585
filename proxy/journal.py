"""Writes the records of calls, in the order of `proxy/records.py`, and names calls."""

import asyncio
import os
from collections.abc import Callable

import msgspec
from pointsman.contract import IdPrefix

from proxy.ports import Clock, UsageSink
from proxy.records import Record

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [high + low for high in _CROCKFORD for low in _CROCKFORD]


Then = Callable[[OSError | None], object]


class Journal:
    """The log of calls. A record handed to `write` survives a SIGKILL of this process once it returns.

    One that is entered survives once `then` is called, with None, at the end of this turn of the event loop: all that
    were entered in it are one append, since a system call costs as much as to make a record. `then` gets the error of
    an append that failed. Records keep their order, whichever way they come. Belongs to one event loop.
    """

    def __init__(self, sink: UsageSink) -> None:
        self._sink = sink
        self._encode = msgspec.json.Encoder().encode
        self._entered: list[bytes] = []
        self._thens: list[Then] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def write(self, record: Record) -> None:
        if self._thens:
            self._flush()
        self._sink.write(self._encode(record))

    def enter(self, record: Record, then: Then) -> None:
        if not self._thens:
            self._loop = self._loop or asyncio.get_running_loop()  # kept: to ask for it is a system call each time
            self._loop.call_soon(self._flush)
        self._entered.append(self._encode(record))
        self._thens.append(then)

    def close(self) -> None:
        self._flush()
        self._sink.close()

    def _flush(self) -> None:
        entered, self._entered = self._entered, []
        thens, self._thens = self._thens, []
        if not thens:
            return
        error = None
        try:
            self._sink.write(*entered)
        except OSError as caught:
            error = caught
        for then in thens:
            then(error)


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
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in range(characters * 5 - 10, -1, -10)])
