"""Asks the tool server and carries its answer to the client, byte for byte, while it is read for the record.

    asking ── JSON ──▶ read whole ──▶ settled ──▶ written
       └───── events ──▶ written as they come; settled before the one that holds the response

Once events have begun, a fault is told in a last event: a stream never ends in silence.
"""

from collections.abc import Callable, Mapping

import orjson

from proxy.call import Caller
from proxy.deps import Deps
from proxy.errors import ClientLeft, Headers, ProxyError, RunRevoked, UpstreamCut, UpstreamFault
from proxy.fence import Fence
from proxy.mcp.call import McpCall
from proxy.mcp.call_log import CallLog
from proxy.mcp.client import McpClient
from proxy.mcp.refusal import render_refusal
from proxy.mcp.request import render_upstream_request
from proxy.mcp.tap import StreamTap, parse_response
from proxy.records import Outcome
from proxy.upstream.attempt import Attempt

MOST_READ_BYTES = 4 * 1024 * 1024  # of one streamed message; larger ones pass unread
_PASSED = frozenset({b"content-type", b"cache-control", b"retry-after", b"allow", b"x-accel-buffering"})


Keep = Callable[[bytes], None]


def _keep_nothing(body: bytes) -> None:
    """For calls that are asked again when they are sent again."""


class Relay:
    """One call's way there and back. `attempt` may be aborted by whoever watches the client."""

    def __init__(self, deps: Deps, log: CallLog, call: McpCall, client: McpClient, fence: "Fence[Relay]") -> None:
        self._deps = deps
        self._log = log
        self._call = call
        self._client = client
        self._fence = fence
        call.begun_ns = deps.clock.monotonic_ns()
        origin, request = render_upstream_request(call.server, client.headers, call.body)
        self.attempt: Attempt = deps.upstream.attempt(origin, request, call.server.name)

    async def run(self, keep: Keep = _keep_nothing) -> None:
        """Answers the client, whatever happens. `keep` gets the whole response before the client has its last byte."""
        self._log.started(self._call)
        self._fence.enter(self)
        try:
            await self.attempt.answered()
            self._note_head()
            if self._header(b"content-type").startswith(b"text/event-stream"):
                await self._stream(keep)
            else:
                await self._whole(keep)
        except ProxyError as error:
            await self._fail(error)
        finally:
            self._fence.leave(self)
            self.attempt.release()
            # Does nothing to a settled call; one that is not was cancelled with the process.
            self._log.failed(self._call, ClientLeft(), "client_left")

    @property
    def caller(self) -> Caller:
        return self._call.caller

    @property
    def headers(self) -> Mapping[bytes, bytes]:
        """As the client sent them."""
        return self._client.raw_headers

    def cut(self, error: ProxyError) -> None:
        """Ends a stream under way. A keyed call is asked to its end, so that a retry does not make it twice."""
        if self._client.has_begun and not self._call.is_keyed and not self._call.is_settled:
            self.attempt.abort(error)

    def _note_head(self) -> None:
        call, attempt = self._call, self.attempt
        call.upstream_status = attempt.status
        call.asked_ns, call.answered_ns = attempt.asked_at_ns, attempt.answered_at_ns
        if attempt.status in {401, 403} or 300 <= attempt.status < 400:
            # Never 401 to the client: its own key is good, ours towards the server is not.
            raise UpstreamFault(f"Tool server {call.server.name!r} refused the gateway with HTTP {attempt.status}.")

    async def _whole(self, keep: Keep) -> None:
        call = self._call
        body = await self._read()
        call.message = parse_response(body, call.request.id)
        if call.message is None and not call.request.is_notification:
            raise UpstreamFault(
                f"Tool server {call.server.name!r} answered HTTP {self.attempt.status} without a JSON-RPC response."
            )
        keep(body)
        if (error := self._fence.withholds(call.caller)) is not None:
            raise error
        call.note_answer(body, self._deps.limits.recorded_body_bytes)
        self._log.answered(call, self.attempt.status)
        await self._client.answer(self.attempt.status, self._headers(), body)

    async def _read(self) -> bytes:
        parts, size = [], 0
        while part := await self.attempt.next():
            parts.append(part)
            size += len(part)
            if size > self._deps.limits.body_bytes:
                raise UpstreamFault(f"Tool server {self._call.server.name!r} sent more than a gateway passes on.")
        return b"".join(parts)

    async def _stream(self, keep: Keep) -> None:
        call, tap = self._call, StreamTap(self._call.request.id, MOST_READ_BYTES)
        if not call.is_keyed and (error := self._fence.objection(call.caller, self.headers)) is not None:
            raise error
        await self._client.start(self.attempt.status, self._headers())
        while part := await self.attempt.next():
            tap.feed(part)
            self._settle_stream(tap, part, keep)
            await self._client.write(part)
        tap.close()
        self._settle_stream(tap, b"", keep)
        if tap.is_overrun:
            self._log.answered(call, self.attempt.status)
        elif not call.is_settled:
            raise UpstreamCut(f"Tool server {call.server.name!r} ended its stream without an answer.")
        await self._client.end()

    def _settle_stream(self, tap: StreamTap, part: bytes, keep: Keep) -> None:
        call = self._call
        if call.is_settled:
            return
        call.note_answer(part, self._deps.limits.recorded_body_bytes)
        if tap.message is not None:
            call.message = tap.message
            keep(orjson.dumps(tap.message))
            self._log.answered(call, self.attempt.status)

    async def _fail(self, error: ProxyError) -> None:
        """Tells the client what went wrong, if there still is one."""
        call = self._call
        if call.is_settled:  # the answer was out already, only the end of its stream was not
            await self._client.end()
            return
        has_left = isinstance(error, ClientLeft)
        outcome: Outcome = "client_left" if has_left else "truncated" if self._client.has_begun else "error"
        if outcome == "error" and isinstance(error, RunRevoked):
            outcome = "refused"
        refusal = render_refusal(call.request.id, error, call.call_id)
        if not has_left:
            call.note_answer(refusal, self._deps.limits.recorded_body_bytes)
        self._log.failed(call, error, outcome)
        if has_left:
            return
        if self._client.has_begun:
            await self._client.end(b"event: message\r\ndata: " + refusal + b"\r\n\r\n")
        else:
            headers = [(b"content-type", b"application/json"), *call.own_headers]
            await self._client.answer(error.status, headers, refusal)

    def _header(self, name: bytes) -> bytes:
        return next((value for key, value in self.attempt.headers if key == name), b"").lower()

    def _headers(self) -> Headers:
        passed = [(k, v) for k, v in self.attempt.headers if k in _PASSED or k.startswith(b"mcp-")]
        return [*passed, *self._call.own_headers]
