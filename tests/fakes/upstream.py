"""A provider that speaks just enough of OpenAI's wire format to be called, counted, slowed down and killed around.

Answers `POST /v1/chat/completions` with a usage of its own for each call, whole or as a stream.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

COMPLETION_TOKENS = 7
HEAD = "HTTP/1.1 200 OK\r\ncontent-type: {}\r\n{}\r\n\r\n"


@dataclass
class FakeUpstream:
    """Waits `delay_seconds` before an answer; counts what it was asked and what it has answered."""

    port: int = 0
    delay_seconds: float = 0.0
    asked: int = 0
    prompt_tokens: list[int] = field(default_factory=list)
    connections: set[asyncio.Transport] = field(default_factory=set)

    def answer(self, body: dict[str, Any]) -> bytes:
        self.asked += 1
        return self._stream() if body.get("stream") else self._whole()

    def _usage(self) -> dict[str, int]:
        self.prompt_tokens.append(1000 + self.asked)
        total = self.prompt_tokens[-1] + COMPLETION_TOKENS
        return {
            "prompt_tokens": self.prompt_tokens[-1], "completion_tokens": COMPLETION_TOKENS, "total_tokens": total,
        }  # fmt: skip

    def _whole(self) -> bytes:
        message = {"role": "assistant", "content": f"answer {self.asked}"}
        body = json.dumps(
            {
                "id": f"chatcmpl-{self.asked}", "object": "chat.completion", "created": 1, "model": "gpt-5-mini",
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": self._usage(),
            }
        ).encode()  # fmt: skip
        return HEAD.format("application/json", f"content-length: {len(body)}").encode() + body

    def _stream(self) -> bytes:
        common = {
            "id": f"chatcmpl-{self.asked}",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "gpt-5-mini",
        }
        deltas = [{"index": 0, "delta": {"content": word}, "finish_reason": None} for word in ("answer", " ", "words")]
        chunks = [{**common, "choices": [delta]} for delta in deltas]
        chunks.append({**common, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        chunks.append({**common, "choices": [], "usage": self._usage()})
        text = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
        body = f"{len(text):x}\r\n{text}\r\n0\r\n\r\n"
        return HEAD.format("text/event-stream", "transfer-encoding: chunked").encode() + body.encode()


class _Connection(asyncio.Protocol):
    def __init__(self, upstream: FakeUpstream) -> None:
        self._upstream = upstream
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._upstream.connections.add(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._upstream.connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
        if end and len(rest) >= (length := int(fields[b"content-length"])):
            self._received = rest[length:]
            answer = self._upstream.answer(json.loads(rest[:length]))
            asyncio.get_running_loop().call_later(self._upstream.delay_seconds, self._transport.write, answer)


@asynccontextmanager
async def fake_upstream(port: int, delay_seconds: float = 0.0) -> AsyncIterator[FakeUpstream]:
    upstream = FakeUpstream(port, delay_seconds)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(upstream), "127.0.0.1", port)
    try:
        yield upstream
    finally:
        server.close()
        for transport in list(upstream.connections):
            transport.abort()
