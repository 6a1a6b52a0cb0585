"""Makes a call's records: what it was, how it goes, how it ended and what it cost."""

import re

import msgspec
from msgspec.structs import replace

from proxy.call import Call, Caller
from proxy.dialects.reading import CHARACTERS_PER_TOKEN, UNREADABLE, Reading
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

SPEECH_PATH = "/v1/audio/speech"

_ENCODED_FILE = re.compile(rb"[A-Za-z0-9+/_-]{4096,}={0,2}")


class _Speech(msgspec.Struct):
    input: str = ""


_decode_speech = msgspec.json.Decoder(_Speech).decode


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
    """By position, in the order of the struct: msgspec looks for each name among all, which takes a microsecond."""
    provider, head, said, principal = call.provider, call.head, call.said, caller.principal
    return CallStarted(
        call.call_id,
        call.at_ns,
        "model",
        principal.workspace_id,
        principal.key_id,
        provider.name if provider else "",
        call.model,
        call.dialect,
        call.where.path,
        caller.agent_id,
        caller.run_id,
        caller.task_id,
        caller.epoch,
        head.stream is True,
        provider is not None and provider.is_simulated,
        call.idempotency_key,
        fingerprint(call.model, head) if caller.run_id else "",
        label(head),
        _bound(call, provider) if provider and not call.replay_of else 0,
        said.traceparent,
        "",  # the span's id follows from the call's
        "" if call.is_native or provider is None else call.asked,
        call.dropped,
        caller.is_waiting,
        said.subagent,
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
    """To be written before the last byte goes to the client; once. By position, as `_as_started`."""
    deps, policy, caller = call.shared.deps, call.policy, call.caller
    reading = call.reading if call.reading is not None else Reading()
    usage = billed_usage(call)
    computed = _computed(call, usage)
    cost = billed_or_computed(usage, computed)
    call.cost_nano_usd = cost.nano_usd
    is_full = policy.body_policy == "full"
    cap = deps.limits.recorded_body_bytes
    begun, asked, answered, token = call.begun_ns, call.asked_ns, call.answered_ns, call.first_token_ns
    return CallEnded(
        call.call_id,
        deps.clock.now_ns(),
        call.outcome,
        call.status,
        call.upstream_status,
        call.error_code,
        usage,
        cost.nano_usd,
        computed.nano_usd,
        computed.parts or {},
        reading.service_tier,
        cost.is_priced,
        cost.source,
        reading.stop_reason,
        reading.model,
        reading.response_id,
        reading.digest() if caller is not None and caller.run_id else "",
        (begun - call.received_ns) // 1000 if begun else 0,
        (asked - begun) // 1000 if asked else 0,
        (answered - asked) // 1000 if answered else 0,
        (token - asked) // 1000 if token else 0,
        (deps.clock.monotonic_ns() - call.received_ns) // 1000,
        len(call.body),
        call.answer_bytes,
        _recorded(call, call.body[:cap]) if is_full and call.has_text else None,
        _recorded(call, _said(call)) if is_full else None,
        is_full and (len(call.body) > cap or call.answer_bytes > call.kept_bytes),
        policy.body_policy,
        caller is not None and caller.is_revoked(deps.policy.current()),
        call.replay_of,
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
    if seen is None and call.where.operation == "count_tokens":
        return Usage()  # it is free
    if seen is None and call.where.operation == "other":  # a file's tokens nobody knows
        return Usage(is_estimated=True, units=_spoken(call) if call.where.path == SPEECH_PATH else None)
    is_whole = call.outcome == "ok" or reading.is_complete
    if seen is not None and is_whole:
        return seen
    if seen is None and reading.error_code and not reading.output_characters:
        return Usage()
    return _estimated(call, seen or Usage(), reading.output_characters)


def _spoken(call: Call) -> dict[str, int] | None:
    """Speech is billed by the text that is spoken; the answer is sound, and says nothing."""
    try:
        spoken = _decode_speech(call.body).input
    except UNREADABLE:
        return None
    return {"characters": len(spoken)} if spoken else None


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
    tier, answered_by = (reading.service_tier, reading.model) if reading is not None else ("", "")
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
