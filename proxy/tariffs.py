"""The rates of one model: which of them hold for a call, and what its usage comes to. Whole numbers only.

| what | rule |
|---|---|
| a rate that is missing | that of its whole: cached sound costs what is cached, reasoning what the output costs |
| Claude's cache | to write for five minutes 1.25 × the input, for an hour 2 ×, unless the list says otherwise |
| length | a cliff: beyond a tier's start all tokens pay its rate |
| tier | words of the answer, joined by `+`: `flex`, `priority`, `fast`, `batch`; a batch without rates costs half |
| `us` | Claude's `inference_geo`: 1.1 × for all tokens, since Opus 4.6 |

Sources, November 2026: https://platform.claude.com/docs/en/about-claude/pricing, https://platform.openai.com/docs/pricing,
https://ai.google.dev/gemini-api/docs/pricing
"""

import re
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from proxy.price_list import ListedModel, Rates, holds
from proxy.price_overrides import Override
from proxy.price_units import UNITS, amount, billed_count, unit_rates
from proxy.records import Usage

SCALE = 10**15  # rates are whole numbers of 1e-15 nano-USD: exact for prices of up to 18 decimals, and fast
HALF = SCALE // 2

_NANO_PER_TOKEN = 1000  # of 1 USD per million tokens
_NANO_PER_THOUSANDTH = 1_000_000  # of 1 USD per thousand requests
_MINUTE_NS = 60 * 10**9
_FREE_AT_OPENROUTER = ":free"
_BATCH, _US = "batch", "us"
# Before Opus 4.6 a region had no price: https://platform.claude.com/docs/en/build-with-claude/data-residency (11/2026)
_EVERYWHERE_ALIKE = re.compile(r"claude-(v?[123]\b|instant|\d-|\w+-4-[015]$)")


class Flat(msgspec.Struct, frozen=True):
    """Rates at one length of input, in 1e-15 nano-USD."""

    fresh: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    output: int
    reasoning: int
    audio_input: int
    audio_output: int
    image_input: int
    image_output: int
    audio_cache_read: int
    citation: int
    request: int
    search: int
    units: dict[str, int]  # by the names of `price_units.UNITS`


class Bill(msgspec.Struct, frozen=True):
    """What a usage comes to."""

    total: int  # before rounding, in 1e-15 nano-USD
    parts: dict[str, int]  # by the names of `Usage`, each rounded to nano-USD; one inside of another is in both


Schedule = list[tuple[int, Flat]]  # beyond how many tokens of input, the highest first; ends with -1


