"""A provider on a real socket that answers with exactly the bytes a test wants, when it wants."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import orjson


@dataclass
class Asked:
    """One request as it arrived."""

    head: bytes
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return {k.lower(): v for k, _, v in (line.partition(": ") for line in lines if line)}

    @property
    def line(self) -> str:
        return self.head.decode("latin-1").split("\r\n", 1)[0]


Script = Callable[[Asked, "Wire"], Awaitable[None]]


@dataclass
class Wire:
    """The connection's other end, for a script to answer on. `gone` is set when the proxy closes it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def cut(self) -> None:
        self.writer.transport.abort()


@dataclass
class FakeProvider:
    """Counts what it was asked. `script` may be replaced at any time."""

    script: Script
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    gone: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until(self, holds: Callable[[], bool], seconds: float = 5.0) -> None:
        async with asyncio.timeout(seconds), self.changed:
            await self.changed.wait_for(holds)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._note(connections=1)
        wire = Wire(reader, writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                asked = Asked(head, b"")
                asked.body = await reader.readexactly(int(asked.headers.get("content-length", "0")))
                self.asked.append(asked)
                await self._note()
                watcher = asyncio.ensure_future(self._watch(wire))
                try:
                    await self.script(asked, wire)
                finally:
                    watcher.cancel()
                    await asyncio.gather(watcher, return_exceptions=True)
                if wire.gone.is_set():
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            await self._note(gone=1)

    async def _watch(self, wire: Wire) -> None:
        """Ends up at end of file only: a client of ours does not pipeline."""
        try:
            while not wire.reader.at_eof():
                await wire.reader._wait_for_data("watch")
        except (ConnectionError, OSError):
            pass
        wire.gone.set()

    async def _note(self, connections: int = 0, gone: int = 0) -> None:
        self.connections += connections
        self.gone += gone
        async with self.changed:
            self.changed.notify_all()


@asynccontextmanager
async def fake_provider(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[FakeProvider]:
    provider = FakeProvider(script)
    server = await asyncio.start_server(provider._serve, "127.0.0.1", 0, limit=64 * 1024 * 1024, ssl=tls)
    provider.port = server.sockets[0].getsockname()[1]
    try:
        yield provider
        await provider.until(lambda: provider.gone == provider.connections)  # the proxy has let go of everything
    finally:
        server.close()


def whole(body: bytes, status: str = "200 OK", headers: str = "content-type: application/json") -> bytes:
    return f"HTTP/1.1 {status}\r\n{headers}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


def openai_body(text: str = "Hello", **extra: object) -> bytes:
    return orjson.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": "gpt-5-mini-2025-08-07",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text, "refusal": None},
                    "finish_reason": "stop",
                }
            ],
            "usage": {
                "prompt_tokens": 100,
                "completion_tokens": 20,
                "total_tokens": 120,
                "prompt_tokens_details": {"cached_tokens": 40},
                "completion_tokens_details": {"reasoning_tokens": 5},
            },
            "x_unknown": {"kept": [1, 2.50, "ü"]},
            **extra,
        }
    )


def openai_frames(words: tuple[str, ...] = ("Hel", "lo"), *, has_usage: bool = True) -> list[bytes]:
    def frame(choices: list[object], **extra: object) -> bytes:
        chunk = {"id": "chatcmpl-2", "object": "chat.completion.chunk", "created": 1, "model": "gpt-5-mini-2025-08-07"}
        return b"data: " + orjson.dumps({**chunk, "choices": choices, "x_unknown": 1, **extra}) + b"\n\n"

    frames = [frame([{"index": 0, "delta": {"content": word}, "finish_reason": None}]) for word in words]
    frames.append(frame([{"index": 0, "delta": {}, "finish_reason": "stop"}]))
    if has_usage:
        frames.append(frame([], usage={"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}))
    return [*frames, b"data: [DONE]\n\n"]


def anthropic_body(text: str = "Hello") -> bytes:
    return orjson.dumps(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-4-5-20250929",
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 10, "cache_read_input_tokens": 50, "output_tokens": 7},
            "x_unknown": True,
        }
    )


def anthropic_frames(words: tuple[str, ...] = ("Hel", "lo")) -> list[bytes]:
    def frame(kind: str, **rest: object) -> bytes:
        return f"event: {kind}\ndata: ".encode() + orjson.dumps({"type": kind, **rest}) + b"\n\n"

    message = orjson.loads(anthropic_body(""))
    usage = {"input_tokens": 10, "cache_read_input_tokens": 50, "output_tokens": 1}
    message.update(content=[], stop_reason=None, usage=usage)
    return [
        frame("message_start", message=message),
        frame("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        frame("ping"),
        *(frame("content_block_delta", index=0, delta={"type": "text_delta", "text": word}) for word in words),
        frame("content_block_stop", index=0),
        frame("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 7}),
        frame("message_stop"),
    ]


def answering(data: bytes) -> Script:
    async def script(_: Asked, wire: Wire) -> None:
        await wire.send(data)

    return script


def streaming(frames: list[bytes]) -> Script:
    async def script(_: Asked, wire: Wire) -> None:
        await wire.send(STREAM_HEAD)
        for frame in frames:
            await wire.send(chunk(frame))
        await wire.send(LAST_CHUNK)

    return script
