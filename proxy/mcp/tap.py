"""Reads a tool server's stream as it passes, to know when the answer is complete and what to record. Changes nothing.

    waiting ── the response with the request's id ──▶ answered
       └─────── the end of the bytes ──▶ closed without a response: the answer was cut

Source: MCP 2026-07-28, basic/transports; https://html.spec.whatwg.org/multipage/server-sent-events.html (2026-11).
"""

import re
from typing import Any

import orjson

_LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")  # a carriage return at the very end may be half of a pair


class StreamTap:
    """Fed with the bytes of one event stream, cut anywhere. `message` is the JSON-RPC response once it has passed."""

    def __init__(self, request_id: Any, most_bytes: int) -> None:
        self.message: dict[str, Any] | None = None
        self.is_overrun = False
        self._request_id = request_id
        self._most_bytes = most_bytes
        self._pending = b""
        self._lines: list[bytes] = []
        self._event_bytes = 0

    def feed(self, chunk: bytes) -> None:
        """The next bytes. A message beyond `most_bytes` passes, but is not read."""
        if self.message is not None or self.is_overrun:
            return
        *lines, self._pending = _LINE_END.split(self._pending + chunk)
        for line in lines:
            self._line(line)
        if len(self._pending) + self._event_bytes > self._most_bytes:
            self.is_overrun = True
            self._pending, self._lines = b"", []

    def close(self) -> None:
        """The bytes ended; a last event without its empty line is incomplete and does not count."""
        if self._pending.endswith(b"\r"):
            self.feed(b"\n")

    def _line(self, line: bytes) -> None:
        if not line:
            data, self._lines, self._event_bytes = b"\n".join(self._lines), [], 0
            if data and self.message is None:
                self.message = parse_response(data, self._request_id)
        elif line.startswith(b"data:"):
            value = line[5:].removeprefix(b" ")
            self._lines.append(value)
            self._event_bytes += len(value)


def parse_response(data: bytes, request_id: Any) -> dict[str, Any] | None:
    """The response to this request, or to none when the server could not read whose it was. None for anything else."""
    try:
        message = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(message, dict) or "method" in message:
        return None
    is_ours = "id" in message and message["id"] == request_id and ("result" in message or "error" in message)
    is_nobodys = message.get("id") is None and "error" in message
    return message if is_ours or is_nobodys else None
