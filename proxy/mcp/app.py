"""The MCP gateway as an ASGI app: who calls, which server, is the envelope sound; then the relay.

Killed at any moment it leaves calls that were started and not ended; the recorder marks them unknown. Keyed tool calls
whose answer was kept are answered from the record by the next process.
"""

import asyncio
import logging
from urllib.parse import urlsplit

from pointsman.contract import IDEMPOTENCY_HEADER, REQUEST_ID_HEADER, ErrorCode

from proxy.call import Caller
from proxy.deps import Deps
from proxy.errors import CallerFault, ClientLeft, IdempotencyMismatch, InternalFault, InvalidRequest, ProxyError
from proxy.fence import Fence
from proxy.flights import REPLAY_HEADER
from proxy.journal import CallIds
from proxy.mcp.call import McpCall
from proxy.mcp.call_log import CallLog
from proxy.mcp.client import McpClient, Receive, Scope, Send
from proxy.mcp.envelope import EnvelopeError, McpRequest, parse_request, render_error
from proxy.mcp.refusal import render_refusal
from proxy.mcp.relay import Relay
from proxy.mcp.retries import Retries, as_response_to
from proxy.parking import Parking
from proxy.ports import Answer, Policy, ToolServer
from proxy.stages.admit import InFlight, admit
from proxy.stages.identify import identify
from proxy.stages.recall import LONGEST_KEY
from proxy.wire.trace import kept_traceparent

PREFIX = "/mcp/"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_JSON = (b"content-type", b"application/json")
logger = logging.getLogger(__name__)


class McpGateway:
    """Answers `POST /mcp/{server}`. Belongs to one event loop, as its `deps.upstream` does."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._log = CallLog(deps)
        self._retries = Retries(deps.answers)
        self._in_flight = InFlight(deps.limits.in_flight_per_key)
        self._fence = Fence(deps.policy, deps.fencing, Relay.cut)
        self._parking = Parking(deps.policy, deps.fencing)
        self._ids = CallIds(deps.clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = McpClient(scope, receive, send, self._deps.clock.monotonic_ns())
        call_id = self._ids.next()
        request_id = None
        try:
            body = await self._receive(client)
            request = parse_request(body, client.headers)
            request_id = request.id
            await self._serve(client, call_id, request, body)
        except EnvelopeError as error:
            refusal = render_error(error.request_id, error.code, error.message, error.data)
            await client.answer(error.status, [_JSON, (REQUEST_ID_HEADER.encode(), call_id.encode())], refusal)
        except ClientLeft:
            return
        except ProxyError as error:
            await _refuse(client, request_id, error, call_id)
        except Exception:  # the outermost handler: nothing internal reaches the client
            logger.exception("an MCP call failed inside of the gateway", extra={"call_id": call_id})
            if not client.has_begun:
                await _refuse(client, request_id, InternalFault("The gateway failed. Try again."), call_id)

    async def _receive(self, client: McpClient) -> bytes:
        """The body, of a client that may be served at all: a wrong key learns nothing about servers or envelopes."""
        if client.method != "POST":
            raise InvalidRequest("An MCP server is asked with POST.", status=405, headers={"allow": "POST"})
        _check_origin(client.header("origin"))
        identify(client.raw_headers, self._deps.policy.current())
        return await client.read(self._deps.limits.body_bytes, self._deps.limits.receive_seconds)

    async def _serve(self, client: McpClient, call_id: str, request: McpRequest, body: bytes) -> None:
        policy = self._deps.policy.current()
        caller = identify(client.raw_headers, policy)  # again: a long upload must not outlive its run
        call = McpCall(
            call_id=call_id,
            caller=caller,
            server=_server_of(client.path, policy),
            request=request,
            body=body,
            policy=policy,
            traceparent=_traceparent(client, request),
            idempotency_key=_idempotency_key(client),
            received_ns=client.received_ns,
        )
        try:
            admit(caller, self._deps, self._in_flight)
        except ProxyError as error:
            self._log.refused(call, error)
            raise
        try:
            if caller.hold is not None:
                await self._park(client, call)
            if call.is_keyed:
                await self._ask_once(client, call)
            else:
                await self._ask(client, call)
        finally:
            self._in_flight.leave(caller.principal.key_id)

    async def _park(self, client: McpClient, call: McpCall) -> None:
        """Returns when the held run goes on. Raises RunPaused, RunRevoked or ClientLeft, which is recorded then."""
        changed = asyncio.Event()
        watch = asyncio.get_running_loop().create_task(
            _tell_when_left(client, changed), name=f"watch parked {call.call_id}"
        )

        def again() -> Caller:
            if watch.done():
                raise ClientLeft
            return identify(client.raw_headers, self._deps.policy.current())

        try:
            self._parking.check_room()
            self._log.parked(call)
            call.caller = await self._parking.wait(call.caller, again, changed)
        except ProxyError as error:
            self._log.refused(call, error)
            raise
        finally:
            watch.cancel()
            call.begun_ns = self._deps.clock.monotonic_ns()  # what came before was waiting

    async def _ask(self, client: McpClient, call: McpCall) -> None:
        """Asks for this client only: when it leaves, the server's connection closes, which cancels the call there."""
        relay = Relay(self._deps, self._log, call, client, self._fence)
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(_abort_when_left(client, relay), name=f"watch {call.call_id}")
            try:
                await relay.run()
            finally:
                watch.cancel()

    async def _ask_once(self, client: McpClient, call: McpCall) -> None:
        """Asks, or gives the answer of the call that had the same key. What is asked is asked to its end."""
        try:
            kept = await self._retries.find(call)
        except IdempotencyMismatch as error:
            self._log.refused(call, error)
            raise
        if kept is not None:
            await self._replay(client, call, kept)
            return
        try:
            relay = Relay(self._deps, self._log, call, client, self._fence)
            await relay.run(lambda body: self._retries.keep(call, body))
        finally:
            self._retries.land(call)

    async def _replay(self, client: McpClient, call: McpCall, kept: Answer) -> None:
        if (error := self._fence.withholds(call.caller)) is not None:  # it may have waited for the first one
            self._log.refused(call, error)
            raise error
        body = as_response_to(call.request.id, kept.body)
        self._log.replayed(call, kept, body)
        headers = [_JSON, *call.own_headers, (REPLAY_HEADER, kept.call_id.encode())]
        await client.answer(kept.status, headers, body)


