"""Our own prices beside the list's: what it lacks, and where it says otherwise than the provider.

They stand in `price_supplement.toml`, in the words of `prices:` of the configuration and with their sources.
"""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from proxy.price_overrides import Override, PriceOverrides, parse_prices

Names = Mapping[str, Mapping[str, str]]  # by provider and name or pattern: the name in the list


class Supplement(NamedTuple):
    """By the list's names of providers."""

    missing: PriceOverrides
    instead: PriceOverrides
    names: Names
    resells: Mapping[str, list[str]]

    def find(self, provider: str, model: str, *, is_listed: bool) -> tuple[Override, ...]:
        return self.instead.find(provider, model) or (() if is_listed else self.missing.find(provider, model))

    def name_in_list(self, provider: str, model: str) -> str:
        """What the list calls a model that it does not know by this name; '' for what is no other name."""
        names = self.names.get(provider, {})
        fitting = [name for name in names if name == model or (name.endswith("*") and model.startswith(name[:-1]))]
        return names[max(fitting, key=len)] if fitting else ""


NO_SUPPLEMENT = Supplement(PriceOverrides(), PriceOverrides(), {}, {})


def load_supplement() -> Supplement:
    """Read once, when the table of prices is made."""
    with Path(__file__).with_suffix(".toml").open("rb") as file:
        found: dict[str, Any] = tomllib.load(file, parse_float=Decimal)
    missing, names = found.get("missing", {}), {}
    for provider, models in missing.items():
        names[provider] = {name.lower(): value for name, value in models.items() if isinstance(value, str)}
    rates = {
        provider: {name: value for name, value in models.items() if not isinstance(value, str)}
        for provider, models in missing.items()
    }
    return Supplement(parse_prices(rates), parse_prices(found.get("instead")), names, found.get("resells", {}))
