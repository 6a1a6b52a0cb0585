"""What a call costs: integer nano-USD, rounded half-even once, from Decimal prices per million tokens.

The prices are those of `genai-prices`, read once at start (`proxy/price_list.py`). A price can depend on the date, the
hour, the service tier of the answer and, as a cliff, on the whole input: beyond a tier's start all tokens pay its rate.
"""

import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

import msgspec

from proxy.ports import Provider
from proxy.price_list import ListedModel, ListedProvider, Listing, Rates, matches
from proxy.records import Usage

MOST_REMEMBERED = 10_000  # model names come from clients: a memo of them must have an end
SIMULATED_MODEL = "gpt-5-mini"
FREE = "free"  # `price_provider: free` in the configuration: a model of one's own

_NANO_PER_TOKEN = Decimal(1000)  # of 1 USD per million tokens
_NANO_PER_REQUEST = Decimal(1_000_000)  # of 1 USD per thousand requests
_COMPACT_DATE = re.compile(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")


class Cost(NamedTuple):
    """What `PriceTable.cost` answers."""

    nano_usd: int
    is_priced: bool
    source: str  # 'genai-prices 0.2.3: openai/gpt-5-mini'


class _Found(NamedTuple):
    provider_id: str
    model: ListedModel


class PriceTable:
    """Prices by provider and model name, aliases resolved, hits and misses remembered."""

    def __init__(self, listing: bytes) -> None:
        found = msgspec.json.decode(listing, type=Listing)
        self._version = found.version
        self._providers = {one.id: one for one in found.providers}
        self._memo: dict[tuple[str, str, str], _Found | None] = {}

    def cost(self, provider: Provider, model: str, usage: Usage, at_ns: int, service_tier: str = "") -> Cost:
        """What `usage` costs at a time. An unknown model costs 0 and says so."""
        if provider.price_provider == FREE:
            return Cost(0, True, FREE)
        found = self._find(provider, model)
        prefix = f"genai-prices {self._version}: "
        if found is None and provider.is_simulated:
            found = self._find(provider, SIMULATED_MODEL)
        if found is None:
            return Cost(0, False, "")
        at = datetime.fromtimestamp(at_ns / 1e9, UTC)
        total = _total(found.model.rates(at, service_tier), usage)
        simulated = "simulated, priced as " if provider.is_simulated else ""
        nano_usd = int(total.to_integral_value(ROUND_HALF_EVEN))
        return Cost(nano_usd, True, f"{simulated}{prefix}{found.provider_id}/{found.model.id}")

    def bound(self, provider: Provider, model: str, input_tokens: int, output_tokens: int, at_ns: int) -> int:
        """The most a call can cost in nano-USD; 0 for a model without a price."""
        usage = Usage(input=input_tokens, output=output_tokens)
        return self.cost(provider, model, usage, at_ns).nano_usd

    def known_models(self, provider: Provider) -> list[str]:
        """The names under which the price list knows a provider's models."""
        listed = self._provider(provider)
        return [one.id for one in listed.listed] if listed else []

    def _find(self, provider: Provider, model: str) -> _Found | None:
        key = (provider.price_provider or provider.name, provider.base_url, model)
        if key in self._memo:
            return self._memo[key]
        if len(self._memo) >= MOST_REMEMBERED:
            self._memo.clear()
        found = self._memo[key] = self._search(provider, model.lower())
        return found

    def _search(self, provider: Provider, model: str) -> _Found | None:
        listed = None if provider.is_simulated else self._provider(provider)
        if listed is None:  # not a provider of the list: the model's name says whose it is
            listed = next((one for one in self._providers.values() if matches(one.model_match, model)), None)
        if listed is None:
            return None
        candidates = [listed, *(self._providers[name] for name in listed.fallback if name in self._providers)]
        for name in dict.fromkeys((model, _COMPACT_DATE.sub(r"-\1-\2-\3", model))):
            for candidate in candidates:
                if found := candidate.find(name):
                    return _Found(listed.id, found)
        return None

    def _provider(self, provider: Provider) -> ListedProvider | None:
        name = (provider.price_provider or provider.name).lower()
        if name in self._providers:
            return self._providers[name]
        listed = self._providers.values()
        by_name = next((one for one in listed if matches(one.provider_match, name)), None)
        return by_name or next((one for one in listed if re.match(one.api_pattern, provider.base_url)), None)


def _total(rates: Rates, usage: Usage) -> Decimal:
    """Nano-USD before rounding. What has no rate of its own pays the rate of what it is part of."""
    whole_input = usage.input + usage.cache_read + usage.cache_write_5m + usage.cache_write_1h
    total = Decimal(0)
    for name, tokens in _counts(rates, usage):
        if tokens and name in rates:
            total += rates[name].at(whole_input) * tokens
    total *= _NANO_PER_TOKEN
    if "requests_kcount" in rates:
        total += rates["requests_kcount"].at(whole_input) * _NANO_PER_REQUEST
    return total


def _counts(rates: Rates, usage: Usage) -> tuple[tuple[str, int], ...]:
    write = "cache_write_mtok" if "cache_write_mtok" in rates else "input_mtok"
    audio_in = min(usage.audio_input, usage.input) if "input_audio_mtok" in rates else 0
    audio_out = min(usage.audio_output, usage.output) if "output_audio_mtok" in rates else 0
    reasoning = min(usage.reasoning, usage.output - audio_out) if "output_reasoning_mtok" in rates else 0
    return (
        ("input_mtok", usage.input - audio_in),
        ("input_audio_mtok", audio_in),
        ("cache_read_mtok" if "cache_read_mtok" in rates else "input_mtok", usage.cache_read),
        (write, usage.cache_write_5m),
        ("cache_write_1h_mtok" if "cache_write_1h_mtok" in rates else write, usage.cache_write_1h),
        ("output_mtok", usage.output - audio_out - reasoning),
        ("output_audio_mtok", audio_out),
        ("output_reasoning_mtok", reasoning),
    )
