"""Writes the two records of an MCP call: one before its server is asked, one before its answer is complete."""

import secrets

from proxy.deps import Deps
from proxy.errors import ClientLeft, ProxyError
from proxy.journal import Journal
from proxy.mcp.call import McpCall
from proxy.mcp.subject import answer_digest, is_tool_error, label_of
from proxy.ports import Answer
from proxy.records import CallEnded, CallParked, CallStarted, Outcome
from proxy.redaction import without_keys


class CallLog:
    """Each call is started once and ended once, however it went."""

    def __init__(self, deps: Deps) -> None:
        self._journal = Journal(deps.sink)
        self._clock = deps.clock
        self._policy = deps.policy
        self._most_bytes = deps.limits.recorded_body_bytes

    def parked(self, call: McpCall) -> None:
        """The call begins to wait for its held run."""
        hold = call.caller.hold
        self._journal.write(CallParked(self._as_started(call), hold.reason if hold else ""))

    def started(self, call: McpCall) -> None:
        self._journal.write(self._as_started(call))
        call.is_started = True

    def _as_started(self, call: McpCall) -> CallStarted:
        caller = call.caller
        return CallStarted(
            call_id=call.call_id,
            at_ns=self._clock.now_ns(),
            kind="tool",
            workspace_id=caller.principal.workspace_id,
            key_id=caller.principal.key_id,
            provider=call.server.name,
            model=call.name,
            dialect="mcp",
            endpoint=f"/mcp/{call.server.name}",
            agent_id=caller.agent_id,
            run_id=caller.run_id,
            task_id=caller.task_id,
            epoch=caller.epoch,
            is_stream="progressToken" in call.request.meta,
            is_simulated=call.server.is_simulated,
            idempotency_key=call.idempotency_key,
            fingerprint=call.fingerprint,
            label=label_of(call.request),
            traceparent=call.traceparent,
            span_id=secrets.token_hex(8),
            while_waiting=caller.is_waiting,
        )

    def answered(self, call: McpCall, status: int) -> None:
        """The server answered, with a result or with an error of its own."""
        error_code = _error_code(call, status)
        self._ended(call, "error" if error_code else "ok", status, error_code)

    def replayed(self, call: McpCall, kept: Answer, body: bytes) -> None:
        """The call was given the answer of another one; its server was not asked."""
        self.started(call)
        call.note_answer(body, self._most_bytes)
        self._ended(call, "replayed", kept.status, replay_of=kept.call_id)

    def refused(self, call: McpCall, error: ProxyError) -> None:
        """The call may not be asked, or nobody waits for it any more; its server never heard of it."""
        self.started(call)
        self.failed(call, error, "client_left" if isinstance(error, ClientLeft) else "refused")

    def failed(self, call: McpCall, error: ProxyError, outcome: Outcome) -> None:
        """The call ended with an error of ours."""
        self._ended(call, outcome, error.status, str(error.code))

    def _ended(self, call: McpCall, outcome: Outcome, status: int, error_code: str = "", replay_of: str = "") -> None:
        if call.is_settled or not call.is_started:
            return
        call.is_settled = True
        is_full = call.policy.body_policy == "full"
        result = (call.message or {}).get("result")
        self._journal.write(
            CallEnded(
                call_id=call.call_id,
                at_ns=self._clock.now_ns(),
                outcome=outcome,
                status=status,
                upstream_status=call.upstream_status,
                error_code=error_code,
                stop_reason=str(result.get("resultType", "")) if isinstance(result, dict) else "",
                response_digest=answer_digest(call.message) if call.message else "",
                queue_us=_micros(call.received_ns, call.begun_ns),
                connect_us=_micros(call.begun_ns, call.asked_ns),
                first_byte_us=_micros(call.asked_ns, call.answered_ns),
                total_us=_micros(call.received_ns, self._clock.monotonic_ns()),
                request_bytes=len(call.body),
                response_bytes=call.answer_bytes,
                request_body=self._recorded(call, call.body) if is_full else None,
                response_body=self._recorded(call, call.answer) if is_full else None,
                is_body_cut=is_full and max(len(call.body), call.answer_bytes) > self._most_bytes,
                body_policy=call.policy.body_policy,
                after_revocation=call.caller.is_revoked(self._policy.current()),
                replay_of=replay_of,
            )
        )

    def _recorded(self, call: McpCall, body: bytes) -> str:
        """A body as text, without the keys that this call knows of."""
        text = body[: self._most_bytes].decode("utf-8", "replace")
        return without_keys(text, (call.caller.key, *call.server.headers.values()))


def _error_code(call: McpCall, status: int) -> str:
    message = call.message
    if message is not None and isinstance(message.get("error"), dict):
        return f"jsonrpc {message['error'].get('code')}"
    if message is not None and is_tool_error(message):
        return "tool_error"
    return f"http {status}" if status >= 400 else ""


def _micros(start_ns: int, end_ns: int) -> int:
    return max(0, end_ns - start_ns) // 1000 if start_ns and end_ns else 0
