"""The envelope of a modern MCP request: one JSON-RPC object whose headers repeat what its body says. Pure.

Source: MCP specification 2026-07-28, basic and basic/transports (streamable HTTP). The checks come in the order of the
official SDK (`mcp.shared.inbound`, 2.3.0), so that a client is told the same fault first; a test compares the two.

Errors: `EnvelopeError`, always the caller's fault, never worth a retry, with its JSON-RPC code and HTTP status.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

PROTOCOL_VERSION: Final = "2026-07-28"
SUPPORTED_VERSIONS: Final = (PROTOCOL_VERSION,)
VERSION_META: Final = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_META: Final = "io.modelcontextprotocol/clientCapabilities"

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
HEADER_MISMATCH: Final = -32020
UNSUPPORTED_VERSION: Final = -32022

_NAME_FIELDS: Final[Mapping[str, str]] = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_ROUTING_HEADERS: Final = frozenset({"mcp-protocol-version", "mcp-method", "mcp-name"})
_ENCODED = re.compile(r"=\?base64\?(.*)\?=")


class EnvelopeError(Exception):
    """A request that is refused before anybody is asked."""

    def __init__(self, code: int, message: str, request_id: Any = None, status: int = 400, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.request_id = request_id
        self.status = status
        self.data = data


@dataclass(frozen=True, slots=True)
class McpRequest:
    """A checked message. `id` is None for a notification, which is acknowledged and has no answer."""

    id: Any
    method: str
    params: Mapping[str, Any]
    is_notification: bool = False

    @property
    def meta(self) -> Mapping[str, Any]:
        meta = self.params.get("_meta")
        return meta if isinstance(meta, dict) else {}

    @property
    def name(self) -> str | None:
        """The tool, prompt or resource that the request is about."""
        field = _NAME_FIELDS.get(self.method)
        value = self.params.get(field) if field else None
        return value if isinstance(value, str) else None


def render_error(request_id: Any, code: int, message: str, data: Any = None) -> bytes:
    """A JSON-RPC error object."""
    error: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return orjson.dumps({"jsonrpc": "2.0", "id": request_id, "error": error})


def parse_request(body: bytes, headers: Iterable[tuple[str, str]]) -> McpRequest:
    """The message in `body`, its envelope checked against the HTTP headers (names in lower case)."""
    request = _parse_message(body)
    lines = [(name, value) for name, value in headers if name in _ROUTING_HEADERS]
    folded = dict(lines)
    if request.method == "initialize":
        raise _unsupported(request, request.params.get("protocolVersion"))
    if request.is_notification:
        if folded.get("mcp-protocol-version") not in SUPPORTED_VERSIONS:
            raise _unsupported(request, folded.get("mcp-protocol-version", ""))
        return request
    if len(folded) != len(lines):
        raise EnvelopeError(HEADER_MISMATCH, "An MCP routing header appears more than once", request.id)
    _check_meta(request)
    _check_headers(request, folded)
    if request.meta[VERSION_META] not in SUPPORTED_VERSIONS:
        raise _unsupported(request, request.meta[VERSION_META])
    return request


def decode_header(value: str | None) -> str | None:
    """A header value as text; None when it is absent or its base64 form is broken, so that it equals nothing."""
    encoded = _ENCODED.fullmatch(value) if value is not None else None
    if encoded is None:
        return value
    try:
        raw = base64.b64decode(encoded[1], validate=True)
        return raw.decode() if base64.b64encode(raw).decode() == encoded[1] else None
    except ValueError:  # not base64, not ASCII, not UTF-8
        return None


def _parse_message(body: bytes) -> McpRequest:
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise EnvelopeError(PARSE_ERROR, "Parse error") from None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or not isinstance(message.get("method"), str):
        raise EnvelopeError(INVALID_REQUEST, "Body must be a single JSON-RPC request or notification object")
    request_id, params = message.get("id"), message.get("params", {})
    is_valid_id = isinstance(request_id, str | int) and not isinstance(request_id, bool)
    if ("id" in message and not is_valid_id) or not isinstance(params, dict):
        raise EnvelopeError(INVALID_REQUEST, "Body must be a single JSON-RPC request or notification object")
    return McpRequest(request_id, message["method"], params, "id" not in message)


def _check_meta(request: McpRequest) -> None:
    missing = [key for key in (VERSION_META, CAPABILITIES_META) if key not in request.meta]
    if missing:
        message = f"params._meta is missing the required envelope key(s): {', '.join(missing)}"
        raise EnvelopeError(INVALID_PARAMS, message, request.id)


def _check_headers(request: McpRequest, headers: Mapping[str, str]) -> None:
    field = _NAME_FIELDS.get(request.method)
    named = request.params.get(field) if field else None
    faults = {
        "MCP-Protocol-Version": headers.get("mcp-protocol-version") != request.meta[VERSION_META],
        "Mcp-Method": headers.get("mcp-method") != request.method,
        "Mcp-Name": named is not None and decode_header(headers.get("mcp-name")) != named,
    }
    for header, is_wrong in faults.items():
        if is_wrong:
            raise EnvelopeError(HEADER_MISMATCH, f"The {header} header does not match the request body", request.id)


def _unsupported(request: McpRequest, requested: Any) -> EnvelopeError:
    supported = list(SUPPORTED_VERSIONS)
    message = f"Unsupported protocol version; this server speaks {', '.join(supported)}"
    return EnvelopeError(
        UNSUPPORTED_VERSION, message, request.id, data={"supported": supported, "requested": str(requested or "")}
    )
