"""A row of `calls` as the description of its span. Pure: nothing of OpenTelemetry is needed to say what a call was."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pointsman.contract import trace_id_of_run

from controlplane.spans import names

AttributeValue = str | bool | int | float | tuple[str, ...]
CallRow = Mapping[str, Any]  # the columns of `call_tables.Call`

_FAILED = frozenset({"error", "truncated", "refused", "unknown"})
_INTERRUPTED = frozenset({"truncated", "client_left", "unknown"})
# MCP specification 2026-07-28, the methods' first words.
_METHOD_FAMILIES = frozenset((
    "completion", "elicitation", "logging", "notifications", "prompts", "resources", "roots", "sampling", "server",
    "subscriptions", "tasks", "tools",
))  # fmt: skip
# https://www.w3.org/TR/trace-context/#traceparent-header (2021-11-23): later versions may append fields.
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<span>(?!0{16})[0-9a-f]{16})-[0-9a-f]{2}(?P<more>-.*)?"
)


@dataclass(frozen=True, slots=True)
class SpanPlace:
    """A span that is not ours to send: a parent or a link. Lower-case hex."""

    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class SpanDescription:
    """All of a client span. Times are UTC nanoseconds."""

    name: str
    trace_id: str
    span_id: str
    parent: SpanPlace | None
    link: SpanPlace | None
    start_ns: int
    end_ns: int
    error: str  # a stable word; empty: it went well
    attributes: Mapping[str, AttributeValue]


def describe_call(row: CallRow, addresses: Mapping[tuple[str, str], str]) -> SpanDescription:
    """The span of an ended call. `addresses`: kind of call and name of its provider or tool server -> its URL."""
    incoming = parse_traceparent(row["traceparent"])
    trace_id = _trace_id(row, incoming)
    is_parent = incoming is not None and incoming.trace_id == trace_id
    error = _error_type(row)
    specific = _tool_attributes(row) if row["kind"] == "tool" else _model_attributes(row)
    address = _address(addresses.get((row["kind"], row["provider"]), ""))
    attributes = {**specific, **address, **_our_attributes(row)}
    if error:
        attributes[names.ERROR_TYPE] = error
    return SpanDescription(
        name=_name(row),
        trace_id=trace_id,
        span_id=row["span_id"] or _hashed("span", row["call_id"], 16),
        parent=incoming if is_parent else None,
        link=None if is_parent else incoming,
        start_ns=row["started_at_ns"],
        end_ns=max(row["ended_at_ns"] or 0, row["started_at_ns"]),
        error=error,
        attributes={name: value for name, value in attributes.items() if value not in {"", None}},
    )


def parse_traceparent(header: str) -> SpanPlace | None:
    """The caller's span, or None when the header is absent or malformed: then it is as if it had not been sent."""
    match = _TRACEPARENT.fullmatch(header)
    if match is None or (header.startswith("00-") and match["more"]):
        return None
    return SpanPlace(match["trace"], match["span"])


def _trace_id(row: CallRow, incoming: SpanPlace | None) -> str:
    """A run's calls share its trace; a call without a run joins its caller's, or stands alone."""
    if row["run_id"]:
        return trace_id_of_run(row["run_id"])
    return incoming.trace_id if incoming else _hashed("trace", row["call_id"], 32)


def _hashed(what: str, call_id: str, digits: int) -> str:
    return hashlib.sha256(f"{what}|{call_id}".encode()).hexdigest()[:digits]


def _name(row: CallRow) -> str:
    if row["kind"] == "model":
        return f"chat {row['model']}"
    _, _, target = row["model"].partition("/")
    return target if _is_method(target) else f"tools/call {target}"


def _is_method(target: str) -> bool:
    """A tool call's `model` is `<server>/<tool>`, another request's `<server>/<method>`. Tools may hold slashes too."""
    family, slash, _ = target.partition("/")
    return family in _METHOD_FAMILIES if slash else target in {"initialize", "ping"}


def _model_attributes(row: CallRow) -> dict[str, AttributeValue]:
    cache_write = row["cache_write_5m_tokens"] + row["cache_write_1h_tokens"]
    attributes: dict[str, AttributeValue] = {
        names.OPERATION: "chat",
        names.PROVIDER: names.PROVIDER_NAMES.get(row["provider"]) or row["provider"],
        names.REQUEST_MODEL: row["model"],
        names.REQUEST_STREAM: bool(row["is_stream"]),
        names.RESPONSE_ID: row["response_id"],
        names.RESPONSE_MODEL: row["response_model"],
        names.INPUT_TOKENS: row["input_tokens"] + row["cache_read_tokens"] + cache_write,
        names.OUTPUT_TOKENS: row["output_tokens"],
        names.CACHE_READ_TOKENS: row["cache_read_tokens"],
        names.CACHE_WRITE_TOKENS: cache_write,
        names.CACHE_CREATION_TOKENS: cache_write,
        names.REASONING_TOKENS: row["reasoning_tokens"],
    }
    finish = "error" if row["outcome"] in _INTERRUPTED else row["stop_reason"]
    if finish:
        attributes[names.FINISH_REASONS] = (finish,)
    if row["is_stream"] and row["first_byte_us"]:
        attributes[names.TIME_TO_FIRST_CHUNK] = row["first_byte_us"] / 1e6
    return attributes


def _tool_attributes(row: CallRow) -> dict[str, AttributeValue]:
    server, _, target = row["model"].partition("/")
    common: dict[str, AttributeValue] = {names.TOOL_SERVER: server, names.NETWORK_TRANSPORT: "tcp"}
    if _is_method(target):
        return {**common, names.MCP_METHOD: target}
    return {**common, names.MCP_METHOD: "tools/call", names.OPERATION: "execute_tool", names.TOOL_NAME: target}


def _our_attributes(row: CallRow) -> dict[str, AttributeValue]:
    return {
        names.WORKSPACE_ID: row["workspace_id"],
        names.AGENT_ID: row["agent_id"] or "",
        names.TASK_ID: row["task_id"] or "",
        names.SESSION_ID: row["task_id"] or "",
        names.RUN_ID: row["run_id"] or "",
        names.RUN_EPOCH: row["epoch"],
        names.KEY_ID: row["key_id"],
        names.CALL_ID: row["call_id"],
        names.CALL_OUTCOME: row["outcome"],
        names.CALL_STATUS: row["status"],
        names.REPLAY_OF: row["replay_of"],
        names.COST_NANO_USD: row["cost_nano_usd"],
        names.COST_BOUND_NANO_USD: row["cost_bound_nano_usd"],
        names.USAGE_COST: row["cost_nano_usd"] / 1e9,
        names.IS_PRICED: bool(row["is_priced"]),
        names.IS_ESTIMATED: bool(row["is_usage_estimated"]),
        names.IS_SIMULATED: bool(row["is_simulated"]),
    }


def _address(base_url: str) -> dict[str, AttributeValue]:
    parts = urlsplit(base_url)
    if not parts.hostname:
        return {}
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return {names.SERVER_ADDRESS: parts.hostname, names.SERVER_PORT: port}


def _error_type(row: CallRow) -> str:
    if row["outcome"] not in _FAILED:
        return ""
    return str(row["error_code"] or row["upstream_status"] or row["outcome"])
