"""HTTP as the fake server speaks it: problems for the API, the vendors' shapes for the gateway."""

import json
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol
from urllib.parse import urlsplit

from typing_extensions import override  # pydantic brings it; in typing from Python 3.12 on

from pointsman.contract import API_PREFIX, IDEMPOTENCY_HEADER, UPLOAD_OFFSET_HEADER
from pointsman.testing.board import Refused
from pointsman.testing.channel import FakeChannel


class Server(Protocol):
    """What the handler needs of `FakePointsman`."""

    def is_away(self) -> bool: ...
    def answer_request(
        self, key: str, method: str, path: str, body: dict[str, Any], command_id: str | None
    ) -> tuple[int, Any]: ...
    def answer_model(self, key: str, request: dict[str, Any]) -> str: ...
    def open_channel(self, channel: FakeChannel) -> None: ...
    def close_channel(self, channel: FakeChannel) -> None: ...
    def hear(self, message: dict[str, Any]) -> None: ...


def handler_of(server: Server) -> type[BaseHTTPRequestHandler]:
    """A request handler class that speaks for one fake server."""

    class Handler(_Handler):
        fake = server

    return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: Server

    @override
    def log_message(self, *_: object) -> None:
        """Says nothing: a test's output belongs to the test."""

    def do_GET(self) -> None:
        if urlsplit(self.path).path == f"{API_PREFIX}/agents/me/channel":
            self._serve_channel()
        else:
            self._answer({})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        self._answer(json.loads(raw) if raw else {})

    def do_PUT(self) -> None:
        self.do_POST()

    def do_PATCH(self) -> None:
        part = self.rfile.read(int(self.headers.get("content-length", 0)))
        self._answer({"offset": int(self.headers.get(UPLOAD_OFFSET_HEADER, "0")), "part": part})

    def _answer(self, body: dict[str, Any]) -> None:
        if self.fake.is_away():
            self.close_connection = True
            return
        try:
            self._send(*self._respond(body))
        except Refused as refused:
            self._send(refused.status, _problem(refused, is_gateway=not self.path.startswith(API_PREFIX)))
        except ConnectionError:
            self.close_connection = True

    def _respond(self, body: dict[str, Any]) -> tuple[int, Any]:
        path = urlsplit(self.path).path
        if path.startswith(API_PREFIX):
            command_id = self.headers.get(IDEMPOTENCY_HEADER)
            return self.fake.answer_request(self._key(), self.command, path.removeprefix(API_PREFIX), body, command_id)
        text = self.fake.answer_model(self._key(), body)
        return 200, _anthropic(body, text) if path == "/v1/messages" else _openai(body, text)

    def _key(self) -> str:
        bearer = self.headers.get("authorization", "").removeprefix("Bearer ")
        return str(bearer or self.headers.get("x-api-key", ""))

    def _send(self, status: int, answer: Any) -> None:
        payload = b"" if status == 204 else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json" if status < 400 else "application/problem+json")
        self.send_header("x-should-retry", "false")
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def _serve_channel(self) -> None:
        self.close_connection = True
        if self.fake.is_away():
            return
        channel = FakeChannel(self.connection)
        self.fake.open_channel(channel)
        try:
            channel.serve(self.path, dict(self.headers.items()), self.fake.hear)
        except OSError:
            return
        finally:
            self.fake.close_channel(channel)


def _problem(refused: Refused, *, is_gateway: bool) -> dict[str, Any]:
    if is_gateway:
        return {"error": {"message": refused.detail, "type": refused.code, "code": refused.code}}
    return {"type": "about:blank", "status": refused.status, "code": refused.code, "detail": refused.detail}


def _openai(request: dict[str, Any], text: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-fake",
        "object": "chat.completion",
        "created": 0,
        "model": request.get("model", "fake"),
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


def _anthropic(request: dict[str, Any], text: str) -> dict[str, Any]:
    return {
        "id": "msg_fake",
        "type": "message",
        "role": "assistant",
        "model": request.get("model", "fake"),
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
