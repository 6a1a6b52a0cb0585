"""What a call costs: integer nano-USD, rounded half-even once, from decimal prices per million tokens.

The prices are those of `genai-prices`, read once at start (`proxy/price_list.py`), before them our own few
(`proxy/price_supplement.py`), and before both those of the configuration (`proxy/price_overrides.py`). A price can
depend on the date, the hour, the service tier of the answer and, as a cliff, on the whole input (`proxy/tariffs.py`).
"""

import re
from collections.abc import Iterable, Iterator

import msgspec

from proxy.memo import keep
from proxy.ports import Provider
from proxy.price_list import ListedModel, ListedProvider, Listing, matches
from proxy.price_overrides import NO_OVERRIDES, Override, PriceOverrides
from proxy.price_supplement import load_supplement
from proxy.records import Usage
from proxy.tariffs import HALF, SCALE, Tariff

MOST_REMEMBERED = 10_000  # model names come from clients
SIMULATED_MODEL = "gpt-5-mini"
_FIREWORKS = "fireworks"  # whose models have short names, too
FREE = "free"  # `price_provider: free` in the configuration: a model of one's own
CONFIGURED = "configuration"
OURS = "price supplement"
BILLED = "billed by the provider"

_LAST_DATE = re.compile(r"[-@]20\d{2}-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])$")
_COMPACT_DATE = re.compile(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")


class Cost(msgspec.Struct, frozen=True):
    """What `PriceTable.cost` answers."""

    nano_usd: int
    is_priced: bool
    source: str  # 'genai-prices 0.2.3: openai/gpt-5-mini'
    exact: int = 0  # before rounding, in 1e-15 nano-USD
    parts: dict[str, int] | None = None  # in nano-USD by the names of the counts, see `tariffs.Bill`


NO_PRICE = Cost(0, False, "")


def billed_or_computed(usage: Usage, computed: Cost) -> Cost:
    """What the provider says goes before what we compute."""
    if usage.billed_nano_usd is None:
        return computed
    return Cost(usage.billed_nano_usd, True, BILLED)


class PriceTable:
    """Prices by provider and model name, aliases resolved, hits and misses remembered."""

    def __init__(self, listing: bytes, overrides: PriceOverrides = NO_OVERRIDES) -> None:
        self._overrides = overrides
        self._supplement = load_supplement()
        found = msgspec.json.decode(listing, type=Listing)
        self._listing = f"genai-prices {found.version}"
        self._providers = {one.id: one.with_resold(self._supplement.resells.get(one.id, [])) for one in found.providers}
        self._memo: dict[tuple[str, str, str, str], Tariff | None] = {}

    def override(self, overrides: PriceOverrides) -> None:
        """Takes over the prices of a configuration that was read again."""
        if overrides != self._overrides:
            self._overrides = overrides
            self._memo.clear()

    def cost(self, provider: Provider, model: str, usage: Usage, at_ns: int, service_tier: str = "") -> Cost:
        """What `usage` costs by the prices of that moment. An unknown model costs 0 and says so."""
        tariff = self._tariff(provider, model)
        if tariff is None:
            return Cost(0, True, FREE) if provider.price_provider == FREE else NO_PRICE
        if not (tariff.is_listed or tariff.has_prices(at_ns)):
            return NO_PRICE
        bill = tariff.bill(usage, at_ns, service_tier)
        nano_usd, rest = divmod(bill.total, SCALE)
        if rest > HALF or (rest == HALF and nano_usd % 2):
            nano_usd += 1
        return Cost(nano_usd, True, tariff.source, bill.total, bill.parts)

    def cost_of_call(
        self, provider: Provider, models: Iterable[str], usage: Usage, at_ns: int, service_tier: str = ""
    ) -> Cost:
        """By the first of the names that has a price: what was asked for, or what answered."""
        for model in models:
            cost = self.cost(provider, model, usage, at_ns, service_tier)
            if cost.is_priced:
                return cost
        return NO_PRICE

    def bound(self, provider: Provider, model: str, input_tokens: int, output_tokens: int, at_ns: int) -> int:
        """The most a call can cost in nano-USD; 0 for a model without a price."""
        tariff = self._tariff(provider, model)
        if tariff is None:
            return 0
        rates = tariff.rates(input_tokens, at_ns)
        return -(-(input_tokens * rates.fresh + output_tokens * rates.output + rates.request) // SCALE)

    def known_models(self, provider: Provider) -> list[str]:
        """The names under which the price list knows a provider's models."""
        listed = self._provider(provider)
        return [one.id for one in listed.listed] if listed else []

    def _tariff(self, provider: Provider, model: str) -> Tariff | None:
        key = (provider.name, provider.price_provider, provider.base_url, model)
        try:
            return self._memo[key]
        except KeyError:
            pass
        return keep(self._memo, key, self._made(provider, model.lower()), MOST_REMEMBERED)

    def _made(self, provider: Provider, model: str) -> Tariff | None:
        found = None if provider.price_provider == FREE else self._search(provider, model)
        if found is None and provider.is_simulated:
            found = self._search(provider, SIMULATED_MODEL)
        overrides = self._overrides.find(provider.name, model)
        if found is None:
            return Tariff(f"{CONFIGURED}: {provider.name}/{model}", _no_prices(model), overrides) if overrides else None
        listed, name, ours = found
        sources = [CONFIGURED if overrides else "", OURS if ours else "", self._listing if name.match else ""]
        simulated = "simulated, priced as " if provider.is_simulated else ""
        source = f"{simulated}{' and '.join(filter(None, sources))}: {listed}/{name.id}"
        return Tariff(source, name, (*ours, *overrides))

    def _search(self, provider: Provider, model: str) -> tuple[str, ListedModel, tuple[Override, ...]] | None:
        """Whose model it is, what the list says of it, and what we say instead."""
        listed = None if provider.is_simulated else self._provider(provider)
        if listed is None:  # not a provider of the list: the model's name says whose it is
            listed = next((one for one in self._providers.values() if matches(one.model_match, model)), None)
        if listed is None:
            return None
        names = list(dict.fromkeys(_spellings(model, provider.name.lower(), listed.id, *listed.fallback)))
        place, found = self._find(listed, names)
        tried = (self._supplement.find(listed.id, name, is_listed=found is not None) for name in names[: place + 1])
        ours = next(filter(None, tried), ())
        return (listed.id, found or _no_prices(model), ours) if found or ours else None

    def _find(self, listed: ListedProvider, names: list[str]) -> tuple[int, ListedModel | None]:
        """With the place of the name that it has in the list: a later one can be that of another model."""
        candidates = [listed, *(self._providers[name] for name in listed.fallback if name in self._providers)]
        for place, name in enumerate(names):
            for candidate in candidates:
                if found := candidate.find(name):
                    return place, found if candidate is listed else found.resold()
        others = (self._supplement.name_in_list(listed.id, name) for name in names)
        return len(names), next((found for other in others if other and (found := listed.find(other))), None)

    def _provider(self, provider: Provider) -> ListedProvider | None:
        name = (provider.price_provider or provider.name).lower()
        if name in self._providers:
            return self._providers[name]
        listed = self._providers.values()
        by_name = next((one for one in listed if matches(one.provider_match, name)), None)
        return by_name or next((one for one in listed if re.match(one.api_pattern, provider.base_url)), None)


def _no_prices(model: str) -> ListedModel:
    return ListedModel(model, [], [(None, {})], [])


def _spellings(model: str, *owners: str) -> Iterator[str]:
    """The name as it was asked for, its date spelt otherwise, without what stands before it, at last without a date."""
    names = [model]
    owner, _, rest = model.partition("/")
    if rest and owner in owners:
        names.append(rest)
    head, _, tail = model.rpartition("/")
    if head.startswith("arn:") or head.endswith("models") or head in owners:
        names.append(tail)
    if not head and _FIREWORKS in owners:
        names.append(f"accounts/{_FIREWORKS}/models/{model}")
    for name in names:
        yield name
        yield _COMPACT_DATE.sub(r"-\1-\2-\3", name)
    for name in names:
        yield _LAST_DATE.sub("", name)
