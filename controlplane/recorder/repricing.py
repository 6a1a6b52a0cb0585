"""What recorded calls cost by today's price list and by the `prices:` of the configuration: `pointsman reprice`.

The prices are those of the moment of each call; what a provider billed stays as it billed it. Killed at any point,
every call has its old cost or its new one, and the sums of its run follow: a batch is one transaction that also marks
its runs as due, and whoever comes first, this command again or the recorder, derives them anew. Run again it changes
nothing.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from msgspec.structs import replace

from controlplane.plain_sqlite import writing
from controlplane.recorder.statements import INSERT_STALE, as_json
from proxy.ports import Provider
from proxy.pricing import Cost, PriceTable, billed_or_computed
from proxy.providers.registry import find_known
from proxy.records import Usage

CALLS_PER_BATCH = 500
END_OF_TIME_NS = 2**63 - 1

_FIND = """
SELECT call_id, run_id, provider, model, response_model, service_tier, started_at_ns, is_simulated,
    cost_nano_usd, computed_nano_usd, is_priced, units,
    input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens,
    audio_input_tokens, audio_output_tokens, image_input_tokens, image_output_tokens, audio_cache_read_tokens,
    citation_tokens, searches, billed_nano_usd
FROM calls WHERE call_id > :after AND kind = 'model' AND provider <> '' AND replay_of = ''
    AND outcome NOT IN ('', 'unknown') AND started_at_ns >= :since_ns AND started_at_ns < :until_ns
    AND (:provider = '' OR provider = :provider) AND (:model = '' OR model = :model)
ORDER BY call_id LIMIT :limit
"""
_UPDATE = """
UPDATE calls SET cost_nano_usd = ?, computed_nano_usd = ?, cost_parts = ?, is_priced = ?, price_source = ?
WHERE call_id = ?
"""
_COLUMNS = 11  # before the units and the fields of `Usage`, which follow in their order


class _Call(NamedTuple):
    call_id: str
    run_id: str | None
    provider: str
    model: str
    response_model: str
    service_tier: str
    started_at_ns: int
    is_simulated: int
    cost_nano_usd: int
    computed_nano_usd: int
    is_priced: int
    usage: Usage


class _New(NamedTuple):
    """A call whose cost is another by now."""

    call: _Call
    cost: Cost
    computed: Cost


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which calls. Empty names are any."""

    since_ns: int = 0
    until_ns: int = END_OF_TIME_NS
    provider: str = ""
    model: str = ""


@dataclass(slots=True)
class Change:
    """What became of the calls of one model."""

    calls: int = 0
    before_nano_usd: int = 0
    after_nano_usd: int = 0


@dataclass(slots=True)
class Repriced:
    """What was looked at, and what changed by provider and model."""

    calls: int = 0
    changes: dict[tuple[str, str], Change] = field(default_factory=lambda: defaultdict(Change))


def reprice(
    calls: sqlite3.Connection,
    table: PriceTable,
    providers: Mapping[str, Provider],
    chosen: Chosen,
    *,
    is_dry: bool = False,
) -> Repriced:
    """Sets the cost of the chosen calls anew, a batch at a time, and marks their runs as due."""
    found = Repriced()
    for batch in _batches(calls, chosen):
        changed = [new for call in batch if (new := _repriced(call, table, providers)) is not None]
        found.calls += len(batch)
        for call, cost, _ in changed:
            change = found.changes[call.provider, call.model]
            change.calls += 1
            change.before_nano_usd += call.cost_nano_usd
            change.after_nano_usd += cost.nano_usd
        if changed and not is_dry:
            _write(calls, changed)
    return found


def _write(calls: sqlite3.Connection, changed: list[_New]) -> None:
    rows = [
        (
            cost.nano_usd,
            computed.nano_usd,
            as_json(computed.parts),
            cost.is_priced,
            cost.source,
            call.call_id,
        )
        for call, cost, computed in changed
    ]
    with writing(calls):
        calls.executemany(_UPDATE, rows)
        calls.executemany(INSERT_STALE, {(call.run_id,) for call, _, _ in changed if call.run_id is not None})


def _batches(calls: sqlite3.Connection, chosen: Chosen) -> Iterator[list[_Call]]:
    wanted: dict[str, object] = {
        "after": "",
        "since_ns": chosen.since_ns,
        "until_ns": chosen.until_ns,
        "provider": chosen.provider,
        "model": chosen.model,
        "limit": CALLS_PER_BATCH,
    }
    while rows := calls.execute(_FIND, wanted).fetchall():
        yield [_Call._make((*row[:_COLUMNS], _usage(row))) for row in rows]
        wanted["after"] = rows[-1][0]


def _usage(row: Sequence[Any]) -> Usage:
    units, *counts = row[_COLUMNS:]
    usage = Usage(*counts)
    return replace(usage, units=json.loads(units)) if units else usage


def _repriced(call: _Call, table: PriceTable, providers: Mapping[str, Provider]) -> _New | None:
    """None for a call that costs what it did."""
    models = (call.model, call.response_model)
    provider = _provider(call, providers)
    computed = table.cost_of_call(provider, models, call.usage, call.started_at_ns, call.service_tier)
    cost = billed_or_computed(call.usage, computed)
    before = (call.cost_nano_usd, call.computed_nano_usd, bool(call.is_priced))
    return None if before == (cost.nano_usd, computed.nano_usd, cost.is_priced) else _New(call, cost, computed)


def _provider(call: _Call, providers: Mapping[str, Provider]) -> Provider:
    """As it is configured, or as it would be by its name when it no longer is."""
    if call.provider in providers and providers[call.provider].is_simulated == bool(call.is_simulated):
        return providers[call.provider]
    known = find_known(call.provider)
    price_provider = known.price_provider if known else ""
    return Provider(call.provider, "openai", "", price_provider=price_provider, is_simulated=bool(call.is_simulated))