class Tariff:
    """All rates of one model, with what the configuration says instead."""

    def __init__(self, source: str, model: ListedModel, overrides: tuple[Override, ...] = ()) -> None:
        self.source = source
        self._model = model
        self._overrides = overrides
        self.is_listed = any(rates for _, rates in model.prices) or model.id.endswith(_FREE_AT_OPENROUTER)
        self._is_claude = "claude" in model.id and "anthropic." not in model.id  # Bedrock lists all that it charges
        self._pays_for_region = self._is_claude and not _EVERYWHERE_ALIKE.search(model.id)
        self._words = {_BATCH, _US, *(name for name, _, _ in model.tiers), *(one.tier for one in overrides)} - {""}
        self._is_timeless = len(model.prices) == 1 and model.prices[0][0] is None and not overrides
        self._schedules: dict[tuple[object, ...], Schedule] = {}
        self._latest: tuple[int, str, Schedule] = (-1, "", [])
        self._standard = self._schedule(0, ()) if self._is_timeless else []
        self._only = self._standard[0][1] if len(self._standard) == 1 else None  # whatever the day and the length

    def has_prices(self, at_ns: int) -> bool:
        """False for a model that is listed without any, or that only the configuration knows, before its first day."""
        if self.is_listed:
            return True
        at = datetime.fromtimestamp(at_ns / 1e9, UTC)
        return any(holds(one.when, at) for one in self._overrides)

    def rates(self, whole_input: int, at_ns: int, tier: str = "") -> Flat:
        for start, flat in self._standard if self._is_timeless and not tier else self._current(at_ns, tier):
            if whole_input > start:
                return flat
        raise AssertionError("a schedule ends with -1")

    def bill(self, usage: Usage, at_ns: int, tier: str = "") -> Bill:
        """What `usage` comes to, in all and by its counts."""
        read, write_5m, write_1h = usage.cache_read, usage.cache_write_5m, usage.cache_write_1h
        rates = self._only
        if rates is None or tier:
            rates = self.rates(usage.input + read + write_5m + write_1h, at_ns, tier)
        is_rare = bool(rates.request) or _is_rare(usage)
        if not (read or write_5m or write_1h or usage.reasoning or is_rare):
            return _bill_plain(usage.input * rates.fresh, usage.output * rates.output)
        found = {"input": usage.input * rates.fresh, "output": usage.output * rates.output}
        if read:
            found["cache_read"] = read * rates.cache_read
        if write_5m:
            found["cache_write_5m"] = write_5m * rates.cache_write_5m
        if write_1h:
            found["cache_write_1h"] = write_1h * rates.cache_write_1h
        inside = _add_rare(found, usage, rates) if is_rare else {}
        if usage.units:
            self._add_units(found, inside, usage, rates)
        if usage.reasoning:
            count = min(usage.reasoning, usage.output)
            inside["reasoning"] = count * rates.reasoning
            found["output"] += count * (rates.reasoning - rates.output)
        total = sum(found.values())
        found |= inside
        return Bill(total, {name: (amount + HALF) // SCALE for name, amount in found.items() if amount})

    def _add_units(self, found: dict[str, int], inside: dict[str, int], usage: Usage, rates: Flat) -> None:
        """What has no price costs nothing, or as much as the whole that it is part of."""
        wholes = {
            "input": (usage.input, rates.fresh),
            "output": (usage.output, rates.output),
            "cache_read": (usage.cache_read, rates.cache_read),
        }
        for name, count in (usage.units or {}).items():
            rate, whole = rates.units.get(name, 0), UNITS[name].whole if name in UNITS else ""
            if not rate:
                continue
            if whole:
                most, usual = wholes[whole]
                inside[name] = amount(name, min(count, most), rate)
                found[whole] = found.get(whole, 0) + inside[name] - min(count, most) * usual
            else:
                found[name] = amount(name, billed_count(name, count, self._model.id), rate)

    def _current(self, at_ns: int, tier: str) -> Schedule:
        """Remembered for the minute, since no price of the list begins within one."""
        minute = at_ns // _MINUTE_NS
        if self._latest[:2] != (minute, tier):
            self._latest = (minute, tier, self._schedule(at_ns, self._known(tier)))
        return self._latest[2]

    def _known(self, tier: str) -> tuple[str, ...]:
        """The words of a tier that matter. They come from outside: what is not known is not remembered either."""
        return tuple(word for word in tier.split("+") if word in self._words)

    def _schedule(self, at_ns: int, words: tuple[str, ...]) -> Schedule:
        at = datetime.fromtimestamp(at_ns / 1e9, UTC)
        standard = self._model.standard_at(at)
        tiers = self._model.tiers_at(at, words)
        overrides = tuple(
            place
            for place, one in enumerate(self._overrides)
            if holds(one.when, at) and (not one.tier or one.tier in words)
        )
        key = (standard, tiers, overrides, _BATCH in words, _US in words)
        found = self._schedules.get(key)
        if found is None:
            found = self._schedules[key] = self._made(standard, tiers, overrides, words)
        return found

    def _made(
        self, standard: int, tiers: tuple[int, ...], overrides: tuple[int, ...], words: tuple[str, ...]
    ) -> Schedule:
        rates = dict(self._model.prices[standard][1])
        for place in reversed(tiers):  # of two that name the same rate, the first holds
            rates |= self._model.tiers[place][2]
        for place in overrides:
            rates = self._overrides[place].over(rates)
        has_batch = any(self._model.tiers[place][0] == _BATCH for place in tiers) or any(
            self._overrides[place].tier == _BATCH for place in overrides
        )
        share = Decimal(1)
        if _BATCH in words and not has_batch:
            share /= 2
        if _US in words and self._pays_for_region:
            share *= Decimal("1.1")
        starts = {start for rate in rates.values() for start, _ in rate.tiers}
        return [
            (start, _flat(rates, start + 1, share, is_claude=self._is_claude))
            for start in sorted({-1, *starts}, reverse=True)
        ]


def _flat(rates: Rates, whole_input: int, share: Decimal, *, is_claude: bool) -> Flat:
    def rate(*names: str, unit: Decimal | int = _NANO_PER_TOKEN * share) -> int:
        found = next((rates[name] for name in names if name in rates), None)
        return int(found.at(whole_input) * unit * SCALE) if found else 0

    fresh, output = rate("input_mtok"), rate("output_mtok")
    write_5m = rate("cache_write_5m_mtok", "cache_write_mtok", "input_mtok")
    write_1h = rate("cache_write_1h_mtok", "cache_write_mtok", "input_mtok")
    if is_claude and not {"cache_write_mtok", "cache_write_5m_mtok"} & rates.keys():
        write_5m = fresh * 5 // 4
    if is_claude and "cache_write_1h_mtok" not in rates:
        write_1h = write_5m * 8 // 5
    return Flat(
        fresh=fresh,
        cache_read=rate("cache_read_mtok", "input_mtok"),
        cache_write_5m=write_5m,
        cache_write_1h=write_1h,
        output=output,
        reasoning=rate("output_reasoning_mtok", "output_mtok"),
        audio_input=rate("input_audio_mtok", "input_mtok"),
        audio_output=rate("output_audio_mtok", "output_mtok"),
        image_input=rate("input_image_mtok", "input_mtok"),
        image_output=rate("output_image_mtok", "output_mtok"),
        audio_cache_read=rate("cache_audio_read_mtok", "cache_read_mtok", "input_mtok"),
        citation=rate("output_citation_mtok"),
        request=rate("requests_kcount", unit=_NANO_PER_THOUSANDTH),
        search=rate("web_searches_kcount", unit=_NANO_PER_THOUSANDTH),
        units=unit_rates(rates, whole_input, share, SCALE),
    )


def _bill_plain(input_amount: int, output_amount: int) -> Bill:
    """Of what most calls have and nothing else."""
    parts = {}
    if input_amount:
        parts["input"] = (input_amount + HALF) // SCALE
    if output_amount:
        parts["output"] = (output_amount + HALF) // SCALE
    return Bill(input_amount + output_amount, parts)


def _is_rare(usage: Usage) -> bool:
    """Has it counts that few calls have?"""
    return bool(
        usage.audio_input or usage.image_input or usage.audio_cache_read or usage.audio_output
        or usage.image_output or usage.citation or usage.searches or usage.units
    )  # fmt: skip


def _add_rare(found: dict[str, int], usage: Usage, rates: Flat) -> dict[str, int]:
    """Adds what few calls have, and to a whole what its parts cost more. Answers those parts, already in it."""
    inside: dict[str, int] = {}
    for name, whole, count, rate, usual in (
        ("audio_input", "input", min(usage.audio_input, usage.input), rates.audio_input, rates.fresh),
        ("image_input", "input", min(usage.image_input, usage.input), rates.image_input, rates.fresh),
        (
            "audio_cache_read", "cache_read", min(usage.audio_cache_read, usage.cache_read),
            rates.audio_cache_read, rates.cache_read,
        ),
        ("audio_output", "output", min(usage.audio_output, usage.output), rates.audio_output, rates.output),
        ("image_output", "output", min(usage.image_output, usage.output), rates.image_output, rates.output),
    ):  # fmt: skip
        if count:
            inside[name] = count * rate
            found[whole] += count * (rate - usual)
    if usage.citation:
        found["citation"] = usage.citation * rates.citation
    if usage.searches:
        found["searches"] = usage.searches * rates.search
    if rates.request and (usage.output or usage.input or usage.cache_read):  # what failed used nothing
        found["request"] = rates.request
    return inside
