"""What a request is about: the name, the fingerprint and the label under which its call is recorded. Pure."""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from proxy.mcp.envelope import McpRequest

LABEL_LENGTH = 80  # characters; one line of a table
SHORT = 16  # hex digits of a fingerprint in the log, as for model calls


def name_of(server: str, request: McpRequest) -> str:
    """`<server>/<tool>` for a tool call, else `<server>/<method>`."""
    is_tool_call = request.method == "tools/call" and request.name is not None
    return f"{server}/{request.name if is_tool_call else request.method}"


def request_digest(server: str, request: McpRequest) -> str:
    """Equal for equal calls. A JSON-RPC id and `_meta` differ from try to try and do not count."""
    asked = {key: value for key, value in request.params.items() if key != "_meta"}
    return digest_of([server, request.method, asked])


def digest_of(value: Any) -> str:
    """SHA-256 of the canonical JSON, the order of keys aside."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def label_of(request: McpRequest) -> str:
    """The arguments for a person: `"Finland heat pump subsidy"` when there is one, else short JSON."""
    if request.method != "tools/call":
        return request.name or ""
    arguments = request.params.get("arguments")
    if not isinstance(arguments, dict) or not arguments:
        return ""
    shown = next(iter(arguments.values())) if len(arguments) == 1 else arguments
    text = orjson.dumps(shown).decode()
    return text if len(text) <= LABEL_LENGTH else text[: LABEL_LENGTH - 1] + "…"


def answer_digest(message: Mapping[str, Any]) -> str:
    """16 hex digits over what the tool said, without ids and stamps: equal when the server answers the same again."""
    result = message.get("result")
    if not isinstance(result, dict):
        return digest_of(message.get("error"))[:SHORT]
    return digest_of({key: value for key, value in result.items() if key not in {"_meta", "ttlMs"}})[:SHORT]


def is_tool_error(message: Mapping[str, Any]) -> bool:
    """The tool says in its result that it failed."""
    result = message.get("result")
    return isinstance(result, dict) and result.get("isError") is True
