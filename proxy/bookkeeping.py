"""Makes a call's records: what it was, how it goes, how it ended and what it cost."""

import re

from msgspec.structs import replace

from proxy.call import Call, Caller
from proxy.dialects.reading import CHARACTERS_PER_TOKEN
from proxy.fingerprint import fingerprint, label
from proxy.ports import Provider
from proxy.pricing import Cost, billed_or_computed
from proxy.records import CallEnded, CallParked, CallProgress, CallStarted, Usage
from proxy.redaction import without_keys

BOUND_BYTES_PER_TOKEN = 2  # no tokenizer of the field makes more tokens of a JSON text
BOUND_OUTPUT_TOKENS = 32_000  # when the client sets no limit of its own
PROGRESS_NS = 1_000_000_000
MOST_PLAIN_BYTES = 8192  # a shorter request is not searched for files
TOKENS_PER_FILE = 1500  # of a picture of 1,024 x 1,024 at Anthropic: width x height / 750

_ENCODED_FILE = re.compile(rb"[A-Za-z0-9+/_-]{4096,}={0,2}")
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def write_parked(call: Call) -> None:
    """When it begins to wait for its held run."""
    caller = call.caller
    assert caller is not None  # noqa: S101 - identify has run
    call.at_ns = call.shared.deps.clock.now_ns()
    call.shared.journal.write(CallParked(_as_started(call, caller), caller.hold.reason if caller.hold else ""))


def write_started(call: Call) -> None:
    """Before the upstream is asked."""
    call.shared.journal.write(make_started(call))


def make_started(call: Call) -> CallStarted:
    """For a call without a caller there is no record: nobody knows whose it would be."""
    caller = call.caller
    assert caller is not None  # noqa: S101 - identify has run
    call.is_started = True
    call.at_ns = call.shared.deps.clock.now_ns()
    return _as_started(call, caller)


def _as_started(call: Call, caller: Caller) -> CallStarted:
    provider, head = call.provider, call.head
    trace = call.headers.get(b"traceparent", b"")
    return CallStarted(
        call_id=call.call_id,
        at_ns=call.at_ns,
        kind="model",
        workspace_id=caller.principal.workspace_id,
        key_id=caller.principal.key_id,
        provider=provider.name if provider else "",
        model=call.model,
        dialect=call.dialect,
        endpoint=call.where.path,
        agent_id=caller.agent_id,
        run_id=caller.run_id,
        task_id=caller.task_id,
        epoch=caller.epoch,
        is_stream=head.stream is True,
        is_simulated=provider is not None and provider.is_simulated,
        idempotency_key=call.idempotency_key,
        fingerprint=fingerprint(call.model, head),
        label=label(head),
        cost_bound_nano_usd=_bound(call, provider) if provider and not call.replay_of else 0,
        traceparent=trace.decode() if trace and _TRACEPARENT.fullmatch(trace) else "",
        span_id=f"{hash(call.call_id) & 0xFFFF_FFFF_FFFF_FFFF:016x}",  # any 64 bits that no other call has
        asked_dialect="" if call.is_native or provider is None else call.asked,
        dropped=call.dropped,
        while_waiting=caller.is_waiting,
        subagent=call.said.subagent,
    )


