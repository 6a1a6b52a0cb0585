"""Reads a tool server's answer as it passes, to know when it is complete and what to record. Sans-io; changes nothing.

    waiting ── the response with the request's id ──▶ answered
       └─────── the end of the bytes ──▶ closed without a response: the answer was cut

An answer is one JSON object or a stream of server-sent events of which one carries the response.
Source: MCP 2026-07-28, basic/transports; https://html.spec.whatwg.org/multipage/server-sent-events.html (2026-11).
"""

import re
from typing import Any

import orjson

_LINE_END = re.compile(rb"\r\n|\n|\r(?!$)")  # a carriage return at the very end may be half of a pair


class AnswerTap:
    """Fed with the bytes of one answer, cut anywhere. `message` is the JSON-RPC response once it has passed."""

    def __init__(self, request_id: Any, is_stream: bool, most_bytes: int) -> None:
        self.message: dict[str, Any] | None = None
        self._request_id = request_id
        self._is_stream = is_stream
        self._most_bytes = most_bytes
        self._pending = b""
        self._lines: list[bytes] = []
        self._event_bytes = 0
        self._is_overrun = False

    def feed(self, chunk: bytes) -> None:
        """The next bytes. Beyond `most_bytes` of one message nothing is kept: it passes, and is recorded unread."""
        if self.message is not None or self._is_overrun:
            return
        self._pending += chunk
        if self._is_stream:
            *lines, self._pending = _LINE_END.split(self._pending)
            for line in lines:
                self._line(line)
        if len(self._pending) + self._event_bytes > self._most_bytes:
            self._is_overrun = True
            self._pending, self._lines = b"", []

    def close(self) -> None:
        """The bytes ended."""
        if self.message is not None or self._is_overrun:
            return
        if self._is_stream:
            self._line(self._pending.removesuffix(b"\r"))
            if self._pending.endswith(b"\r"):
                self._line(b"")
        else:
            self._take(self._pending)

    def _line(self, line: bytes) -> None:
        if not line:
            data, self._lines, self._event_bytes = b"\n".join(self._lines), [], 0
            if data:
                self._take(data)
        elif line.startswith(b"data:"):
            value = line[5:].removeprefix(b" ")
            self._lines.append(value)
            self._event_bytes += len(value)

    def _take(self, data: bytes) -> None:
        try:
            message = orjson.loads(data)
        except orjson.JSONDecodeError:
            return
        is_answer = isinstance(message, dict) and message.get("id") == self._request_id and "method" not in message
        if is_answer and self.message is None:
            self.message = message
