"""Tables of the calls database, written by the recorder alone. Times are UTC nanoseconds: calls come in thousands."""

from sqlalchemy import BigInteger, Index, MetaData, Text, text
from sqlmodel import Field, SQLModel

from controlplane.store.tables import CONTROL_METADATA

CALLS_METADATA = MetaData(naming_convention=CONTROL_METADATA.naming_convention)


class CallsTable(SQLModel):
    """Base of the calls database's tables."""

    metadata = CALLS_METADATA


class Call(CallsTable, table=True):
    """One model or tool call. `outcome` is empty while it is in flight, `unknown` when its process died."""

    __tablename__ = "calls"
    __table_args__ = (
        Index("ix_calls_run", "run_id", "started_at_ns"),
        Index("ix_calls_task", "task_id", "started_at_ns"),
        Index("ix_calls_started", "workspace_id", "started_at_ns"),
        # Few rows at any time: what a dead writer left behind is found without reading the whole log.
        Index("ix_calls_in_flight", "writer", sqlite_where=text("outcome = ''"), postgresql_where=text("outcome = ''")),
    )
    call_id: str = Field(primary_key=True)
    workspace_id: str
    kind: str
    started_at_ns: int = Field(sa_type=BigInteger)
    ended_at_ns: int | None = Field(default=None, sa_type=BigInteger)
    key_id: str
    agent_id: str | None = None
    run_id: str | None = None
    task_id: str | None = None
    epoch: int = 0
    provider: str
    model: str
    dialect: str
    endpoint: str
    asked_dialect: str = ""  # of a translated call: the provider's
    dropped: str = ""  # names of what the provider could not be told, by ', '
    is_stream: bool = False
    is_simulated: bool = False
    idempotency_key: str | None = None
    fingerprint: str = ""
    label: str = ""
    subagent: str = ""  # of the caller's own agents; '' is the first
    writer: str = ""  # the spool segment's writer, to find calls whose process died
    outcome: str = ""
    status: int = 0
    upstream_status: int = 0
    error_code: str = ""
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    audio_input_tokens: int = 0  # parts of the counts above, as in `proxy.records.Usage`
    audio_output_tokens: int = 0
    image_input_tokens: int = 0
    image_output_tokens: int = 0
    audio_cache_read_tokens: int = 0
    citation_tokens: int = 0
    searches: int = 0
    units: str = ""  # JSON: counts by the names of `proxy.price_units`
    is_usage_estimated: bool = False
    cost_nano_usd: int = Field(default=0, sa_type=BigInteger)
    billed_nano_usd: int | None = Field(default=None, sa_type=BigInteger)  # by the provider's own word
    computed_nano_usd: int = Field(default=0, sa_type=BigInteger)  # by the price list, also where billed
    cost_parts: str = ""  # JSON: what is computed by the names of `proxy.records.Usage`
    service_tier: str = ""
    cost_bound_nano_usd: int = Field(default=0, sa_type=BigInteger)
    live_output_tokens: int = 0
    live_cost_nano_usd: int = Field(default=0, sa_type=BigInteger)
    is_priced: bool = True
    price_source: str = ""
    stop_reason: str = ""
    response_model: str = ""
    response_id: str = ""
    response_digest: str = ""
    queue_us: int = 0
    connect_us: int = 0
    first_byte_us: int = 0
    first_token_us: int = 0
    total_us: int = 0
    request_bytes: int = 0
    response_bytes: int = 0
    after_revocation: bool = False
    while_waiting: bool = False  # begun while its task was blocked, or its run waited for a person
    replay_of: str = ""
    traceparent: str = ""
    span_id: str = ""


class CallBody(CallsTable, table=True):
    __tablename__ = "call_bodies"
    call_id: str = Field(primary_key=True)
    request: str | None = Field(default=None, sa_type=Text)
    response: str | None = Field(default=None, sa_type=Text)
    is_cut: bool = False
    policy: str
    kept_until_ns: int = Field(sa_type=BigInteger, index=True)


class CallAttempt(CallsTable, table=True):
    """One upstream try of a call."""

    __tablename__ = "call_attempts"
    call_id: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    provider: str
    status: int = 0
    error_code: str = ""
    total_us: int = 0


class SpoolPosition(CallsTable, table=True):
    """How far the recorder has read each spool segment, in the same transaction as the rows read from it."""

    __tablename__ = "spool_positions"
    segment: str = Field(primary_key=True)
    offset: int = Field(sa_type=BigInteger)


class StaleRollup(CallsTable, table=True):
    """A run whose roll-up in the control database is older than its calls.

    Written with the calls, removed after the roll-up: a recorder killed between the two databases finds here what to
    derive again.
    """

    __tablename__ = "stale_rollups"
    run_id: str = Field(primary_key=True)
