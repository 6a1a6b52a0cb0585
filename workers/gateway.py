"""An internal agent's calls: over HTTP through our own gateway, like everybody's, with the key of its run.

What the gateway answers becomes a result, an error that Temporal retries (the provider's trouble), or one that it does
not: `run_revoked` (the lease is gone), `call_refused` (the request itself is at fault), `run_paused` (a person holds
the run: the workflow asks again, and no trouble is counted).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx2
import msgspec
from pointsman.contract import IDEMPOTENCY_HEADER, ErrorCode
from temporalio.exceptions import ApplicationError

from workers.agent_messages import CALL_REFUSED, RUN_PAUSED, RUN_REVOKED

MCP_VERSION: Final = "2026-07-28"
_META: Final = {
    "io.modelcontextprotocol/protocolVersion": MCP_VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "pointsman-workers", "version": "1"},
}
# Refusals that a later try may not meet: time-out, conflict of two tries, too early, too many.
_MENDING: Final = frozenset({408, 409, 425, 429})
# A little more than the gateway itself waits for a provider's first byte.
TIMEOUT: Final = httpx2.Timeout(connect=5.0, read=620.0, write=60.0, pool=60.0)


@dataclass(frozen=True, slots=True)
class GatewayClient:
    """`http` is shared by all runs of this process; it knows no key."""

    http: httpx2.AsyncClient
    base_url: str

    async def complete(self, key: str, idempotency_key: str, body: bytes) -> dict[str, Any]:
        """The model's message."""
        headers = {IDEMPOTENCY_HEADER: idempotency_key}
        answer = await self._post("/v1/chat/completions", key, headers, body)
        choices = answer.get("choices") or [{}]
        message: dict[str, Any] = choices[0].get("message") or {}
        return message

    async def tools(self, key: str, server: str) -> list[dict[str, Any]]:
        """The tools that this run may use, as the server describes them."""
        result = await self._ask_server(key, server, "tools/list", {}, {})
        found: list[dict[str, Any]] = result.get("tools") or []
        return found

    async def call_tool(self, key: str, idempotency_key: str, server: str, name: str, arguments: dict[str, Any]) -> str:
        """The tool's answer as text; a tool that failed says so in it, for the model to read."""
        headers = {IDEMPOTENCY_HEADER: idempotency_key, "mcp-name": name}
        parameters = {"name": name, "arguments": arguments}
        result = await self._ask_server(key, server, "tools/call", parameters, headers)
        text = "\n".join(part.get("text", "") for part in result.get("content") or ())
        return f"The tool failed: {text}" if result.get("isError") else text

    async def _ask_server(
        self, key: str, server: str, method: str, parameters: dict[str, Any], headers: dict[str, str]
    ) -> dict[str, Any]:
        body = msgspec.json.encode(
            {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**parameters, "_meta": _META}}
        )
        headers = {**headers, "mcp-protocol-version": MCP_VERSION, "mcp-method": method}
        answer = await self._post(f"/mcp/{server}", key, headers, body)
        if "error" in answer:
            raise ApplicationError(_sentence(answer), type=CALL_REFUSED, non_retryable=True)
        result: dict[str, Any] = answer.get("result") or {}
        return result

    async def _post(self, path: str, key: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        own = {
            "authorization": f"Bearer {key}",
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
        }
        try:
            response = await self.http.post(f"{self.base_url}{path}", content=body, headers={**own, **headers})
        except httpx2.HTTPError as error:
            raise ApplicationError(f"the gateway did not answer: {error!r}", type="gateway_away") from error
        answer = _parse(response)
        if response.is_success:
            return answer
        raise _failure(response, answer)


def _parse(response: httpx2.Response) -> dict[str, Any]:
    """One JSON object, or the last one of an event stream (a tool server may send progress before its result)."""
    content = response.content
    if response.headers.get("content-type", "").startswith("text/event-stream"):
        lines = [line[5:] for line in content.splitlines() if line.startswith(b"data:")]
        content = lines[-1] if lines else b"{}"
    try:
        answer = msgspec.json.decode(content)
    except msgspec.DecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _failure(response: httpx2.Response, answer: dict[str, Any]) -> ApplicationError:
    status, sentence = response.status_code, _sentence(answer)
    if status == 403 and ErrorCode.RUN_REVOKED in response.text:
        return ApplicationError(sentence, type=RUN_REVOKED, non_retryable=True)
    if status == 503 and ErrorCode.RUN_PAUSED in response.text:
        return ApplicationError(sentence, type=RUN_PAUSED, non_retryable=True)
    if status < 500 and status not in _MENDING:
        return ApplicationError(f"{status}: {sentence}", type=CALL_REFUSED, non_retryable=True)
    wait = response.headers.get("retry-after", "")
    return ApplicationError(
        f"{status}: {sentence}",
        type="provider_trouble",
        next_retry_delay=timedelta(seconds=min(int(wait), 60)) if wait.isdecimal() else None,
    )


def _sentence(answer: dict[str, Any]) -> str:
    error = answer.get("error")
    return str(error.get("message", "")) if isinstance(error, dict) else "no reason given"
