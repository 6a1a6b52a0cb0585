"""What a call costs: integer nano-USD, rounded half-even once, from decimal prices per million tokens.

The prices are those of `genai-prices`, read once at start (`proxy/price_list.py`). A price can depend on the date, the
hour, the service tier of the answer and, as a cliff, on the whole input: beyond a tier's start all tokens pay its rate.
"""

import re
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from proxy.ports import Provider
from proxy.price_list import ListedModel, ListedProvider, Listing, Rates, matches
from proxy.records import Usage

MOST_REMEMBERED = 10_000  # model names come from clients: a memo of them must have an end
SIMULATED_MODEL = "gpt-5-mini"
FREE = "free"  # `price_provider: free` in the configuration: a model of one's own

_NANO_PER_TOKEN = 1000  # of 1 USD per million tokens
_NANO_PER_REQUEST = 1_000_000  # of 1 USD per thousand requests
_SCALE = 10**15  # rates are whole numbers of 1e-15 nano-USD: exact for prices of up to 18 decimals, and fast
_COMPACT_DATE = re.compile(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")


class Cost(NamedTuple):
    """What `PriceTable.cost` answers."""

    nano_usd: int
    is_priced: bool
    source: str  # 'genai-prices 0.2.3: openai/gpt-5-mini'


class _Flat(NamedTuple):
    """Rates of one model at one length of input, in 1e-15 nano-USD. What has none of its own has that of its whole."""

    fresh: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    output: int
    audio_input: int
    audio_output: int
    reasoning: int
    request: int


_Schedule = list[tuple[int, _Flat]]  # beyond how many tokens of input, the highest first; ends with -1


class _Tariff:
    """The rates of one model, ready to multiply with."""

    def __init__(self, source: str, model: ListedModel) -> None:
        self.source = source
        self._model = model
        self._standard = _schedule(model.prices[0][1])
        self._is_timeless = len(model.prices) == 1 and model.prices[0][0] is None
        self._tiers = {name for name, _, _ in model.tiers}

    def rates(self, whole_input: int, at_ns: int, service_tier: str) -> _Flat:
        schedule = self._standard
        if not self._is_timeless or service_tier in self._tiers:
            schedule = _schedule(self._model.rates(datetime.fromtimestamp(at_ns / 1e9, UTC), service_tier))
        for start, flat in schedule:
            if whole_input > start:
                return flat
        return schedule[-1][1]


class PriceTable:
    """Prices by provider and model name, aliases resolved, hits and misses remembered."""

    def __init__(self, listing: bytes) -> None:
        found = msgspec.json.decode(listing, type=Listing)
        self._prefix = f"genai-prices {found.version}: "
        self._providers = {one.id: one for one in found.providers}
        self._memo: dict[tuple[str, str, str], _Tariff | None] = {}

    def cost(self, provider: Provider, model: str, usage: Usage, at_ns: int, service_tier: str = "") -> Cost:
        """What `usage` costs at a time. An unknown model costs 0 and says so."""
        if provider.price_provider == FREE:
            return Cost(0, True, FREE)
        tariff = self._tariff(provider, model)
        if tariff is None:
            return Cost(0, False, "")
        total = _total(tariff, usage, at_ns, service_tier)
        nano_usd, rest = divmod(total, _SCALE)
        if rest * 2 > _SCALE or (rest * 2 == _SCALE and nano_usd % 2):
            nano_usd += 1
        return Cost(nano_usd, True, tariff.source)

    def bound(self, provider: Provider, model: str, input_tokens: int, output_tokens: int, at_ns: int) -> int:
        """The most a call can cost in nano-USD; 0 for a model without a price."""
        tariff = None if provider.price_provider == FREE else self._tariff(provider, model)
        if tariff is None:
            return 0
        rates = tariff.rates(input_tokens, at_ns, "")
        return -(-(input_tokens * rates.fresh + output_tokens * rates.output + rates.request) // _SCALE)

    def known_models(self, provider: Provider) -> list[str]:
        """The names under which the price list knows a provider's models."""
        listed = self._provider(provider)
        return [one.id for one in listed.listed] if listed else []

    def _tariff(self, provider: Provider, model: str) -> _Tariff | None:
        key = (provider.price_provider or provider.name, provider.base_url, model)
        try:
            return self._memo[key]
        except KeyError:
            pass
        if len(self._memo) >= MOST_REMEMBERED:
            self._memo.clear()
        found = self._search(provider, model.lower())
        if found is None and provider.is_simulated:
            found = self._search(provider, SIMULATED_MODEL)
        if found is not None:
            simulated = "simulated, priced as " if provider.is_simulated else ""
            found.source = f"{simulated}{self._prefix}{found.source}"
        self._memo[key] = found
        return found

    def _search(self, provider: Provider, model: str) -> _Tariff | None:
        listed = None if provider.is_simulated else self._provider(provider)
        if listed is None:  # not a provider of the list: the model's name says whose it is
            listed = next((one for one in self._providers.values() if matches(one.model_match, model)), None)
        if listed is None:
            return None
        candidates = [listed, *(self._providers[name] for name in listed.fallback if name in self._providers)]
        for name in dict.fromkeys((model, _COMPACT_DATE.sub(r"-\1-\2-\3", model))):
            for candidate in candidates:
                if found := candidate.find(name):
                    return _Tariff(f"{listed.id}/{found.id}", found)
        return None

    def _provider(self, provider: Provider) -> ListedProvider | None:
        name = (provider.price_provider or provider.name).lower()
        if name in self._providers:
            return self._providers[name]
        listed = self._providers.values()
        by_name = next((one for one in listed if matches(one.provider_match, name)), None)
        return by_name or next((one for one in listed if re.match(one.api_pattern, provider.base_url)), None)


def _schedule(rates: Rates) -> _Schedule:
    starts = {start for rate in rates.values() for start, _ in rate.tiers}
    return [(start, _flat(rates, start + 1)) for start in sorted({-1, *starts}, reverse=True)]


def _flat(rates: Rates, whole_input: int) -> _Flat:
    def rate(*names: str, unit: int = _NANO_PER_TOKEN) -> int:
        found = next((rates[name] for name in names if name in rates), None)
        return int(found.at(whole_input) * unit * _SCALE) if found else 0

    return _Flat(
        fresh=rate("input_mtok"),
        cache_read=rate("cache_read_mtok", "input_mtok"),
        cache_write_5m=rate("cache_write_mtok", "input_mtok"),
        cache_write_1h=rate("cache_write_1h_mtok", "cache_write_mtok", "input_mtok"),
        output=rate("output_mtok"),
        audio_input=rate("input_audio_mtok", "input_mtok"),
        audio_output=rate("output_audio_mtok", "output_mtok"),
        reasoning=rate("output_reasoning_mtok", "output_mtok"),
        request=rate("requests_kcount", unit=_NANO_PER_REQUEST),
    )


def _total(tariff: _Tariff, usage: Usage, at_ns: int, service_tier: str) -> int:
    """Before rounding, in 1e-15 nano-USD."""
    read, write_5m, write_1h = usage.cache_read, usage.cache_write_5m, usage.cache_write_1h
    rates = tariff.rates(usage.input + read + write_5m + write_1h, at_ns, service_tier)
    total = usage.input * rates.fresh + usage.output * rates.output + rates.request
    if read or write_5m or write_1h:
        total += read * rates.cache_read + write_5m * rates.cache_write_5m + write_1h * rates.cache_write_1h
    if usage.reasoning:
        total += min(usage.reasoning, usage.output) * (rates.reasoning - rates.output)
    if usage.audio_input:
        total += min(usage.audio_input, usage.input) * (rates.audio_input - rates.fresh)
    if usage.audio_output:
        total += min(usage.audio_output, usage.output) * (rates.audio_output - rates.output)
    return total
