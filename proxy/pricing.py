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

_Rates = dict[str, tuple[int, list[tuple[int, int]]]]
_COMPACT_DATE = re.compile(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")


class Cost(NamedTuple):
    """What `PriceTable.cost` answers."""

    nano_usd: int
    is_priced: bool
    source: str  # 'genai-prices 0.2.3: openai/gpt-5-mini'


class _Tariff:
    """The rates of one model, ready to multiply with."""

    def __init__(self, source: str, model: ListedModel) -> None:
        self.source = source
        self._model = model
        self._standard = _scaled(model.prices[0][1])
        self._is_timeless = len(model.prices) == 1 and model.prices[0][0] is None
        self._tiers = {name for name, _, _ in model.tiers}

    def rates(self, at_ns: int, service_tier: str) -> _Rates:
        if self._is_timeless and service_tier not in self._tiers:
            return self._standard
        return _scaled(self._model.rates(datetime.fromtimestamp(at_ns / 1e9, UTC), service_tier))


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
        total = _total(tariff.rates(at_ns, service_tier), usage)
        nano_usd, rest = divmod(total, _SCALE)
        if rest * 2 > _SCALE or (rest * 2 == _SCALE and nano_usd % 2):
            nano_usd += 1
        return Cost(nano_usd, True, tariff.source)

    def bound(self, provider: Provider, model: str, input_tokens: int, output_tokens: int, at_ns: int) -> int:
        """The most a call can cost in nano-USD; 0 for a model without a price."""
        tariff = None if provider.price_provider == FREE else self._tariff(provider, model)
        if tariff is None:
            return 0
        rates = tariff.rates(at_ns, "")
        total = input_tokens * _rate(rates, input_tokens, "input_mtok")
        total += output_tokens * _rate(rates, input_tokens, "output_mtok") + _rate(rates, 0, "requests_kcount")
        return -(-total // _SCALE)

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


def _scaled(rates: Rates) -> _Rates:
    """Rates per token or request, each a list of (from how many input tokens, rate), the highest start first."""
    scaled: _Rates = {}
    for name, rate in rates.items():
        unit = _SCALE * (_NANO_PER_REQUEST if name == "requests_kcount" else _NANO_PER_TOKEN)
        steps = [(start, int(price * unit)) for start, price in reversed(rate.tiers)]
        scaled[name] = (int(rate.base * unit), steps)
    return scaled


def _total(rates: _Rates, usage: Usage) -> int:
    """Before rounding, in 1e-15 nano-USD. What has no rate of its own pays the rate of what it is part of."""
    read, write_5m, write_1h = usage.cache_read, usage.cache_write_5m, usage.cache_write_1h
    whole_input = usage.input + read + write_5m + write_1h
    fresh, output = usage.input, usage.output
    total = 0
    if usage.audio_input and "input_audio_mtok" in rates:
        fresh -= (audio := min(usage.audio_input, fresh))
        total += audio * _rate(rates, whole_input, "input_audio_mtok")
    if usage.audio_output and "output_audio_mtok" in rates:
        output -= (audio := min(usage.audio_output, output))
        total += audio * _rate(rates, whole_input, "output_audio_mtok")
    if usage.reasoning and "output_reasoning_mtok" in rates:
        output -= (reasoning := min(usage.reasoning, output))
        total += reasoning * _rate(rates, whole_input, "output_reasoning_mtok")
    if read:
        total += read * _rate(rates, whole_input, "cache_read_mtok", "input_mtok")
    if write_5m:
        total += write_5m * _rate(rates, whole_input, "cache_write_mtok", "input_mtok")
    if write_1h:
        total += write_1h * _rate(rates, whole_input, "cache_write_1h_mtok", "cache_write_mtok", "input_mtok")
    total += fresh * _rate(rates, whole_input, "input_mtok") + output * _rate(rates, whole_input, "output_mtok")
    return total + _rate(rates, whole_input, "requests_kcount")


def _rate(rates: _Rates, whole_input: int, *names: str) -> int:
    """The rate of the first name that has one."""
    for name in names:
        if name in rates:
            rate, steps = rates[name]
            for start, price in steps:
                if whole_input > start:
                    return price
            return rate
    return 0
