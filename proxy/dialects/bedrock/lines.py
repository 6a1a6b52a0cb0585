"""A binary stream as text, for the record: a line for each message, `{"<its type>": <its payload>}`."""

from collections.abc import Iterator

import orjson

from proxy.wire.aws_events import BrokenFraming, MessageCutter, render_message


def as_lines(data: bytes) -> bytes:
    """The messages that are whole; what was cut off or broken is left out."""
    return b"".join(_lines(data))


def _lines(data: bytes) -> Iterator[bytes]:
    try:
        for message in MessageCutter().feed(data):
            payload = message.payload if _is_json(message.payload) else orjson.dumps(message.payload.decode("latin-1"))
            yield b"{%b:%b}\n" % (orjson.dumps(message.name), payload)
    except BrokenFraming:
        return


def from_lines(text: str) -> bytes:
    """The stream again, to be decoded. A line that is none, since the record was cut there, is left out."""
    return b"".join(_message(line) for line in text.splitlines() if _is_json(line.encode()))


def _message(line: str) -> bytes:
    name, payload = next(iter(orjson.loads(line).items()))
    kind = "exception" if name.endswith("Exception") else "event"
    return render_message({":message-type": kind, f":{kind}-type": name}, orjson.dumps(payload))


def _is_json(text: bytes) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False
