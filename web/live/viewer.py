"""One open page at the other end of a stream: what it has been given, and what still waits for it."""

import asyncio
from collections.abc import AsyncIterator, Hashable, Sequence

WAITING_LIMIT = 64  # messages a slow browser may have waiting, before it is told to look at the page anew
HEARTBEAT_SECONDS = 15.0
_HEARTBEAT = b": \n\n"
_RESYNC = b"event: resync\ndata: \n"


class Viewer:
    """Joins one or more channels. Its position is one number per channel, since each goes at its own pace."""

    def __init__(self, channels: Sequence[Hashable], positions: Sequence[int]) -> None:
        self._places = {channel: place for place, channel in enumerate(channels)}
        self._positions = list(positions)
        self._waiting: asyncio.Queue[tuple[int, int, bytes] | None] = asyncio.Queue()

    def offer(self, channel: Hashable, seq: int, message: bytes) -> None:
        """Puts a message in line. One too many, and the whole line is replaced by the advice to look anew."""
        if self._waiting.qsize() >= WAITING_LIMIT:
            self.resync(channel, seq)
            return
        self._waiting.put_nowait((self._places[channel], seq, message))

    def resync(self, channel: Hashable, seq: int) -> None:
        """The page cannot be brought up to date by fragments any more."""
        newest = dict(enumerate(self._positions))
        while not self._waiting.empty():
            dropped = self._waiting.get_nowait()
            if dropped is None:
                self.close()
                return
            newest[dropped[0]] = dropped[1]
        self._positions = [newest[place] for place in range(len(self._positions))]
        self._waiting.put_nowait((self._places[channel], seq, _RESYNC))

    def close(self) -> None:
        """Ends the stream after what is waiting."""
        self._waiting.put_nowait(None)

    async def messages(self) -> AsyncIterator[bytes]:
        """The bytes of the stream, with a comment every 15 s so that a dead line is noticed."""
        yield b"retry: 500\n" + _HEARTBEAT
        while True:
            try:
                item = await asyncio.wait_for(self._waiting.get(), HEARTBEAT_SECONDS)
            except TimeoutError:
                yield _HEARTBEAT
                continue
            if item is None:
                return
            place, seq, message = item
            self._positions[place] = max(seq, self._positions[place])
            yield b"id: " + ".".join(map(str, self._positions)).encode() + b"\n" + message + b"\n"


def read_positions(text: str, count: int) -> list[int] | None:
    """The positions in a `Last-Event-ID`, one per channel, or None when it is not one of ours."""
    parts = text.split(".")
    return [int(part) for part in parts] if len(parts) == count and all(part.isdecimal() for part in parts) else None
