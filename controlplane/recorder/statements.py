"""The recorder's SQL against the calls database, and records as its parameters. Every statement may be run twice."""

from collections.abc import Mapping
from typing import Any

import msgspec
from pointsman.contract import ErrorCode

from proxy.records import CallEnded, CallProgress, CallStarted

_STARTED_COLUMNS = (
    "call_id", "workspace_id", "kind", "started_at_ns", "key_id", "agent_id", "run_id", "task_id", "epoch", "provider",
    "model", "dialect", "endpoint", "is_stream", "is_simulated", "idempotency_key", "fingerprint", "label", "writer",
    "cost_bound_nano_usd", "traceparent", "span_id", "while_waiting",
    "asked_dialect", "dropped", "subagent",
)  # fmt: skip
_ENDED_COLUMNS = (
    "ended_at_ns", "outcome", "status", "upstream_status", "error_code", "input_tokens", "cache_read_tokens",
    "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens", "reasoning_tokens", "audio_input_tokens",
    "audio_output_tokens", "image_input_tokens", "image_output_tokens", "audio_cache_read_tokens", "citation_tokens",
    "searches", "units", "is_usage_estimated", "cost_nano_usd", "billed_nano_usd", "computed_nano_usd", "cost_parts",
    "service_tier", "is_priced", "price_source", "stop_reason", "response_model", "response_id", "response_digest",
    "queue_us", "connect_us", "first_byte_us", "first_token_us", "total_us", "request_bytes", "response_bytes",
    "after_revocation", "replay_of",
)  # fmt: skip
# Columns without a default in SQL that a started call does not know yet: the tables' defaults are Python's.
_NOT_YET = {
    "outcome": "", "status": 0, "upstream_status": 0, "error_code": "", "input_tokens": 0, "cache_read_tokens": 0,
    "cache_write_5m_tokens": 0, "cache_write_1h_tokens": 0, "output_tokens": 0, "reasoning_tokens": 0,
    "audio_input_tokens": 0, "audio_output_tokens": 0, "image_input_tokens": 0, "image_output_tokens": 0,
    "audio_cache_read_tokens": 0, "citation_tokens": 0, "searches": 0, "units": "", "computed_nano_usd": 0,
    "cost_parts": "", "service_tier": "",
    "is_usage_estimated": 0, "cost_nano_usd": 0, "live_output_tokens": 0, "live_cost_nano_usd": 0, "is_priced": 1,
    "price_source": "", "stop_reason": "", "response_model": "", "response_id": "", "response_digest": "",
    "queue_us": 0, "connect_us": 0, "first_byte_us": 0, "first_token_us": 0, "total_us": 0, "request_bytes": 0,
    "response_bytes": 0, "after_revocation": 0, "replay_of": "",
}  # fmt: skip

# A parked call's row has no outcome yet and this code; when the call is asked after all, its start takes the row over.
PARKED = str(ErrorCode.RUN_PAUSED)
IS_PARKED = f"outcome = '' AND error_code = '{PARKED}'"
_KEPT = {"call_id", "started_at_ns"}  # what it lasted counts from where it began to wait
_AS_STARTED = ", ".join(f"{column} = excluded.{column}" for column in _STARTED_COLUMNS if column not in _KEPT)


def _insert(not_yet: Mapping[str, object]) -> str:
    return (
        f"INSERT INTO calls ({', '.join((*_STARTED_COLUMNS, *not_yet))}) "  # noqa: S608 - our own column names
        f"VALUES ({', '.join('?' * len(_STARTED_COLUMNS))}, {', '.join(map(repr, not_yet.values()))})"
    )


