"""The outermost layer of the API: gives each request an id, refuses what is too large, answers what nobody foresaw."""

import logging
import re

from pointsman.contract import REQUEST_ID_HEADER, ErrorCode, IdPrefix, new_id
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controlplane.api.problems import problem

log = logging.getLogger(__name__)

SAFE_ID = re.compile(r"[A-Za-z0-9_.:-]{1,80}")  # what a client sends ends up in our logs
MAX_BODY_BYTES = 8 * 1024 * 1024  # a deliverable of 4 MiB, escaped as JSON


class Requests:
    """Raw ASGI, so that it costs microseconds and sees everything."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. An unforeseen fault is logged once, here, and answered without its inside."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        request_id = given if SAFE_ID.fullmatch(given) else new_id(IdPrefix.REQUEST)
        scope["state"] = {**scope.get("state", {}), "request_id": request_id}
        limit = None if _is_part_of_file(scope) else MAX_BODY_BYTES
        exchange = _Exchange(request_id, scope, receive, send, limit)
        if limit is not None and int(Headers(scope=scope).get("content-length") or 0) > limit:
            await exchange.answer(ErrorCode.REQUEST_TOO_LARGE, TOO_LARGE)
            return
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception:
            log.exception("a request failed", extra={"request_id": request_id, "path": scope["path"]})
            if exchange.has_begun:
                raise
            await exchange.answer(ErrorCode.INTERNAL, OUR_FAULT)


def _is_part_of_file(scope: Scope) -> bool:
    """The one body that is not read into memory: its endpoint counts against what the file was announced with."""
    return scope["method"] in {"PATCH", "PUT"} and "/uploads/" in scope["path"]


TOO_LARGE = f"A body may have {MAX_BODY_BYTES // 1024 // 1024} MiB."
OUR_FAULT = "Something went wrong on our side. It is logged under this request id."


class _Exchange:
    """One request's messages, both ways."""

    def __init__(self, request_id: str, scope: Scope, receive: Receive, send: Send, limit_bytes: int | None) -> None:
        self._request_id = request_id
        self._limit_bytes = limit_bytes
        self._scope = scope
        self._receive = receive
        self._send = send
        self._received_bytes = 0
        self.has_begun = False
        self._is_too_large = False

    async def receive(self) -> Message:
        """Counts the body; past the limit it seems to end, and whatever is answered becomes a 413."""
        message = await self._receive()
        self._received_bytes += len(message.get("body", b""))
        if self._limit_bytes is None or self._received_bytes <= self._limit_bytes:
            return message
        self._is_too_large = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        if self._is_too_large:
            if not self.has_begun:
                await self.answer(ErrorCode.REQUEST_TOO_LARGE, TOO_LARGE)
            return
        await self._send_with_id(message)

    async def answer(self, code: ErrorCode, sentence: str) -> None:
        await problem(code, sentence, self._request_id)(self._scope, self._receive, self._send_with_id)

    async def _send_with_id(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            MutableHeaders(scope=message)[REQUEST_ID_HEADER] = self._request_id
        await self._send(message)
