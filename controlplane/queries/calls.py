"""Model and tool calls: as rows of a table, as sums between two moments, and one in full."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.queries.rows import ATTEMPTS, BODIES, CALLS, first_row, rows

CALLS_SHOWN = 100  # newest first; the task page says how many there are in all
_COLUMNS = (
    *("call_id", "kind", "started_at_ns", "run_id", "task_id", "provider", "model", "dialect", "endpoint"),
    *("is_stream", "is_simulated", "label", "outcome", "status", "error_code", "input_tokens", "cache_read_tokens"),
    *("cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens", "reasoning_tokens", "cost_nano_usd"),
    *("cost_bound_nano_usd", "live_cost_nano_usd", "live_output_tokens", "is_priced", "price_source", "stop_reason"),
    *("response_model", "first_byte_us", "total_us", "replay_of", "is_usage_estimated", "asked_dialect", "dropped"),
    *("queue_us", "connect_us", "billed_nano_usd", "computed_nano_usd", "searches", "audio_input_tokens"),
    *("audio_output_tokens", "image_input_tokens", "image_output_tokens", "service_tier", "response_bytes"),
    *("audio_cache_read_tokens", "citation_tokens", "cost_parts", "first_token_us", "subagent", "units"),
)


@dataclass(frozen=True, slots=True)
class CallTokens:
    """Tokens by kind; reasoning is part of output."""

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call. In flight while `outcome` is empty; then the cost is an estimate that still grows."""

    call_id: str
    kind: str
    model: str
    provider: str
    label: str
    run_id: str | None
    task_id: str | None
    started_at_ms: int
    outcome: str
    status: int
    error_code: str
    tokens: CallTokens
    cost_nano_usd: int
    total_ms: int
    first_byte_ms: int
    is_simulated: bool
    is_priced: bool
    is_stream: bool
    is_replay: bool
    subagent: str = ""  # of the caller's own agents; '' is the first

    @property
    def is_live(self) -> bool:
        return not self.outcome

    @property
    def is_error(self) -> bool:
        return self.outcome not in {"", "ok", "replayed"}


@dataclass(frozen=True, slots=True)
class TokenKind:
    """Tokens with a price of their own. `is_part` of the kind above it, and so is its cost."""

    name: str
    count: int
    is_part: bool = False
    cost_nano_usd: int = 0  # by the price list


@dataclass(frozen=True, slots=True)
class CallTiming:
    """What a call's time went to, in milliseconds: ours, then the connection, then the provider's.

    First byte and first token both count from when the provider was asked.
    """

    queue: float
    connect: float
    first_byte: float
    first_token: float  # of a stream
    rest: float

    @property
    def spans(self) -> tuple[tuple[str, float], ...]:
        """What took any time at all."""
        named = (
            ("Waited here", self.queue),
            ("Connected", self.connect),
            ("First byte", self.first_byte),
            ("First token", self.first_token),
            ("Until the last", self.rest),
        )
        return tuple((name, took) for name, took in named if took > 0)


@dataclass(frozen=True, slots=True)
class CallAttempt:
    """One upstream try."""

    number: int
    provider: str
    status: int
    error_code: str
    total_ms: int


@dataclass(frozen=True, slots=True)
class CallView:
    """A call with what was said, as far as the body policy kept it."""

    row: CallRow
    dialect: str
    endpoint: str
    stop_reason: str
    response_model: str
    price_source: str
    cost_bound_nano_usd: int
    is_usage_estimated: bool
    asked_dialect: str  # '' unless translated
    dropped: str
    timing: CallTiming
    kinds: tuple[TokenKind, ...]
    billed_nano_usd: int | None
    computed_nano_usd: int
    attempts: tuple[CallAttempt, ...]
    body_policy: str
    request: str | None
    response: str | None
    is_cut: bool


def _calls() -> Select[Any]:
    return select(*(CALLS.c[name] for name in _COLUMNS))


async def calls_of_task(session: AsyncSession, task_id: str, limit: int = CALLS_SHOWN) -> tuple[CallRow, ...]:
    """The newest calls of a task, newest first."""
    return await _newest(session, _calls().where(CALLS.c.task_id == task_id), limit)


async def calls_of_run(session: AsyncSession, run_id: str, limit: int = CALLS_SHOWN) -> tuple[CallRow, ...]:
    """The newest calls of one run, newest first."""
    return await _newest(session, _calls().where(CALLS.c.run_id == run_id), limit)


async def _newest(session: AsyncSession, wanted: Select[Any], limit: int) -> tuple[CallRow, ...]:
    found = await rows(session, wanted.order_by(CALLS.c.started_at_ns.desc()).limit(limit))
    return tuple(call_row(row) for row in found)