def write_progress(call: Call, now_ns: int) -> None:
    """At most once a second while a stream runs."""
    call.progress_ns = now_ns
    if call.reading is None or call.provider is None:
        return
    output = -(-call.reading.output_characters // CHARACTERS_PER_TOKEN)
    usage = Usage(input=_estimated_input(call), output=output)
    at_ns = call.shared.deps.clock.now_ns()
    cost = call.shared.deps.prices.cost(call.provider, call.model, usage, at_ns)
    call.shared.journal.write(
        CallProgress(call_id=call.call_id, at_ns=at_ns, output_tokens=output, cost_nano_usd=cost.nano_usd)
    )


def make_ended(call: Call) -> CallEnded:
    """To be written before the last byte goes to the client; once."""
    deps, reading, policy = call.shared.deps, call.reading, call.policy
    usage = billed_usage(call)
    computed = _computed(call, usage)
    cost = billed_or_computed(usage, computed)
    call.cost_nano_usd = cost.nano_usd
    now_ns = deps.clock.monotonic_ns()
    is_full = policy.body_policy == "full"
    cap = deps.limits.recorded_body_bytes
    return CallEnded(
        call_id=call.call_id,
        at_ns=deps.clock.now_ns(),
        outcome=call.outcome,
        status=call.status,
        upstream_status=call.upstream_status,
        error_code=call.error_code,
        usage=usage,
        cost_nano_usd=cost.nano_usd,
        computed_nano_usd=computed.nano_usd,
        cost_parts=computed.parts or {},
        service_tier=reading.service_tier if reading else "",
        is_priced=cost.is_priced,
        price_source=cost.source,
        stop_reason=reading.stop_reason if reading else "",
        response_model=reading.model if reading else "",
        response_id=reading.response_id if reading else "",
        response_digest=reading.digest() if reading else "",
        queue_us=_microseconds(call.received_ns, call.begun_ns),
        connect_us=_microseconds(call.begun_ns, call.asked_ns),
        first_byte_us=_microseconds(call.asked_ns, call.answered_ns),
        first_token_us=_microseconds(call.asked_ns, call.first_token_ns) if call.first_token_ns else 0,
        total_us=_microseconds(call.received_ns, now_ns),
        request_bytes=len(call.body),
        response_bytes=call.answer_bytes,
        request_body=_recorded(call, call.body[:cap]) if is_full and call.has_text else None,
        response_body=_recorded(call, _said(call)) if is_full else None,
        is_body_cut=is_full and (len(call.body) > cap or call.answer_bytes > call.kept_bytes),
        body_policy=policy.body_policy,
        after_revocation=call.caller is not None and call.caller.is_revoked(deps.policy.current()),
        replay_of=call.replay_of,
    )


def billed_usage(call: Call) -> Usage:
    """What the provider will bill, read or, where the answer does not say, estimated and marked so.

    Nothing was used by a call that was refused, answered from the record, or failed at the provider. A call that the
    client left, or we cut, before the answer began is billed its input: the provider had it.
    """
    reading = call.reading
    if call.replay_of or not call.asked_ns:
        return Usage()
    if reading is None or call.upstream_status >= 400 or call.upstream_status == 0:
        was_dropped = call.outcome == "client_left" or call.is_cut or call.error_code == "interrupted"
        return Usage(input=_estimated_input(call), is_estimated=True) if was_dropped else Usage()
    seen = reading.usage
    if seen is None and call.where.operation in {"other", "count_tokens"}:
        return Usage(is_estimated=call.where.operation == "other")  # a file's tokens nobody knows, counting is free
    is_whole = call.outcome == "ok" or reading.is_complete
    if seen is not None and is_whole:
        return seen
    if seen is None and reading.error_code and not reading.output_characters:
        return Usage()
    return _estimated(call, seen or Usage(), reading.output_characters)


def _estimated(call: Call, seen: Usage, characters: int) -> Usage:
    """What was seen, made whole. A sum that the provider said on the way is not what it bills in the end."""
    is_input_seen = seen.input or seen.cache_read or seen.cache_write_5m or seen.cache_write_1h
    return replace(
        seen,
        input=seen.input if is_input_seen else _estimated_input(call),
        output=max(seen.output, -(-characters // CHARACTERS_PER_TOKEN)),
        billed_nano_usd=None,
        is_estimated=True,
    )


def _estimated_input(call: Call) -> int:
    """By the length of the request; a file in it counts as a picture of common size does."""
    text, files = _ENCODED_FILE.subn(b"", call.body) if len(call.body) > MOST_PLAIN_BYTES else (call.body, 0)
    return files * TOKENS_PER_FILE - (-len(text) // CHARACTERS_PER_TOKEN)


def _computed(call: Call, usage: Usage) -> Cost:
    provider, reading = call.provider, call.reading
    if provider is None or call.replay_of:
        return Cost(0, True, "")
    tier = reading.service_tier if reading else ""
    answered_by = reading.model if reading else ""
    return call.shared.deps.prices.cost_of_call(provider, (call.model, answered_by), usage, call.at_ns, tier)


def _bound(call: Call, provider: Provider) -> int:
    """The most the call can cost: what is known of it before it is asked."""
    head = call.head
    wanted = head.max_completion_tokens or head.max_tokens
    output = wanted if isinstance(wanted, int) and wanted > 0 else BOUND_OUTPUT_TOKENS
    tokens = len(call.body) // BOUND_BYTES_PER_TOKEN
    return call.shared.deps.prices.bound(provider, call.model, tokens, output, call.at_ns)


def _said(call: Call) -> bytes:
    """The answer as it went to the client; a binary stream as text."""
    said = b"".join(call.answer_parts)
    if call.dialect == "bedrock" and said[:1] == b"\0":  # the length of the first message
        from proxy.dialects.bedrock.lines import as_lines  # noqa: PLC0415 - most never need it

        return as_lines(said)
    return said


def _recorded(call: Call, body: bytes) -> str:
    """A body as text, without the keys that this call knows of."""
    key = call.caller.key if call.caller is not None else ""
    provider_key = call.provider.api_key if call.provider is not None else ""
    return without_keys(body.decode("utf-8", "replace"), (key, provider_key))


def _microseconds(start_ns: int, end_ns: int) -> int:
    return (end_ns - start_ns) // 1000 if end_ns > start_ns > 0 else 0
