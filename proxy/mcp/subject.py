"""What a request is about: the name, the fingerprint and the label under which its call is recorded. Pure."""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from proxy.mcp.envelope import McpRequest

LABEL_LENGTH = 80  # characters; one line of a table
# Beyond 64 bits a JSON integer has no orjson form; such arguments still get a fingerprint, from their text.
_CANONICAL = orjson.OPT_SORT_KEYS


def name_of(server: str, request: McpRequest) -> str:
    """`<server>/<tool>` for a tool call, else `<server>/<method>`."""
    is_tool_call = request.method == "tools/call" and request.name is not None
    return f"{server}/{request.name if is_tool_call else request.method}"


def fingerprint_of(server: str, request: McpRequest) -> str:
    """Equal for equal calls: what repeats when an agent loops. `_meta` differs from call to call and does not count."""
    asked = {key: value for key, value in request.params.items() if key != "_meta"}
    return digest_of([server, request.method, asked])


def digest_of(value: Any) -> str:
    """SHA-256 of the canonical JSON, the order of keys aside."""
    return hashlib.sha256(orjson.dumps(value, option=_CANONICAL)).hexdigest()


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
    """A digest of what the tool said, without ids and stamps: equal when the server answers the same again."""
    result = message.get("result")
    if not isinstance(result, dict):
        return digest_of(message.get("error"))
    return digest_of({key: value for key, value in result.items() if key not in {"_meta", "ttlMs"}})


def is_tool_error(message: Mapping[str, Any]) -> bool:
    """The tool says in its result that it failed."""
    result = message.get("result")
    return isinstance(result, dict) and result.get("isError") is True