INSERT_STARTED = (
    _insert(_NOT_YET) + f" ON CONFLICT (call_id) DO UPDATE SET error_code = '', {_AS_STARTED} WHERE {IS_PARKED}"
)
INSERT_PARKED = _insert(_NOT_YET | {"error_code": PARKED}) + " ON CONFLICT (call_id) DO NOTHING"
UPDATE_PROGRESS = "UPDATE calls SET live_output_tokens = ?, live_cost_nano_usd = ? WHERE call_id = ? AND outcome = ''"
UPDATE_ENDED = (
    f"UPDATE calls SET {', '.join(f'{column} = ?' for column in _ENDED_COLUMNS)}, "  # noqa: S608 - our own column names
    "live_output_tokens = 0, live_cost_nano_usd = 0 WHERE call_id = ?"
)
INSERT_BODY = """INSERT INTO call_bodies (call_id, request, response, is_cut, policy, kept_until_ns)
VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (call_id) DO NOTHING"""
INSERT_STALE = "INSERT INTO stale_rollups (run_id) VALUES (?) ON CONFLICT (run_id) DO NOTHING"
UPSERT_POSITION = """INSERT INTO spool_positions (segment, "offset") VALUES (?, ?)
ON CONFLICT (segment) DO UPDATE SET "offset" = excluded."offset" """
# Nobody was asked for a parked call: it is over with its process, and nothing about it is unknown.
END_PARKED = f"""UPDATE calls SET outcome = 'refused', error_code = 'interrupted', ended_at_ns = MAX(started_at_ns, ?)
WHERE writer = ? AND {IS_PARKED}"""  # noqa: S608 - constants only
MARK_UNKNOWN = """UPDATE calls SET outcome = 'unknown', ended_at_ns = MAX(started_at_ns, ?), live_output_tokens = 0,
live_cost_nano_usd = 0 WHERE writer = ? AND outcome = ''"""
HOLDERS = "SELECT call_id, run_id, agent_id FROM calls WHERE call_id IN (SELECT value FROM json_each(?))"
ROWS = "SELECT * FROM calls WHERE call_id IN (SELECT value FROM json_each(?)) ORDER BY started_at_ns"
CALLS_IN_FLIGHT = "SELECT call_id FROM calls WHERE writer = ? AND outcome = ''"
RUNS_IN_FLIGHT = "SELECT DISTINCT run_id FROM calls WHERE writer = ? AND outcome = '' AND run_id IS NOT NULL"


def started_parameters(record: CallStarted, writer: str) -> tuple[Any, ...]:
    """In the order of `INSERT_STARTED` and `INSERT_PARKED`."""
    return (
        record.call_id, record.workspace_id, record.kind, record.at_ns, record.key_id, record.agent_id, record.run_id,
        record.task_id, record.epoch, record.provider, record.model, record.dialect, record.endpoint, record.is_stream,
        record.is_simulated, record.idempotency_key, record.fingerprint, record.label, writer,
        record.cost_bound_nano_usd, record.traceparent, record.span_id, record.while_waiting,
        record.asked_dialect, ", ".join(record.dropped), record.subagent,
    )  # fmt: skip


def progress_parameters(record: CallProgress) -> tuple[Any, ...]:
    """In the order of `UPDATE_PROGRESS`."""
    return (record.output_tokens, record.cost_nano_usd, record.call_id)


def ended_parameters(record: CallEnded) -> tuple[Any, ...]:
    """In the order of `UPDATE_ENDED`."""
    usage = record.usage
    return (
        record.at_ns, record.outcome, record.status, record.upstream_status, record.error_code, usage.input,
        usage.cache_read, usage.cache_write_5m, usage.cache_write_1h, usage.output, usage.reasoning,
        usage.audio_input, usage.audio_output, usage.image_input, usage.image_output, usage.audio_cache_read,
        usage.citation, usage.searches, as_json(usage.units), usage.is_estimated, record.cost_nano_usd,
        usage.billed_nano_usd, record.computed_nano_usd, as_json(record.cost_parts), record.service_tier,
        record.is_priced, record.price_source, record.stop_reason, record.response_model, record.response_id,
        record.response_digest, record.queue_us, record.connect_us, record.first_byte_us, record.first_token_us,
        record.total_us, record.request_bytes, record.response_bytes, record.after_revocation, record.replay_of,
        record.call_id,
    )  # fmt: skip


def as_json(counts: Mapping[str, int] | None) -> str:
    """As they stand in their column."""
    return msgspec.json.encode(counts).decode() if counts else ""


def body_parameters(record: CallEnded, kept_ns: int) -> tuple[Any, ...]:
    """In the order of `INSERT_BODY`. Without a body the row still says which policy applied."""
    return (
        record.call_id, record.request_body, record.response_body, record.is_body_cut, record.body_policy,
        record.at_ns + kept_ns,
    )  # fmt: skip
