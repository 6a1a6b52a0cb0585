"""Providers on a loopback socket that answer with what stands in `tests/fixtures/providers/<dialect>/`.

What is played is the last `play: NAME` that the request says, so a tool's result may name what comes after it:

    text, tools, thinking   `NAME.json`, or `NAME.sse` (`NAME.events` with Amazon's framing) when a stream is asked for
    cut                     the stream of `text` without its end; of a whole answer, half of the announced bytes
    invalid                 of `errors.json`, each time
    rate_limit              of `errors.json` the first time of each such request, then `text`
"""

import json
import re
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zlib import crc32

FIXTURES = Path(__file__).parent.parent / "fixtures" / "providers"

_PLAYED = re.compile(r"play: (\w+)")


@dataclass
class Asked:
    """One request as it arrived."""

    dialect: str
    path: str  # behind the dialect
    headers: dict[str, str]
    body: Any


@dataclass
class Upstream:
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    limited: set[str] = field(default_factory=set)  # requests that were refused once

    def base_url(self, dialect: str) -> str:
        return f"http://127.0.0.1:{self.port}/{dialect}/v1"


@contextmanager
def replaying_upstream() -> Iterator[Upstream]:
    upstream = Upstream()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"upstream": upstream}))
    upstream.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="replaying-upstream")
    thread.start()
    try:
        yield upstream
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    upstream: Upstream
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"])).decode()
        _, dialect, path = self.path.split("/", 2)
        asked = Asked(
            dialect, "/" + path, {name.lower(): value for name, value in self.headers.items()}, json.loads(raw)
        )
        self.upstream.asked.append(asked)
        played = _PLAYED.findall(raw)[-1]
        if played == "rate_limit" and (raw in self.upstream.limited or self.upstream.limited.add(raw)):
            played = "text"
        if played in {"invalid", "rate_limit"}:
            self._refuse(json.loads((FIXTURES / dialect / "errors.json").read_text("utf-8"))[played])
        else:
            self._play(asked, played)

    def _refuse(self, error: dict[str, Any]) -> None:
        self._answer(json.dumps(error["body"]).encode(), "application/json", error["status"], error["headers"])

    def _play(self, asked: Asked, played: str) -> None:
        folder, name = FIXTURES / asked.dialect, "text" if played == "cut" else played
        is_stream = asked.body.get("stream") is True or "stream" in asked.path.lower()
        if not is_stream:
            body = (folder / f"{name}.json").read_bytes()
            self._answer(body, "application/json", is_cut=played == "cut")
            return
        frames, content_type = _frames(folder, name)
        self._stream(frames[: len(frames) // 2] if played == "cut" else frames, content_type)

    def _answer(
        self, body: bytes, content_type: str, status: int = 200, headers: Any = None, *, is_cut: bool = False
    ) -> None:
        self.send_response(status)
        for field_name, value in {"content-type": content_type, **(headers or {})}.items():
            self.send_header(field_name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if is_cut else body)
        self.close_connection = is_cut

    def _stream(self, frames: list[bytes], content_type: str) -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for frame in frames:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(frame), frame))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Nothing is printed."""


def _frames(folder: Path, name: str) -> tuple[list[bytes], str]:
    if (path := folder / f"{name}.events").exists():
        events = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        return [_amazon_frame(*event.popitem()) for event in events], "application/vnd.amazon.eventstream"
    frames = re.split(rb"(?<=\n\n)|(?<=\r\n\r\n)", (folder / f"{name}.sse").read_bytes())
    return [frame for frame in frames if frame], "text/event-stream; charset=utf-8"


def _amazon_frame(kind: str, content: Any) -> bytes:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html describes the framing."""
    fields = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(
        bytes([len(key)]) + key.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for key, value in fields.items()
    )
    payload = json.dumps(content).encode()
    lengths = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = lengths + struct.pack(">I", crc32(lengths)) + headers + payload
    return message + struct.pack(">I", crc32(message))