def create_mcp_app(deps: Deps) -> McpGateway:
    """The ASGI callable for `/mcp/{server}`, HTTP scopes only."""
    return McpGateway(deps)


async def _abort_when_left(client: McpClient, relay: Relay) -> None:
    await client.left()
    relay.attempt.abort(ClientLeft())


async def _tell_when_left(client: McpClient, changed: asyncio.Event) -> None:
    try:
        await client.left()
    finally:
        changed.set()


async def _refuse(client: McpClient, request_id: object, error: ProxyError, call_id: str) -> None:
    headers = [_JSON, (REQUEST_ID_HEADER.encode(), call_id.encode())]
    headers += [(name.encode(), value.encode()) for name, value in error.headers.items()]
    if error.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await client.answer(error.status, headers, render_refusal(request_id, error, call_id))


def _check_origin(origin: str) -> None:
    """A page of another site must not reach a gateway on loopback (DNS rebinding; MCP 2026-07-28, transports)."""
    if origin and urlsplit(origin).hostname not in _LOOPBACK:
        raise CallerFault("Requests from web pages are not served here.", status=403, code=ErrorCode.FORBIDDEN)


def _server_of(path: str, policy: Policy) -> ToolServer:
    name = path.removeprefix(PREFIX).strip("/")
    server = policy.tool_servers.get(name)
    if server is None:
        raise CallerFault(
            f"There is no tool server {name[:80]!r} here. Add it to 'tool_servers' in the configuration.",
            status=404,
            code=ErrorCode.NOT_FOUND,
        )
    return server


def _traceparent(client: McpClient, request: McpRequest) -> str:
    """From `_meta`, where MCP keeps it (SEP-414), else from the HTTP header; '' when it is not one."""
    return kept_traceparent(request.meta.get("traceparent") or client.header("traceparent"))


def _idempotency_key(client: McpClient) -> str | None:
    key = client.header(IDEMPOTENCY_HEADER)
    if len(key) > LONGEST_KEY:
        raise InvalidRequest(f"The idempotency key is longer than {LONGEST_KEY} characters.")
    return key or None
