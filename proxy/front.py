"""uvicorn's HTTP with a short way for calls: from the parser to the pipeline and back without ASGI between.

ASGI's cycle (scope, event, two callables, messages as dicts, a timer) is a third of what a call costs. Who asks one of
our endpoints by POST, with a body that has a length and is there with its head or soon after, is answered by
`proxy/front_client.py`; all others take uvicorn's own way: other paths and methods, chunked and slow bodies,
`expect: 100-continue`, HTTP/1.0, requests that are sent before the last one is answered. So the application runs in any
other ASGI server too, but slower. Connections, shutdown, flow control and the parser stay uvicorn's; but a request with
the same head as the last one on its connection is not parsed again.

It touches what uvicorn 0.54 keeps of a request; `tests/integration/proxy/test_front*.py` hold it against uvicorn alone.
"""

from asyncio import AbstractEventLoop
from typing import Any

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from proxy.front_calls import CALLS, FrontCalls, KnownHead, know_head
from proxy.front_client import FrontClient
from proxy.said import Said
from proxy.short_way import start


class Front(HttpToolsProtocol):
    """What `uvicorn.Config(http=…)` takes."""

    loop: AbstractEventLoop

    @override
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # None where the application is not ours, or a line is logged for each request: then everything is uvicorn's.
        is_ours = not (self.access_log or self.root_path)
        self.calls: FrontCalls | None = self.app_state.get(CALLS) if is_ours else None
        self._asked: FrontClient | None = None
        self._said: Said | None = None  # of a request whose body is not yet whole
        self._parts: list[bytes] = []
        self._known: KnownHead | None = None  # of the last request that took the short way
        self._chunk = b""  # what is being parsed, as long as it can be one whole request
        self._in_request = False
        self._idle_since = 0.0

    # --- what arrives ---

    @override
    def data_received(self, data: bytes) -> None:
        self._idle_since = 0.0
        if self._known is not None and not self._in_request and not self._is_busy():
            body = self._known.body_in(data)
            if body is not None and self._has_room():
                self._answer(self._known.said, body)
                return
        self._chunk = b"" if self._in_request else data
        super().data_received(data)
        self._chunk = b""  # an idle connection holds nothing
        if self._said is not None and not self.transport.is_closing():
            self._leave_to_uvicorn()

    @override
    def on_message_begin(self) -> None:
        self._in_request = True
        self.url = b""
        self.headers = []

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    @override
    def on_headers_complete(self) -> None:
        if self.calls is not None and not self._is_busy() and self._has_room():
            self._said = self.calls.find(self.parser, self.url, self.headers)
        if self._said is None:
            self._leave_to_uvicorn()

    @override
    def on_body(self, body: bytes) -> None:
        if self._said is None:
            super().on_body(body)
        else:
            self._parts.append(body)

    @override
    def on_message_complete(self) -> None:
        self._in_request = False
        said = self._said
        if said is None:
            super().on_message_complete()
            return
        parts, self._parts, self._said = self._parts, [], None
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        if self._chunk:
            self._known = know_head(self._chunk, body, said)
        self._answer(said, body)

    # --- what uvicorn does with a connection ---

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None
        asked, self._asked = self._asked, None
        if asked is not None and not asked.response_complete:
            asked.disconnected = True
            asked.set()

    @override
    def on_response_complete(self) -> None:
        """As uvicorn's, but with a timer that outlasts many calls, instead of one armed and cancelled for each."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._arm(self.timeout_keep_alive)

    @override
    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = 0.0

    @override
    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if not self._idle_since:
            return
        rest = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if rest <= 0:
            super().timeout_keep_alive_handler()
        else:
            self._arm(rest)

    def _arm(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _is_busy(self) -> bool:
        last: RequestResponseCycle | None = self.cycle
        return last is not None and not last.response_complete

    def _has_room(self) -> bool:
        most = self.limit_concurrency
        return most is None or (len(self.connections) < most and len(self.tasks) < most)

    # --- the two ways ---

    def _leave_to_uvicorn(self) -> None:
        """Replays what was read of a request, up to here, to uvicorn."""
        url, headers, parts = self.url, self.headers, self._parts
        self._said, self._parts = None, []
        super().on_message_begin()
        self.url = url
        for name, value in headers:
            super().on_header(name, value)
        super().on_headers_complete()
        for part in parts:
            super().on_body(part)

    def _answer(self, said: Said, body: bytes) -> None:
        assert self.calls is not None  # noqa: S101 - who was found was found there
        client = FrontClient(self, self.calls, keep_alive=said.keep_alive)
        self.cycle, self._asked = client, client  # type: ignore[assignment]  # see FrontClient
        call = client.call = self.calls.begin(client, said, body)
        start(call, client)
