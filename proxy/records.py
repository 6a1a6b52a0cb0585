"""The call log's records, as they stand in the spool: one JSON object a record, tagged by `type`.

A call writes `call_parked` if it has to wait for its held run, `call_started` before its upstream is asked,
`call_progress` at most once a second while it streams, and `call_ended` before its last byte goes out. A started call
without an end was in flight when its process died: the recorder marks it `unknown`, with `cost_bound_nano_usd` as the
most it can have cost.
"""

from typing import Literal

import msgspec

Outcome = Literal["ok", "error", "client_left", "truncated", "refused", "replayed"]


class Usage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tokens of one call.

    `input` excludes both cache counts; `audio_input` and `image_input` are part of it, `audio_cache_read` of
    `cache_read`. `reasoning`, `audio_output` and `image_output` are part of `output`.
    """

    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_output: int = 0
    image_input: int = 0
    image_output: int = 0
    audio_cache_read: int = 0
    citation: int = 0  # beside all of them: what Perplexity read in its sources, which has a price of its own
    searches: int = 0  # requests of a server tool that has a fee of its own: web search
    billed_nano_usd: int | None = None  # what the provider says that it charges (xAI, OpenRouter, Perplexity)
    is_estimated: bool = False
    units: dict[str, int] | None = None  # what few calls have, by the names of `proxy/price_units.py`


class CallStarted(msgspec.Struct, tag="call_started", tag_field="type", frozen=True, omit_defaults=True):
    """Written before the upstream is asked."""

    call_id: str
    at_ns: int  # UTC
    kind: Literal["model", "tool"]
    workspace_id: str
    key_id: str
    provider: str
    model: str  # for a tool call: '<server>/<tool>' or '<server>/<method>'
    dialect: str  # openai | anthropic | mcp
    endpoint: str  # '/v1/chat/completions'
    agent_id: str | None = None
    run_id: str | None = None
    task_id: str | None = None
    epoch: int = 0
    is_stream: bool = False
    is_simulated: bool = False
    idempotency_key: str | None = None
    fingerprint: str = ""  # of a run's call, digest of what repeats in a loop: model + messages, or tool + arguments
    label: str = ""  # the same for a person: '"Finland heat pump subsidy"' or the last user message's first words
    cost_bound_nano_usd: int = 0
    traceparent: str = ""  # as the client sent it
    span_id: str = ""  # 16 hex digits, ours; of a model's call it follows from the call's id
    asked_dialect: str = ""  # of a translated call: what the provider is asked in
    dropped: tuple[str, ...] = ()  # parameters that the provider did not get, in the client's words
    while_waiting: bool = False  # the run waited for a person, or its task for another: cost of waiting
    subagent: str = ""  # which of the caller's own agents asks; '' is the first, see `proxy/subagents.py`


class CallParked(msgspec.Struct, tag="call_parked", tag_field="type", frozen=True):
    """Written when a call begins to wait because its run is held. Nobody is asked yet: `call_started` may follow."""

    call: CallStarted  # as far as it is known: no provider, no bound
    reason: str


class CallProgress(msgspec.Struct, tag="call_progress", tag_field="type", frozen=True, omit_defaults=True):
    """At most once a second while a stream runs: enough for a ticking cost, an estimate until the end."""

    call_id: str
    at_ns: int
    output_tokens: int  # estimated from bytes
    cost_nano_usd: int  # estimated


class CallEnded(msgspec.Struct, tag="call_ended", tag_field="type", frozen=True, omit_defaults=True):
    """Written before the last byte goes to the client; exactly one per started call that its process survived."""

    call_id: str
    at_ns: int
    outcome: Outcome
    status: int  # what the client got
    upstream_status: int = 0
    error_code: str = ""
    usage: Usage = Usage()
    cost_nano_usd: int = 0  # what the provider says that it bills, else as computed
    computed_nano_usd: int = 0  # from the price list, also where the provider says what it bills
    cost_parts: dict[str, int] = {}  # of what is computed, by the names of `Usage`; what is part of another is in both
    service_tier: str = ""  # as the answer says it: a price may depend on it
    is_priced: bool = True  # false: no price is known for this model
    price_source: str = ""  # 'genai-prices 0.2.3: openai/gpt-5-mini'
    stop_reason: str = ""
    response_model: str = ""
    response_id: str = ""
    response_digest: str = ""  # of a run's call: a loop is seen in a run, and to hash every answer costs
    queue_us: int = 0
    connect_us: int = 0
    first_byte_us: int = 0  # since the provider was asked
    first_token_us: int = 0  # of a stream, likewise: its first text, thought or call was passed on; 0 for none
    total_us: int = 0
    request_bytes: int = 0
    response_bytes: int = 0
    request_body: str | None = None  # by body policy; cut at 256 KB, credentials removed
    response_body: str | None = None
    is_body_cut: bool = False
    body_policy: str = "full"
    after_revocation: bool = False
    replay_of: str = ""  # the call whose recorded answer this one was given


Record = CallParked | CallStarted | CallProgress | CallEnded