def call_row(row: Row[Any]) -> CallRow:
    """A call from its row."""
    written = row.cache_write_5m_tokens + row.cache_write_1h_tokens
    is_live = not row.outcome
    output = row.live_output_tokens if is_live else row.output_tokens
    return CallRow(
        call_id=row.call_id,
        kind=row.kind,
        model=row.model,
        provider=row.provider,
        label=row.label,
        run_id=row.run_id,
        task_id=row.task_id,
        started_at_ms=row.started_at_ns // 1_000_000,
        outcome=row.outcome,
        status=row.status,
        error_code=row.error_code,
        tokens=CallTokens(row.input_tokens, row.cache_read_tokens, written, output, row.reasoning_tokens),
        cost_nano_usd=row.live_cost_nano_usd if is_live else row.cost_nano_usd,
        total_ms=row.total_us // 1000,
        first_byte_ms=row.first_byte_us // 1000,
        is_simulated=row.is_simulated,
        is_priced=row.is_priced,
        is_stream=row.is_stream,
        is_replay=bool(row.replay_of),
        subagent=row.subagent,
    )


async def call_view(session: AsyncSession, workspace_id: str, call_id: str) -> CallView | None:
    """One call in full, or None when this workspace has none of that id."""
    row = await first_row(session, _calls().where(CALLS.c.call_id == call_id, CALLS.c.workspace_id == workspace_id))
    if row is None:
        return None
    body = await first_row(session, BODIES.select().where(BODIES.c.call_id == call_id))
    tries = await rows(session, ATTEMPTS.select().where(ATTEMPTS.c.call_id == call_id).order_by(ATTEMPTS.c.number))
    return CallView(
        row=call_row(row),
        dialect=row.dialect,
        endpoint=row.endpoint,
        stop_reason=row.stop_reason,
        response_model=row.response_model,
        price_source=row.price_source,
        cost_bound_nano_usd=row.cost_bound_nano_usd,
        is_usage_estimated=row.is_usage_estimated,
        asked_dialect=row.asked_dialect,
        dropped=row.dropped,
        timing=_timing(row),
        kinds=_kinds(row),
        billed_nano_usd=row.billed_nano_usd,
        computed_nano_usd=row.computed_nano_usd,
        attempts=tuple(CallAttempt(t.number, t.provider, t.status, t.error_code, t.total_us // 1000) for t in tries),
        body_policy=body.policy if body else "",
        request=body.request if body else None,
        response=body.response if body else None,
        is_cut=bool(body.is_cut) if body else False,
    )


def _timing(row: Row[Any]) -> CallTiming:
    began_us = max(row.first_byte_us, row.first_token_us)
    rest = max(0, row.total_us - row.queue_us - row.connect_us - began_us)
    parts = (row.queue_us, row.connect_us, row.first_byte_us, row.first_token_us, rest)
    return CallTiming(*(part / 1000 for part in parts))


def _kinds(row: Row[Any]) -> tuple[TokenKind, ...]:
    """Input and output always, the rest where there is any."""
    costs: dict[str, int] = json.loads(row.cost_parts) if row.cost_parts else {}
    units: dict[str, int] = json.loads(row.units) if row.units else {}
    kinds = (
        ("Input", "input", row.input_tokens, False),
        ("Audio", "audio_input", row.audio_input_tokens, True),
        ("Images", "image_input", row.image_input_tokens, True),
        ("Video", "video_input", units.get("video_input", 0), True),
        ("Cache read", "cache_read", row.cache_read_tokens, False),
        ("Images", "image_cache_read", units.get("image_cache_read", 0), True),
        ("Audio", "audio_cache_read", row.audio_cache_read_tokens, True),
        ("Cache write, 5 min", "cache_write_5m", row.cache_write_5m_tokens, False),
        ("Cache write, 1 h", "cache_write_1h", row.cache_write_1h_tokens, False),
        ("Output", "output", row.output_tokens, False),
        ("Reasoning", "reasoning", row.reasoning_tokens, True),
        ("Audio", "audio_output", row.audio_output_tokens, True),
        ("Images", "image_output", row.image_output_tokens, True),
        ("Video", "video_output", units.get("video_output", 0), True),
        ("Sources read", "citation", row.citation_tokens, False),
        ("Searches", "searches", row.searches, False),
        ("Searches in files", "file_searches", units.get("file_searches", 0), False),
        ("Sound, milliseconds", "audio_ms", units.get("audio_ms", 0), False),
        ("Characters", "characters", units.get("characters", 0), False),
        ("Pages", "pages", units.get("pages", 0), False),
        ("Annotated pages", "annotated_pages", units.get("annotated_pages", 0), False),
        ("Requests", "request", 1 if "request" in costs else 0, False),
    )
    return tuple(
        TokenKind(title, count, is_part, costs.get(name, 0))
        for title, name, count, is_part in kinds
        if count or name in {"input", "output"}
    )
